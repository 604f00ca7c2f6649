#include "support/status.h"
#include "support/tempdir.h"
#include "support/wire_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

/* All of the one snapshot that source gives, read in pieces. */
std::string only_snapshot(struct dyn_entropy_source *source, size_t piece)
{
	std::string all, buf(piece, '\0');
	uint32_t announced = 0, again = 0;
	size_t len = 1;
	Error err;

	EXPECT_TRUE(succeeds(source->ops->next(source->self, &announced, err), err));
	while (len > 0) {
		EXPECT_TRUE(succeeds(
			source->ops->read(source->self, buf.data(), piece, &len, err), err));
		all.append(buf, 0, len);
	}
	EXPECT_EQ(all.size(), announced);
	EXPECT_EQ(source->ops->next(source->self, &again, err), DYN_ENTROPY_END);
	EXPECT_EQ(source->ops->next(source->self, &again, err), DYN_ENTROPY_END);
	return all;
}

TEST(SourceStatic, GivesOneSnapshot)
{
	for (size_t len : {0u, 1u, 1000u})
		for (size_t piece : {1u, 7u, 5000u}) {
			const std::string bytes = support::noise(len);
			struct dyn_entropy_source s = {};
			Error err;

			ASSERT_TRUE(succeeds(
				dyn_entropy_source_static(bytes.data(), len, &s, err), err));
			EXPECT_EQ(only_snapshot(&s, piece), bytes);
			dyn_entropy_source_free(&s);
			EXPECT_EQ(s.ops, nullptr);
		}
}

TEST(SourceStatic, NothingNeedsNoAddress)
{
	struct dyn_entropy_source s = {};
	Error err;

	ASSERT_TRUE(succeeds(dyn_entropy_source_static(nullptr, 0, &s, err), err));
	EXPECT_EQ(only_snapshot(&s, 10), "");
	dyn_entropy_source_free(&s);
	dyn_entropy_source_free(&s); /* harmless on an empty one */
}

TEST(SourceStatic, TellsHowMuchToExpect)
{
	struct dyn_entropy_source_totals totals;
	struct dyn_entropy_source s = {};
	Error err;

	ASSERT_TRUE(succeeds(dyn_entropy_source_static("12345", 5, &s, err), err));
	s.ops->totals(s.self, &totals);
	EXPECT_EQ(totals.bytes_expected, 5u);
	EXPECT_EQ(totals.keys, 0u);
	dyn_entropy_source_free(&s);
}

TEST(SourceStatic, RefusesMoreThanASnapshotHolds)
{
	struct dyn_entropy_source s = {};
	Error err;

	EXPECT_TRUE(fails(dyn_entropy_source_static("", 0xFFFFFFFFu, &s, err), err,
		DYN_ENTROPY_ERR_SOURCE, "4294967295"));
	EXPECT_EQ(s.ops, nullptr);
	ASSERT_TRUE(succeeds(dyn_entropy_source_static("", 0xFFFFFFFEu, &s, err), err));
	dyn_entropy_source_free(&s);
}

TEST(SourceFile, GivesTheBytesOfTheFile)
{
	support::TempDir dir;

	for (size_t len : {0u, 1u, 100000u}) {
		const std::string bytes = support::noise(len), path = dir.write("f", bytes);
		struct dyn_entropy_source s = {};
		Error err;

		ASSERT_TRUE(succeeds(dyn_entropy_source_file(path.c_str(), &s, err), err));
		EXPECT_TRUE(only_snapshot(&s, 4096) == bytes);
		dyn_entropy_source_free(&s);
	}
}

TEST(SourceFile, KeepsToTheLengthItHadWhenItWasOpened)
{
	support::TempDir dir;
	const std::string path = dir.write("f", "0123456789");
	struct dyn_entropy_source s = {};
	uint32_t announced = 0;
	char buf[100];
	size_t len = 0;
	Error err;

	ASSERT_TRUE(succeeds(dyn_entropy_source_file(path.c_str(), &s, err), err));
	dir.write("f", "0123456789 and more");
	EXPECT_EQ(only_snapshot(&s, 100), "0123456789");
	dyn_entropy_source_free(&s);

	dir.write("f", "0123456789");
	ASSERT_TRUE(succeeds(dyn_entropy_source_file(path.c_str(), &s, err), err));
	ASSERT_TRUE(succeeds(s.ops->next(s.self, &announced, err), err));
	EXPECT_EQ(announced, 10u);
	ASSERT_EQ(truncate(path.c_str(), 4), 0);
	ASSERT_TRUE(succeeds(s.ops->read(s.self, buf, sizeof(buf), &len, err), err));
	EXPECT_EQ(len, 4u);
	EXPECT_TRUE(fails(s.ops->read(s.self, buf, sizeof(buf), &len, err), err,
		DYN_ENTROPY_ERR_SOURCE, "shorter"));
	dyn_entropy_source_free(&s);
}

TEST(SourceFile, RefusesWhatIsNoFileToSend)
{
	support::TempDir dir;
	const std::string fifo = dir.file("fifo"), large = dir.file("large");
	const int fd = open(large.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
	ASSERT_EQ(ftruncate(fd, 0xFFFFFFFFll), 0); /* a hole: it takes no space */
	close(fd);
	const struct {
		std::string path, words;
	} cases[] = {
		{dir.file("none"), "No such file"},
		{dir.path(), "not a regular file"},
		{fifo, "not a regular file"},
		{large, "4294967295"},
	};
	for (const auto &c : cases) {
		struct dyn_entropy_source s = {};
		Error err;

		EXPECT_TRUE(fails(dyn_entropy_source_file(c.path.c_str(), &s, err), err,
			DYN_ENTROPY_ERR_SOURCE, c.words));
		EXPECT_EQ(s.ops, nullptr);
	}
}

} // namespace
