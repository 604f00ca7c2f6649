#include "entropy/dynentropy.h"
#include "support/rdb_bytes.h"
#include "support/stopper.h"
#include "support/tempdir.h"

#include <gtest/gtest.h>
#include <string>

using namespace support;

namespace
{

class SourceRdb : public ::testing::Test
{
      protected:
	struct dyn_entropy_source source = {};
	struct dyn_entropy_error err = {};
	TempDir dir;

	void open(const std::string &content, uint32_t segment_bytes = 0,
		struct dyn_entropy_source_options options = {})
	{
		options.segment_bytes = segment_bytes;
		options.spool_dir = dir.path().c_str();
		ASSERT_EQ(dyn_entropy_source_rdb(
				  dir.write("test.rdb", content).c_str(), &options, &source, &err),
			DYN_ENTROPY_OK)
			<< err.message;
	}
	enum dyn_entropy_status next(uint32_t *len)
	{
		return source.ops->next(source.self, len, &err);
	}
	std::string read(uint32_t len)
	{
		std::string all(len + 1, '\0');
		size_t at = 0, n = 1;

		while (n > 0) {
			EXPECT_EQ(
				source.ops->read(source.self, &all[at], all.size() - at, &n, &err),
				DYN_ENTROPY_OK);
			at += n;
		}
		EXPECT_EQ(at, len) << "as many bytes as next() said";
		all.resize(at);
		return all;
	}
	void TearDown() override
	{
		dyn_entropy_source_free(&source);
	}
};

size_t commands_in(const std::string &s)
{
	size_t n = 0;

	for (size_t at = 0; (at = s.find("*5\r\n$7\r\nRESTORE\r\n", at)) != std::string::npos; at++)
		n++;
	return n;
}

std::string strings(int n)
{
	std::string s;

	for (int i = 0; i < n; i++)
		s += rdb_key(0, "key:" + std::to_string(i), rdb_string("value"));
	return s;
}

} // namespace

TEST_F(SourceRdb, CutsItsKeysIntoSegments)
{
	const std::string whole =
		rdb_file(bytes({0xfe, 0, 0xfb}) + rdb_length(1000) + bytes({0}) + strings(1000));
	struct dyn_entropy_source_totals totals;
	enum dyn_entropy_status status;
	std::string all, at_once;
	uint32_t len;
	int segments = 0;

	open(whole);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	at_once = read(len);
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
	dyn_entropy_source_free(&source);

	open(whole, 5000);
	while ((status = next(&len)) == DYN_ENTROPY_OK) {
		EXPECT_LE(len, 5000u);
		const std::string one = read(len);
		EXPECT_EQ(one.find("*5\r\n$7\r\nRESTORE\r\n"), 0u);
		EXPECT_EQ(one.substr(one.size() - 12), "$6\r\nABSTTL\r\n");
		all += one;
		segments++;
	}
	EXPECT_EQ(status, DYN_ENTROPY_END) << err.message;
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
	EXPECT_GT(segments, 10);
	EXPECT_EQ(commands_in(all), 1000u);
	EXPECT_EQ(all, at_once) << "the same commands in the same order";
	source.ops->totals(source.self, &totals);
	EXPECT_EQ(totals.keys, 1000u);
	EXPECT_EQ(totals.keys_expected, 1000u);
	EXPECT_GT(totals.bytes_expected, whole.size());
}

TEST_F(SourceRdb, ALargeKeyGetsASegmentOfItsOwn)
{
	uint32_t len;

	open(rdb_file(rdb_key(0, "a", rdb_string("v")) +
		      rdb_key(0, "b", rdb_string(std::string(3000000, 'v'))) +
		      rdb_key(0, "c", rdb_string("v"))),
		1000);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_EQ(commands_in(read(len)), 1u);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_GT(len, 3000000u);
	EXPECT_EQ(commands_in(read(len)), 1u);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_EQ(commands_in(read(len)), 1u);
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
}

TEST_F(SourceRdb, GivesTheNextSegmentThoughTheLastWasNotRead)
{
	uint32_t len;
	size_t total = 0;
	enum dyn_entropy_status status;

	open(rdb_file(strings(100)), 1000);
	for (int i = 0; (status = next(&len)) == DYN_ENTROPY_OK; i++)
		total += i % 2 ? commands_in(read(len)) : 0;
	EXPECT_EQ(status, DYN_ENTROPY_END);
	EXPECT_GT(total, 0u);
	EXPECT_LT(total, 100u);
}

TEST_F(SourceRdb, AnEmptyOneHasNoSegment)
{
	uint32_t len;

	open(rdb_file(""));
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
}

TEST_F(SourceRdb, ACutFileGivesNothingOfItsLastSegmentAndNoEnd)
{
	const std::string whole = rdb_file(strings(200));

	for (size_t len = 9; len < whole.size(); len += 7) {
		enum dyn_entropy_status status;
		uint32_t n;

		open(whole.substr(0, len), 1000);
		while ((status = next(&n)) == DYN_ENTROPY_OK)
			ASSERT_GT(n, 800u) << "only full segments come before the error";
		ASSERT_EQ(status, DYN_ENTROPY_ERR_SOURCE) << len;
		ASSERT_NE(std::string(err.message).find("cut short"), std::string::npos);
		ASSERT_EQ(read(0), "") << "nor can its keys be read";
		ASSERT_EQ(next(&n), DYN_ENTROPY_ERR_SOURCE) << "and it stays so";
		ASSERT_NE(std::string(err.message).find("cut short"), std::string::npos);
		dyn_entropy_source_free(&source);
	}
}

/* In the middle of many keys, of keys that are skipped, of one large value and of its copying. */
TEST_F(SourceRdb, IsCancelledWithinAPieceAndHeardOfAllTheWhile)
{
	const std::string many = strings(500000), large(20 * 1024 * 1024, 'x');
	const struct {
		const char *what;
		std::string content;
		int stop_at;
		bool owned;
	} cases[] = {
		{"many keys", many, 20, true},
		{"nobody's keys", many, 20, false},
		{"a large value", rdb_key(0, "large", rdb_string(large)), 20, true},
		{"its copy", rdb_key(0, "large", rdb_string(large)), 200, true},
	};

	for (const auto &c : cases) {
		Stopper stopper(c.stop_at);
		struct dyn_entropy_source_options options = {};
		struct dyn_entropy_source_totals totals = {};
		uint32_t len = 0;

		options.cancel = stopper.cancel();
		if (!c.owned)
			options.owns = [](void *, const void *, size_t) { return false; };
		open(rdb_file(c.content), 0xFFFFFFFE, options);
		stopper.listen_to(source);
		EXPECT_EQ(next(&len), DYN_ENTROPY_ERR_CANCELLED) << c.what << err.message;
		EXPECT_GE(stopper.ticks, c.stop_at) << c.what;
		EXPECT_LE(stopper.ticks, c.stop_at + 1) << c.what << ": it went on";
		EXPECT_EQ(next(&len), DYN_ENTROPY_ERR_CANCELLED) << "it stays so";
		source.ops->totals(source.self, &totals);
		EXPECT_EQ(totals.keys, 0u);
		dyn_entropy_source_free(&source);
	}
}

TEST_F(SourceRdb, CountsWhatItReadsAsItReads)
{
	struct Seen {
		struct dyn_entropy_source source;
		uint64_t keys = 0, bytes = 0;
		int grew = 0;
	} seen;
	uint32_t len = 0;

	open(rdb_file(strings(200000)), 1024 * 1024);
	seen.source = source;
	source.ops->set_tick(
		source.self,
		[](void *arg) {
			auto *s = static_cast<Seen *>(arg);
			struct dyn_entropy_source_totals t;

			s->source.ops->totals(s->source.self, &t);
			EXPECT_GE(t.keys, s->keys);
			EXPECT_GE(t.bytes, s->bytes);
			s->grew += t.keys > s->keys && t.bytes > s->bytes;
			s->keys = t.keys;
			s->bytes = t.bytes;
		},
		&seen);
	uint64_t all = 0;
	while (next(&len) == DYN_ENTROPY_OK)
		all += len;
	EXPECT_GT(seen.grew, 20);
	struct dyn_entropy_source_totals totals;
	source.ops->totals(source.self, &totals);
	EXPECT_EQ(totals.keys, 200000u);
	EXPECT_EQ(totals.bytes, all);
}

TEST_F(SourceRdb, RefusesBytesBehindTheEnd)
{
	uint32_t len;

	open(rdb_file(strings(1)) + "*2\r\n");
	EXPECT_EQ(next(&len), DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find("append-only"), std::string::npos) << err.message;
}

TEST_F(SourceRdb, NamesAFileThatCannotBeRead)
{
	const std::string missing = dir.file("missing.rdb");

	EXPECT_EQ(dyn_entropy_source_rdb(missing.c_str(), nullptr, &source, &err),
		DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find(missing), std::string::npos) << err.message;
	EXPECT_EQ(source.ops, nullptr);
	EXPECT_EQ(dyn_entropy_source_rdb(dir.path().c_str(), nullptr, &source, &err),
		DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find("not a regular file"), std::string::npos)
		<< err.message;
}
