/* The state directory, and the clock whose stamps are never drawn twice. */
#include "journal/ceiling.h"
#include "journal/stamp.h"
#include "journal/state.h"
#include "support/owned.h"
#include "support/tempdir.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using support::read_file;
using support::TempDir;
using State = support::Owned<state, state_close>;
using Clock = support::Owned<ceiling, ceiling_close>;

constexpr uint64_t kNow = 200000000000; /* ms since 2020 */

State open_state(const std::string &dir, uint32_t number = 7)
{
	char why[STATE_WHY_MAX] = "";
	State s(state_open(dir.c_str(), number, why));

	EXPECT_TRUE(s) << why;
	return s;
}

/* Why it does not open. */
std::string refusal(const std::string &dir)
{
	char why[STATE_WHY_MAX] = "";
	State s(state_open(dir.c_str(), 7, why));

	EXPECT_FALSE(s);
	return why;
}

void write_file(const std::string &path, const std::string &bytes)
{
	std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

bool holds(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

TEST(State, WhoTheNodeIsStays)
{
	const TempDir temp;
	const std::string dir = temp.file("a/b/state");
	std::string identity;
	uint64_t incarnation = 0;
	struct stat st = {};

	{
		State s = open_state(dir, 7);
		identity = state_identity(s.get());
		incarnation = state_incarnation(s.get());
		EXPECT_EQ(state_number(s.get()), 7u);
		EXPECT_EQ(state_dir(s.get()), dir);
	}
	ASSERT_EQ(stat(dir.c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0700u);
	EXPECT_EQ(identity.size(), size_t(STATE_IDENTITY_CHARS));
	EXPECT_EQ(identity.find_first_not_of("0123456789abcdef"), std::string::npos);
	{
		State s = open_state(dir, 9);
		EXPECT_EQ(state_identity(s.get()), identity);
		EXPECT_EQ(state_incarnation(s.get()), incarnation);
		EXPECT_EQ(state_number(s.get()), 7u) << "the number of the first start is kept";
	}
	State other = open_state(temp.file("other"));
	EXPECT_NE(state_identity(other.get()), identity);
}

TEST(State, WhatChangesIsWritten)
{
	const TempDir temp;
	const std::string dir = temp.file("state");
	char why[STATE_WHY_MAX] = "";
	uint64_t first = 0, second = 0;

	{
		State s = open_state(dir);
		first = state_incarnation(s.get());
		ASSERT_TRUE(state_renew(s.get(), why)) << why;
		second = state_incarnation(s.get());
		EXPECT_NE(first, second);
		ASSERT_TRUE(state_renumber(s.get(), 1023, why)) << why;
		EXPECT_EQ(stamp_node(ceiling_draw(state_clock(s.get()), kNow)), 1023u);
	}
	State s = open_state(dir);
	EXPECT_EQ(state_incarnation(s.get()), second);
	EXPECT_EQ(state_number(s.get()), 1023u);
	EXPECT_EQ(stamp_node(ceiling_draw(state_clock(s.get()), kNow)), 1023u);
}

TEST(State, OneNodeAtATime)
{
	const TempDir temp;
	const std::string dir = temp.file("state");
	int ready[2];
	char byte;

	ASSERT_EQ(pipe(ready), 0);
	const pid_t child = fork();
	ASSERT_GE(child, 0);
	if (child == 0) {
		char why[STATE_WHY_MAX];

		if (!state_open(dir.c_str(), 1, why) || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	EXPECT_EQ(refusal(dir), dir + " is in use by the running node with pid " +
					std::to_string(child) +
					": give each node a recon_state_dir of its own");
	kill(child, SIGKILL);
	waitpid(child, nullptr, 0);
	EXPECT_TRUE(open_state(dir)) << "the lock of a killed one is gone";
}

/* Every byte of the file of the node counts. */
TEST(State, DamageIsAnErrorThatNamesTheRemedy)
{
	const TempDir temp;
	const std::string dir = temp.file("state"), path = dir + "/node";

	open_state(dir);
	const std::string good = read_file(path);
	for (size_t i = 0; i < good.size(); i++) {
		std::string bad = good;

		bad[i] ^= 1;
		write_file(path, bad);
		const std::string why = refusal(dir);
		EXPECT_TRUE(holds(why, path + " is damaged") || holds(why, "newer dynomite"))
			<< i << ": " << why;
		write_file(path, good.substr(0, i));
		EXPECT_TRUE(holds(refusal(dir), path + " is damaged")) << i;
	}
	write_file(path, good + good);
	EXPECT_NE(refusal(dir), "");
	write_file(path, good + "x");
	EXPECT_TRUE(holds(refusal(dir), "remove the whole directory")) << refusal(dir);
	write_file(path, "dynomite-state 2\nwhatever\n");
	EXPECT_EQ(refusal(dir), path + " was written by a newer dynomite (format 2, this one "
				       "knows 1): run that one");
	write_file(path, good);
	EXPECT_TRUE(open_state(dir));
	std::filesystem::remove(dir + "/clock");
	EXPECT_TRUE(holds(refusal(dir), dir + "/clock is missing")) << refusal(dir);
	write_file(dir + "/clock", std::string(48, 'x'));
	EXPECT_TRUE(holds(refusal(dir), dir + "/clock is damaged")) << refusal(dir);
	std::filesystem::remove(path);
	write_file(dir + "/wal-whole", "");
	EXPECT_TRUE(holds(refusal(dir), path + " is missing")) << refusal(dir);
	std::filesystem::create_directory(path);
	EXPECT_TRUE(holds(refusal(dir), path + " is a directory")) << refusal(dir);
}

TEST(State, AFirstStartThatWasCutOffIsBegunAgain)
{
	const TempDir temp;
	const std::string dir = temp.file("state");

	std::filesystem::create_directory(dir);
	write_file(dir + "/clock", "torn");
	write_file(dir + "/node.new", "torn");
	EXPECT_TRUE(open_state(dir));
	EXPECT_TRUE(open_state(dir));
}

TEST(State, AFullDiskIsTold)
{
	const TempDir temp;
	const std::string dir = temp.file("state");
	const pid_t child = fork();

	ASSERT_GE(child, 0);
	if (child == 0) {
		const struct rlimit none = {0, 0};
		char why[STATE_WHY_MAX] = "";

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &none);
		_exit(!state_open(dir.c_str(), 1, why) && strstr(why, "cannot write") ? 0 : 1);
	}
	int status = -1;
	waitpid(child, &status, 0);
	EXPECT_EQ(status, 0);
	EXPECT_TRUE(open_state(dir)) << "what was left does no harm";
}

TEST(State, WhereItCannotBeCreatedIsTold)
{
	const TempDir temp;

	write_file(temp.file("file"), "");
	EXPECT_EQ(refusal(temp.file("file/state")), "cannot create the state directory " +
							    temp.file("file/state") +
							    ": Not a directory");
}

/* ---- The clock ---- */

Clock open_clock(const std::string &path, bool is_new, uint32_t node = 3)
{
	char why[STATE_WHY_MAX] = "";
	Clock c(ceiling_open(path.c_str(), is_new, node, why, sizeof(why)));

	EXPECT_TRUE(c) << why;
	return c;
}

/* A child draws for a while and is killed, its clock set back each time it starts. */
TEST(Ceiling, NoStampIsDrawnAgainAfterAKill)
{
	const TempDir temp;
	const std::string path = temp.file("clock");
	uint64_t last = 0;

	open_clock(path, true);
	for (int round = 0; round < 5; round++) {
		int fds[2];
		uint64_t stamp, n = 0;

		ASSERT_EQ(pipe(fds), 0);
		const pid_t child = fork();
		ASSERT_GE(child, 0);
		if (child == 0) {
			char why[STATE_WHY_MAX];
			ceiling *c = ceiling_open(path.c_str(), false, 3, why, sizeof(why));

			for (uint64_t i = 0; c; i++) {
				stamp = ceiling_draw(c, kNow - uint64_t(round) + i * 100);
				if (write(fds[1], &stamp, sizeof(stamp)) != sizeof(stamp))
					break;
			}
			_exit(1);
		}
		close(fds[1]);
		while (n < 200 && read(fds[0], &stamp, sizeof(stamp)) == sizeof(stamp)) {
			ASSERT_GT(stamp, last) << "round " << round << ", stamp " << n;
			last = stamp;
			n++;
		}
		EXPECT_EQ(n, 200u);
		kill(child, SIGKILL);
		waitpid(child, nullptr, 0);
		while (read(fds[0], &stamp, sizeof(stamp)) == sizeof(stamp))
			last = std::max(last, stamp);
		close(fds[0]);
	}
}

TEST(Ceiling, IsAboveEveryStampBeforeItIsGivenOut)
{
	const TempDir temp;
	Clock c = open_clock(temp.file("clock"), true);
	uint64_t now = kNow;

	for (int i = 0; i < 2000; i++) {
		const uint64_t stamp = ceiling_draw(c.get(), now);
		ASSERT_LT(stamp_ms(stamp), ceiling_ms(c.get()));
		ASSERT_LE(ceiling_ms(c.get()), std::max(now, stamp_ms(stamp)) + 4000);
		now += uint64_t(i % 50) * uint64_t(i % 50);
		if (i % 100 == 99) {
			ASSERT_TRUE(stamp_see(ceiling_clock(c.get()),
				stamp_make(now + STAMP_AHEAD_MAX_MS, 9, 0), now));
			ASSERT_FALSE(stamp_see(ceiling_clock(c.get()),
				stamp_make(now + STAMP_AHEAD_MAX_MS + 1, 9, 0), now));
		}
	}
}

/* Killed a hundred times within a second, it must not be refused by others as too far ahead. */
TEST(Ceiling, StartingAgainAndAgainDoesNotRunAhead)
{
	const TempDir temp;
	const std::string path = temp.file("clock");
	uint64_t last = 0;

	open_clock(path, true);
	for (uint64_t i = 0; i < 30; i++) {
		const std::string copy = temp.file("copy" + std::to_string(i));
		{
			Clock c = open_clock(path, false);
			const uint64_t stamp = ceiling_draw(c.get(), kNow + i);
			EXPECT_GT(stamp, last);
			last = stamp;
			std::filesystem::copy_file(path, copy);
		}
		std::filesystem::rename(copy, path); /* as if it had been killed */
	}
	EXPECT_LT(stamp_ms(last), kNow + STAMP_AHEAD_MAX_MS);
}

TEST(Ceiling, StoppedInOrderItIsNotAhead)
{
	const TempDir temp;
	const std::string path = temp.file("clock");
	const uint64_t before = ceiling_draw(open_clock(path, true).get(), kNow);

	EXPECT_EQ(stamp_ms(ceiling_draw(open_clock(path, false).get(), kNow + 5)), kNow + 5);
	EXPECT_GT(ceiling_draw(open_clock(path, false).get(), kNow - 10000), before);
}

/* The newer slot may be torn: then the older one counts, which is lower than what it would be only
 * where no stamp above it was given out. */
TEST(Ceiling, ATornSlotLeavesTheOther)
{
	const TempDir temp;
	const std::string path = temp.file("clock");

	ceiling_draw(open_clock(path, true).get(), kNow);
	const std::string good = read_file(path);
	ASSERT_EQ(good.size(), 48u);
	for (size_t i = 0; i < good.size(); i++) {
		std::string bad = good;

		bad[i] ^= 4;
		write_file(path, bad);
		Clock c = open_clock(path, false);
		EXPECT_GE(ceiling_ms(c.get()), kNow) << i;
	}
	write_file(path, good.substr(0, 23));
	char why[STATE_WHY_MAX] = "";
	EXPECT_EQ(ceiling_open(path.c_str(), false, 3, why, sizeof(why)), nullptr);
	EXPECT_TRUE(holds(why, path + " is damaged")) << why;
}

TEST(Ceiling, AFullDiskDoesNotStopTheClock)
{
	const TempDir temp;
	const std::string path = temp.file("clock");
	const pid_t child = fork();

	ASSERT_GE(child, 0);
	if (child == 0) {
		struct rlimit limit = {};
		char why[STATE_WHY_MAX];
		ceiling *c = ceiling_open(path.c_str(), true, 3, why, sizeof(why));
		bool ok = c != nullptr;
		uint64_t first = ok ? ceiling_draw(c, kNow) : 0, second, third;

		signal(SIGXFSZ, SIG_IGN);
		getrlimit(RLIMIT_FSIZE, &limit);
		const struct rlimit none = {0, limit.rlim_max};
		setrlimit(RLIMIT_FSIZE, &none);
		second = ok ? ceiling_draw(c, kNow + 100000) : 0;
		ok = ok && second > first && ceiling_ms(c) < kNow + 100000;
		setrlimit(RLIMIT_FSIZE, &limit);
		third = ok ? ceiling_draw(c, kNow + 102000) : 0;
		_exit(ok && third > second && ceiling_ms(c) > kNow + 102000 ? 0 : 1);
	}
	int status = -1;
	waitpid(child, &status, 0);
	EXPECT_EQ(status, 0);
}

} // namespace
