#include "entropy/snapshot.h"
#include "entropy/spool.h"
#include "support/status.h"
#include "support/tempdir.h"
#include "support/wire_bytes.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

namespace
{

using support::Error;
using support::succeeds;

class SinkMemory : public ::testing::Test
{
      protected:
	struct dyn_entropy_sink sink_ = {};
	support::TempDir dir_;
	Error err_;

	void SetUp() override
	{
		ASSERT_TRUE(succeeds(dyn_entropy_sink_memory(&sink_, err_), err_));
	}
	void TearDown() override
	{
		dyn_entropy_sink_free(&sink_);
	}
	void apply(const std::string &bytes)
	{
		struct dyn_entropy_apply_result result;
		dyn_entropy_snapshot snapshot = {};

		result.failed = 99;
		ASSERT_TRUE(
			succeeds(spool_new(dir_.path().c_str(), 0, &snapshot.spool, err_), err_));
		ASSERT_TRUE(succeeds(
			spool_append(snapshot.spool, bytes.data(), bytes.size(), err_), err_));
		snapshot.len = static_cast<uint32_t>(bytes.size());
		EXPECT_TRUE(succeeds(sink_.ops->apply(sink_.self, &snapshot, &result, err_), err_));
		EXPECT_EQ(result.commands + result.applied + result.kept + result.failed, 0u);
		spool_free(snapshot.spool);
	}
	std::string content()
	{
		void *bytes = nullptr;
		size_t len = 0;

		EXPECT_TRUE(
			succeeds(dyn_entropy_sink_memory_copy(&sink_, &bytes, &len, err_), err_));
		const std::string all(static_cast<char *>(bytes), len);
		free(bytes);
		return all;
	}
};

TEST_F(SinkMemory, KeepsTheLastSnapshot)
{
	EXPECT_EQ(content(), "");
	for (const auto &bytes :
		{std::string("one"), support::noise(1000000), std::string(), std::string("two")}) {
		apply(bytes);
		EXPECT_TRUE(content() == bytes);
	}
}

TEST_F(SinkMemory, FreeLeavesItEmpty)
{
	apply("something");
	dyn_entropy_sink_free(&sink_);
	EXPECT_EQ(sink_.ops, nullptr);
}

TEST(SinkDiscard, TakesASnapshotWithoutItsBytes)
{
	struct dyn_entropy_sink sink = {};
	struct dyn_entropy_apply_result result;
	dyn_entropy_snapshot snapshot = {};
	char buf[4];
	size_t len = 1;
	Error err;

	snapshot.len = 1000;
	ASSERT_TRUE(succeeds(dyn_entropy_sink_discard(&sink, err), err));
	EXPECT_TRUE(sink.ops->never_reads);
	EXPECT_TRUE(succeeds(sink.ops->apply(sink.self, &snapshot, &result, err), err));
	EXPECT_EQ(result.commands, 0u);
	EXPECT_TRUE(
		succeeds(dyn_entropy_snapshot_read(&snapshot, buf, sizeof(buf), &len, err), err));
	EXPECT_EQ(len, 0u);
	dyn_entropy_sink_free(&sink);
}

TEST(Snapshot, ReadsAgainAfterRewind)
{
	support::TempDir dir;
	dyn_entropy_snapshot snapshot = {};
	char buf[100];
	size_t len = 0;
	Error err;

	ASSERT_TRUE(succeeds(spool_new(dir.path().c_str(), 0, &snapshot.spool, err), err));
	ASSERT_TRUE(succeeds(spool_append(snapshot.spool, "content", 7, err), err));
	snapshot.len = 7;
	EXPECT_EQ(dyn_entropy_snapshot_len(&snapshot), 7u);
	for (int round = 0; round < 2; round++) {
		ASSERT_TRUE(succeeds(
			dyn_entropy_snapshot_read(&snapshot, buf, sizeof(buf), &len, err), err));
		EXPECT_EQ(std::string(buf, len), "content");
		ASSERT_TRUE(succeeds(
			dyn_entropy_snapshot_read(&snapshot, buf, sizeof(buf), &len, err), err));
		EXPECT_EQ(len, 0u);
		ASSERT_TRUE(succeeds(dyn_entropy_snapshot_rewind(&snapshot, err), err));
	}
	spool_free(snapshot.spool);
}

} // namespace
