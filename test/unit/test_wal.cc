/* The log of writes on disk: what was flushed is there, whatever happens. */
#include "journal/wal.h"
#include "support/tempdir.h"
#include "unit/wal_model.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace
{

using support::read_file;
using support::TempDir;
using wal_model::Model;

void write_file(const std::string &path, const std::string &bytes)
{
	std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::vector<std::string> segments(const std::string &dir)
{
	std::vector<std::string> found;

	for (const auto &e : std::filesystem::directory_iterator(dir))
		if (e.path().filename() != "wal-whole")
			found.push_back(e.path());
	std::sort(found.begin(), found.end());
	return found;
}

/* A run of random records, a flush after every few, with restarts. */
TEST(Wal, TheJournalIsThereAfterARestart)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const TempDir dir;
		Model m(dir.path(), seed);

		ASSERT_TRUE(m.open()) << m.why;
		EXPECT_TRUE(wal_is_new(m.log));
		for (int restart = 0; restart < 4; restart++) {
			for (int i = 0; i < 400; i++) {
				m.act();
				ASSERT_TRUE(m.random() % 8 || m.flush());
			}
			m.answer_all();
			ASSERT_EQ(m.dumped(), m.listed());
			m.close();
			ASSERT_TRUE(m.open()) << m.why;
			EXPECT_FALSE(wal_is_new(m.log));
			EXPECT_EQ(m.rebuild(false), MARKER_INTACT);
			ASSERT_EQ(m.dumped(), m.listed()) << "seed " << seed;
		}
	}
}

/* A log of some flushes, and what the journals were at each. */
struct Flushes {
	std::vector<size_t> sizes; /* of the file after each flush */
	std::vector<std::string> dumps;
	std::string path, bytes;
};

Flushes some_flushes(Model &m, const std::string &dir, int n)
{
	Flushes run;

	EXPECT_TRUE(m.open()) << m.why;
	m.flush();
	run.path = segments(dir).at(0);
	run.sizes.push_back(std::filesystem::file_size(run.path));
	run.dumps.push_back(m.dumped());
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 5; k++)
			m.act();
		m.answer_all();
		EXPECT_TRUE(m.flush());
		run.sizes.push_back(std::filesystem::file_size(run.path));
		run.dumps.push_back(m.dumped());
	}
	m.close();
	run.bytes = read_file(run.path);
	EXPECT_EQ(run.bytes.size(), run.sizes.back());
	return run;
}

/* Which flush the first good bytes of a file end with. */
size_t flush_within(const Flushes &run, size_t bytes)
{
	size_t i = 0;

	while (i + 1 < run.sizes.size() && run.sizes[i + 1] <= bytes)
		i++;
	return i;
}

/* Open what is there, with the markers of as much as the log still has. */
std::string reopened(const std::string &dir, bool *is_new)
{
	Model m(dir, 1);
	std::vector<marker_found> found(WAL_LANES_MAX);
	std::string all;

	EXPECT_TRUE(m.open()) << m.why;
	*is_new = wal_is_new(m.log);
	for (uint32_t l = 0; l < WAL_LANES_MAX; l++)
		if (wal_lane_position(m.log, l)) {
			found[l].what = marker_found::MARKER_THERE;
			found[l].marker = {wal_id(m.log), l, wal_lane_position(m.log, l)};
		}
	EXPECT_EQ(m.rebuild_with(found), MARKER_INTACT);
	return m.dumped();
}

TEST(Wal, ATornEndIsCutOffAtEveryByte)
{
	const TempDir dir, copy;
	Model m(dir.path(), 3);
	const Flushes run = some_flushes(m, dir.path(), 10);
	const std::string path = copy.file(std::filesystem::path(run.path).filename());
	bool is_new;

	write_file(copy.file("wal-whole"), "");
	for (size_t len = 0; len <= run.bytes.size(); len++) {
		for (const std::string &old : segments(copy.path()))
			std::filesystem::remove(old);
		write_file(path, run.bytes.substr(0, len));
		const std::string got = reopened(copy.path(), &is_new);
		if (len >= run.sizes[0]) {
			ASSERT_FALSE(is_new) << len;
			ASSERT_EQ(got, run.dumps[flush_within(run, len)]) << len;
		}
	}
}

TEST(Wal, AFlippedBitEndsTheLogBeforeItsFlush)
{
	const TempDir dir, copy;
	Model m(dir.path(), 4);
	const Flushes run = some_flushes(m, dir.path(), 8);
	const std::string path = copy.file(std::filesystem::path(run.path).filename());
	bool is_new;

	write_file(copy.file("wal-whole"), "");
	for (size_t at = 0; at < run.bytes.size(); at++) {
		std::string bad = run.bytes;

		bad[at] = static_cast<char>(bad[at] ^ 1 << at % 8);
		for (const std::string &old : segments(copy.path()))
			std::filesystem::remove(old);
		write_file(path, bad);
		const std::string got = reopened(copy.path(), &is_new);
		if (at >= run.sizes[0]) {
			ASSERT_FALSE(is_new) << at;
			ASSERT_EQ(got, run.dumps[flush_within(run, at)]) << at;
		} else if (at < 32) {
			ASSERT_TRUE(is_new) << "without its header it is nothing: " << at;
		}
	}
}

/* What was written is found by another process after a kill -9 in the middle of anything. */
TEST(Wal, WhatWasFlushedSurvivesAKill)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		const TempDir dir;
		int fds[2];
		uint32_t n = 0, got;

		ASSERT_EQ(pipe(fds), 0);
		const pid_t child = fork();
		ASSERT_GE(child, 0);
		if (child == 0) {
			Model m(dir.path(), seed, WAL_BYTES_LEAST);

			if (!m.open())
				_exit(1);
			for (uint32_t i = 1;; i++) {
				for (int k = 0; k < 10; k++)
					m.act();
				m.answer_all();
				if (!m.flush() || write(fds[1], &i, sizeof(i)) != sizeof(i))
					_exit(1);
			}
		}
		close(fds[1]);
		while (n < 200 * seed && read(fds[0], &got, sizeof(got)) == sizeof(got))
			n = got;
		kill(child, SIGKILL);
		waitpid(child, nullptr, 0);
		while (read(fds[0], &got, sizeof(got)) == sizeof(got))
			n = got;
		close(fds[0]);
		ASSERT_GE(n, 200 * seed);

		/* The same again in memory, to this flush, or the next one that was not told. */
		const TempDir other;
		Model m(other.path(), seed, WAL_BYTES_LEAST);
		bool is_new;
		const std::string found = reopened(dir.path(), &is_new);
		EXPECT_FALSE(is_new);
		ASSERT_TRUE(m.open());
		for (uint32_t i = 1; i <= n + 1; i++) {
			for (int k = 0; k < 10; k++)
				m.act();
			m.answer_all();
			if (i >= n && m.dumped() == found)
				break;
			ASSERT_LE(i, n) << "seed " << seed;
			m.flush();
		}
	}
}

TEST(Wal, SnapshotsAreWhatTheJournalsAreAndBoundTheDisk)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		const TempDir dir;
		Model m(dir.path(), seed, WAL_BYTES_LEAST, 3, 3000);
		wal_figures f;

		ASSERT_TRUE(m.open()) << m.why;
		for (int i = 0; i < 120000; i++) {
			m.act();
			ASSERT_TRUE(m.random() % 16 || m.flush());
			if (i % 1000 == 0) {
				wal_count(m.log, &f);
				ASSERT_LT(f.bytes, 3 * WAL_BYTES_LEAST);
			}
		}
		wal_count(m.log, &f);
		EXPECT_GE(f.snapshots, 3u);
		m.answer_all();
		m.close();
		ASSERT_TRUE(m.open()) << m.why;
		EXPECT_EQ(m.rebuild(false), MARKER_INTACT);
		ASSERT_EQ(m.dumped(), m.listed()) << "seed " << seed;
	}
}

/* Killed at any time: commands under way, a snapshot half written. */
TEST(Wal, AHalfWrittenSnapshotIsNotUsed)
{
	for (uint64_t seed = 1; seed <= 14; seed++) {
		const TempDir dir, copy;
		Model m(dir.path(), seed, WAL_BYTES_LEAST, 3, 2000);
		bool lost;

		ASSERT_TRUE(m.open()) << m.why;
		for (int i = 0; i < 6000; i++) {
			m.act();
			if (i == 3000)
				wal_begin_snapshot(m.log);
			ASSERT_TRUE(i % 16 || m.flush());
			if (i > 3000 + 16 * static_cast<int>(seed % 7))
				break;
		}
		m.flush();
		m.close();
		ASSERT_TRUE(m.open()) << m.why;
		EXPECT_EQ(m.rebuild(false), MARKER_INTACT);
		m.rebuild_list(m.commands(), &lost);
		EXPECT_FALSE(lost);
		ASSERT_EQ(m.dumped(), m.listed()) << "seed " << seed;
		for (int i = 0; i < 200; i++) {
			m.act();
			ASSERT_TRUE(m.flush());
		}
		m.answer_all();
		m.close();
		ASSERT_TRUE(m.open()) << m.why;
		EXPECT_EQ(m.rebuild(false), MARKER_INTACT);
		ASSERT_EQ(m.dumped(), m.listed()) << "seed " << seed;
	}
}

TEST(Wal, WhatIsKeptOfAShareIsTheLast)
{
	const TempDir dir;
	Model m(dir.path(), 1, WAL_BYTES_LEAST);
	size_t len;

	ASSERT_TRUE(m.open());
	EXPECT_EQ(wal_kept(m.log, 1, &len), nullptr);
	wal_keep(m.log, 1, "first", 5);
	wal_keep(m.log, 1, "second", 6);
	wal_keep(m.log, 0, "", 0);
	for (int round = 0; round < 3; round++) {
		const void *kept = wal_kept(m.log, 1, &len);
		ASSERT_NE(kept, nullptr);
		EXPECT_EQ(std::string(static_cast<const char *>(kept), len), "second");
		EXPECT_NE(wal_kept(m.log, 0, &len), nullptr);
		EXPECT_EQ(len, 0u);
		EXPECT_EQ(wal_share_id(m.log, 1), 1001u);
		wal_begin_snapshot(m.log);
		m.flush();
		m.close();
		ASSERT_TRUE(m.open());
		EXPECT_EQ(m.rebuild(false), MARKER_INTACT);
	}
}

/* In a child, whose files may grow to so many bytes. */
bool on_a_small_disk(const std::string &dir, uint64_t room)
{
	const pid_t child = fork();
	int status = -1;

	if (child == 0) {
		Model m(dir, 5);
		struct rlimit limit = {}, small;
		bool ok = m.open();

		signal(SIGXFSZ, SIG_IGN);
		getrlimit(RLIMIT_FSIZE, &limit);
		small = {room, limit.rlim_max};
		setrlimit(RLIMIT_FSIZE, &small);
		for (int i = 0; i < 3000 && ok; i++) {
			m.act();
			ok = m.flush();
		}
		if (ok || !wal_is_broken(m.log))
			_exit(1);
		/* Killed now, it would not take what is there for the whole log. */
		setrlimit(RLIMIT_FSIZE, &limit);
		{
			const TempDir copy;
			bool is_new;

			for (const auto &e : std::filesystem::directory_iterator(dir))
				std::filesystem::copy_file(
					e.path(), copy.file(e.path().filename()));
			if (segments(copy.path()).empty())
				_exit(2);
			reopened(copy.path(), &is_new);
			if (!is_new)
				_exit(3);
		}
		/* It goes on in memory, and says so. */
		small.rlim_cur = 0;
		setrlimit(RLIMIT_FSIZE, &small);
		for (int i = 0; i < 500; i++) {
			m.act();
			m.flush();
		}
		if (!wal_is_broken(m.log) || std::filesystem::exists(dir + "/wal-whole"))
			_exit(4);
		setrlimit(RLIMIT_FSIZE, &limit);
		for (int i = 0; i < 300; i++) {
			m.act();
			m.flush();
		}
		if (wal_is_broken(m.log) || !std::filesystem::exists(dir + "/wal-whole"))
			_exit(5);
		m.answer_all();
		m.close();
		if (!m.open() || wal_is_new(m.log) || m.rebuild(false) != MARKER_INTACT)
			_exit(6);
		_exit(m.dumped() == m.listed() ? 0 : 7);
	}
	waitpid(child, &status, 0);
	EXPECT_EQ(status, 0) << "room " << room << ", step " << WEXITSTATUS(status);
	return status == 0;
}

TEST(Wal, AFullDiskBreaksItUntilThereIsRoom)
{
	for (uint64_t room : {0u, 100u, 1000u, 4097u, 10000u, 10001u, 10002u, 30003u}) {
		const TempDir dir;

		ASSERT_TRUE(on_a_small_disk(dir.path(), room));
	}
}

TEST(Wal, WhereThereIsNoDirectoryItDoesNotOpen)
{
	const TempDir dir;
	Model m(dir.file("none"), 1);

	EXPECT_FALSE(m.open());
	EXPECT_EQ(m.why,
		"cannot read the directory " + dir.file("none") + ": No such file or directory");
}

TEST(Wal, WhatIsSyncedIsKnown)
{
	const TempDir dir;
	Model m(dir.path(), 1);

	ASSERT_TRUE(m.open());
	m.act();
	m.flush();
	const uint64_t position = wal_position(m.log);
	for (int i = 0; i < 2000 && wal_durable(m.log) < position; i++) {
		usleep(5000);
		m.flush();
	}
	EXPECT_GE(wal_durable(m.log), position);
}

} // namespace
