#include "entropy/segment.h"
#include "support/resp.h"
#include "support/tempdir.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

std::string content(struct segment *s)
{
	std::string all;
	char piece[1000];
	size_t len = 1;

	spool_rewind(s->spool);
	while (len > 0) {
		EXPECT_EQ(
			spool_read(s->spool, piece, sizeof(piece), &len, nullptr), DYN_ENTROPY_OK);
		all.append(piece, len);
	}
	return all;
}

std::string command(const std::string &key, const std::string &deadline, const std::string &payload)
{
	return "*5\r\n" + support::bulk("RESTORE") + support::bulk(key) + support::bulk(deadline) +
	       support::bulk(payload) + support::bulk("ABSTTL");
}

class Segment : public ::testing::Test
{
      protected:
	struct segment s;

	void open(uint32_t limit)
	{
		struct dyn_entropy_source_options options = {};

		options.segment_bytes = limit;
		options.spool_dir = dir_.path().c_str();
		ASSERT_EQ(segment_init(&s, &options, nullptr, nullptr), DYN_ENTROPY_OK);
	}
	void add(const std::string &key, int64_t deadline_ms, const std::string &payload)
	{
		ASSERT_EQ(segment_add(&s, key.data(), key.size(), deadline_ms, payload.data(),
				  payload.size(), nullptr),
			DYN_ENTROPY_OK);
	}
	void SetUp() override
	{
		s = {};
	}
	void TearDown() override
	{
		segment_fini(&s);
	}

      private:
	support::TempDir dir_;
};

} // namespace

TEST_F(Segment, WritesRestoreCommands)
{
	open(1000);
	add("key", 0, "payload");
	add(std::string("b\0\r\n", 4), 1893456000123, std::string("\0\xff", 2));
	EXPECT_EQ(s.keys, 2u);
	EXPECT_EQ(content(&s),
		command("key", "0", "payload") + command(std::string("b\0\r\n", 4), "1893456000123",
							 std::string("\0\xff", 2)));
}

TEST_F(Segment, IsTheSameForCommandsOfEverySize)
{
	const size_t sizes[] = {
		0, 1, 9, 10, 99, 100, 3800, 3960, 3967, 3968, 3969, 4096, 5000, 70000, 1000000};

	open(UINT32_MAX);
	for (size_t key_len : sizes)
		for (size_t len : sizes) {
			const std::string key(key_len, 'k'), payload(len, 'p');

			segment_clear(&s);
			add(key, INT64_MAX, payload);
			ASSERT_EQ(content(&s), command(key, "9223372036854775807", payload))
				<< key_len << " " << len;
		}
}

TEST_F(Segment, TakesAPayloadFromASpool)
{
	const std::string payload(300000, 'p');
	struct spool *from = nullptr;

	ASSERT_EQ(spool_new(nullptr, 100000, &from, nullptr), DYN_ENTROPY_OK);
	ASSERT_EQ(spool_append(from, payload.data(), payload.size(), nullptr), DYN_ENTROPY_OK);
	open(1000);
	EXPECT_EQ(
		segment_add_spool(&s, "key", 3, 77, from, payload.size(), nullptr), DYN_ENTROPY_OK);
	EXPECT_EQ(content(&s), command("key", "77", payload));
	EXPECT_EQ(s.keys, 1u);
	spool_free(from);
}

TEST_F(Segment, FitsUpToItsLimitAndNeverBeyond)
{
	open(10000);
	EXPECT_TRUE(segment_fits(&s, 3, UINT64_MAX / 2)) << "an empty segment takes any";
	for (int i = 0; i < 1000; i++) {
		const std::string payload(static_cast<size_t>(i), 'p');

		if (!segment_fits(&s, 3, payload.size()))
			break;
		add("key", 1893456000123, payload);
		ASSERT_LE(spool_len(s.spool), 10000u);
	}
	EXPECT_GT(spool_len(s.spool), 9000u) << "it was used";
	EXPECT_FALSE(segment_fits(&s, 3, 1000));
	EXPECT_FALSE(segment_fits(&s, SIZE_MAX, UINT64_MAX)) << "no overflow";
}

TEST_F(Segment, HasTheDefaultLimitAndNeverMoreThanASnapshotHolds)
{
	open(0);
	EXPECT_EQ(s.limit, DYN_ENTROPY_DEFAULT_SEGMENT_BYTES);
	segment_fini(&s);
	open(0xFFFFFFFF);
	EXPECT_EQ(s.limit, DYN_ENTROPY_SNAPSHOT_MAX);
}

TEST_F(Segment, IsEmptyAfterClearing)
{
	open(100);
	add("key", 0, std::string(200, 'p'));
	EXPECT_FALSE(segment_fits(&s, 3, 1));
	segment_clear(&s);
	EXPECT_EQ(s.keys, 0u);
	EXPECT_EQ(content(&s), "");
	EXPECT_TRUE(segment_fits(&s, 3, 1000));
}
