#include "entropy/spool.h"
#include "support/owned.h"
#include "support/status.h"
#include "support/tempdir.h"
#include "support/wire_bytes.h"

#include <csignal>
#include <cstdlib>
#include <dirent.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace
{

using support::Error;
using support::fails;
using support::noise;
using support::succeeds;

constexpr size_t kBlock = 256 * 1024;

using Spool = support::Owned<struct spool, spool_free>;

Spool make(const std::string &dir, size_t memory_bytes)
{
	struct spool *s = nullptr;
	Error err;

	EXPECT_TRUE(succeeds(spool_new(dir.c_str(), memory_bytes, &s, err), err));
	return Spool(s);
}

void append(struct spool *s, const std::string &bytes)
{
	Error err;

	ASSERT_TRUE(succeeds(spool_append(s, bytes.data(), bytes.size(), err), err));
}

std::string read_all(struct spool *s, size_t piece)
{
	std::string all, buf(piece, '\0');
	size_t len = 1;
	Error err;

	while (len > 0) {
		EXPECT_TRUE(succeeds(spool_read(s, buf.data(), piece, &len, err), err));
		all.append(buf, 0, len);
	}
	return all;
}

bool is_empty(const std::string &dir)
{
	return std::filesystem::is_empty(dir);
}

size_t descriptors()
{
	size_t n = 0;

	for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
		n += entry.is_symlink();
	return n;
}

TEST(Spool, GivesBackWhatItTookAcrossItsBorders)
{
	support::TempDir dir;

	for (size_t memory : {size_t(0), kBlock, 2 * kBlock})
		for (size_t len : {size_t(0), size_t(1), kBlock - 1, kBlock, kBlock + 1,
			     2 * kBlock - 1, 2 * kBlock, 2 * kBlock + 1, 5 * kBlock + 7}) {
			Spool s = make(dir.path(), memory);
			const std::string bytes = noise(len);

			/* Pieces that never fall on a border. */
			for (size_t at = 0; at < len; at += 100003)
				append(s.get(), bytes.substr(at, 100003));
			ASSERT_EQ(spool_len(s.get()), len);
			for (size_t piece : {size_t(77777), kBlock, 10 * kBlock}) {
				ASSERT_TRUE(read_all(s.get(), piece) == bytes)
					<< memory << " " << len << " " << piece;
				spool_rewind(s.get());
			}
		}
}

TEST(Spool, TheFileComesLateAndHasNoName)
{
	support::TempDir dir;
	const size_t before = descriptors();
	Spool s = make(dir.path(), kBlock);

	append(s.get(), std::string(kBlock, 'm'));
	EXPECT_EQ(descriptors(), before) << "what fits into memory needs no file";
	append(s.get(), "f");
	EXPECT_EQ(descriptors(), before + 1);
	EXPECT_TRUE(is_empty(dir.path()));
	spool_clear(s.get());
	EXPECT_EQ(descriptors(), before);
	EXPECT_EQ(spool_len(s.get()), 0u);
}

TEST(Spool, ServesAgainAfterClear)
{
	support::TempDir dir;
	Spool s = make(dir.path(), kBlock);

	for (uint32_t round = 0; round < 3; round++) {
		const std::string bytes = noise(kBlock * 2 + 5, round + 1);

		append(s.get(), bytes);
		EXPECT_TRUE(read_all(s.get(), kBlock) == bytes);
		spool_clear(s.get());
		EXPECT_EQ(read_all(s.get(), kBlock), "");
	}
}

TEST(Spool, ReadsOnWhereItStoodWhenMoreIsAppended)
{
	support::TempDir dir;
	Spool s = make(dir.path(), kBlock);

	append(s.get(), "one");
	EXPECT_EQ(read_all(s.get(), 100), "one");
	append(s.get(), "two");
	EXPECT_EQ(read_all(s.get(), 100), "two");
	spool_rewind(s.get());
	EXPECT_EQ(read_all(s.get(), 100), "onetwo");
}

TEST(Spool, AppendsAnother)
{
	support::TempDir dir;
	const std::string a = noise(kBlock + 10, 1), b = noise(kBlock * 2 + 10, 2);
	Spool to = make(dir.path(), kBlock), from = make(dir.path(), kBlock);
	Error err;

	append(to.get(), a);
	append(from.get(), b);
	for (size_t len : {size_t{7}, b.size() - 7})
		ASSERT_TRUE(succeeds(spool_append_spool(to.get(), from.get(), len, err), err));
	EXPECT_TRUE(read_all(to.get(), kBlock) == a + b);
	spool_rewind(from.get());
	EXPECT_TRUE(read_all(from.get(), kBlock) == b) << "it stays";
}

/* In memory and in the file, and from another spool. */
TEST(Spool, CanBeStoppedWithinALargePiece)
{
	struct Watch {
		dyn_entropy_cancel *cancel = dyn_entropy_cancel_new();
		int looks = 0, stop_at = 0;

		~Watch()
		{
			dyn_entropy_cancel_free(cancel);
		}
	};
	support::TempDir dir;
	const std::string much = noise(20 * 1024 * 1024);

	for (size_t memory : {size_t{0}, size_t{64} * 1024 * 1024})
		for (bool from_spool : {false, true}) {
			Watch seen;
			struct watch w = {seen.cancel,
				[](void *arg) {
					auto *s = static_cast<Watch *>(arg);

					if (++s->looks == s->stop_at)
						dyn_entropy_cancel_set(s->cancel);
				},
				&seen};
			Spool to = make(dir.path(), memory), from = make(dir.path(), memory);
			Error err;

			append(from.get(), much);
			seen.stop_at = 5;
			spool_watch(to.get(), &w);
			EXPECT_TRUE(support::fails(
				from_spool
					? spool_append_spool(to.get(), from.get(), much.size(), err)
					: spool_append(to.get(), much.data(), much.size(), err),
				err, DYN_ENTROPY_ERR_CANCELLED));
			EXPECT_EQ(seen.looks, 5);
			EXPECT_LT(spool_len(to.get()), 5u * 1024 * 1024);
		}
}

TEST(Spool, SaysWhatIsWrongWithItsDirectory)
{
	support::TempDir dir;
	const std::string missing = dir.file("no/such"), file = dir.write("file", "");

	for (const auto &path : {missing, file, std::string("/dev/full"), std::string(5000, 'x')}) {
		Spool s = make(path, 0);
		Error err;

		EXPECT_TRUE(fails(spool_append(s.get(), "x", 1, err), err, DYN_ENTROPY_ERR_IO));
		EXPECT_EQ(err.text().rfind(path.substr(0, 400), 0), 0u) << err.text();
		EXPECT_EQ(spool_len(s.get()), 0u);
	}
}

TEST(Spool, SaysThatTheDiskIsFull)
{
	support::TempDir dir;
	const pid_t child = fork();

	ASSERT_GE(child, 0);
	if (child == 0) {
		const struct rlimit limit = {100000, 100000};
		struct spool *s = nullptr;
		const std::string piece = noise(70000);
		Error err;
		bool good;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		good = spool_new(dir.path().c_str(), 0, &s, err) == DYN_ENTROPY_OK &&
		       spool_append(s, piece.data(), piece.size(), err) == DYN_ENTROPY_OK &&
		       spool_append(s, piece.data(), piece.size(), err) == DYN_ENTROPY_ERR_IO &&
		       err.text().find("free some space") != std::string::npos &&
		       err.text().find(dir.path()) == 0;
		_exit(good ? 0 : 1);
	}
	int how = 0;
	ASSERT_EQ(waitpid(child, &how, 0), child);
	EXPECT_EQ(how, 0);
	EXPECT_TRUE(is_empty(dir.path()));
}

TEST(Spool, GoesToTmpdirByDefault)
{
	support::TempDir dir;
	const char *old = getenv("TMPDIR");
	const std::string saved = old ? old : "";
	struct spool *raw = nullptr;
	Error err;

	setenv("TMPDIR", dir.file("no/such").c_str(), 1);
	const auto status = spool_new(nullptr, 0, &raw, err);
	if (old)
		setenv("TMPDIR", saved.c_str(), 1);
	else
		unsetenv("TMPDIR");
	Spool s(raw);
	ASSERT_TRUE(succeeds(status, err));
	EXPECT_TRUE(fails(
		spool_append(s.get(), "x", 1, err), err, DYN_ENTROPY_ERR_IO, dir.file("no/such")));
	spool_free(nullptr);
}

} // namespace
