/* What the markers of a dataset say about the log: the cases of the simulator's log. */
#include "journal/marker.h"
#include "support/tempdir.h"
#include "unit/wal_model.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using support::TempDir;
using wal_model::Model;

TEST(Marker, ItsKeyAndValueAreReadAsTheyAreWritten)
{
	char key[MARKER_KEY_MAX], value[MARKER_VALUE_MAX];
	const marker m = {0x00f0e0d0c0b0a090, 255, UINT64_MAX};
	marker back = {};

	EXPECT_EQ(std::string(key, marker_key(7, key)), "\001dynomite:marker:7");
	EXPECT_TRUE(marker_is_key(key, marker_key(255, key)));
	EXPECT_FALSE(marker_is_key("\001dynomite:marker", 16));
	EXPECT_FALSE(marker_is_key("dynomite:marker:1", 17));
	EXPECT_EQ(std::string(value, marker_format(&m, value)),
		"00f0e0d0c0b0a090:255:18446744073709551615");
	ASSERT_TRUE(marker_parse(&back, value, marker_format(&m, value)));
	EXPECT_EQ(back.log, m.log);
	EXPECT_EQ(back.lane, m.lane);
	EXPECT_EQ(back.position, m.position);
	for (const std::string bad : {"", "x", "00f0e0d0c0b0a090:255:", "00f0e0d0c0b0a090:256:1",
		     "00f0e0d0c0b0a090:01:1", "0f0e0d0c0b0a090:1:1", "00f0e0d0c0b0a090:1:1 ",
		     "00F0e0d0c0b0a090:1:1", " 00f0e0d0c0b0a090:1:1", "00f0e0d0c0b0a090:1:-1",
		     "00f0e0d0c0b0a090:1:18446744073709551616"})
		EXPECT_FALSE(marker_parse(&back, bad.data(), bad.size())) << bad;
	EXPECT_FALSE(marker_parse(&back, std::string(1000, '1').data(), 1000));
}

/* The dataset has a prefix of each lane's commands; the node was restarted, or not. */
void come_back(Model &m, bool restart, uint64_t seed)
{
	std::vector<size_t> n = m.commands();
	bool lost;

	for (size_t &of_lane : n)
		if (m.random() % 3 == 0)
			of_lane -= of_lane > 0 ? m.random() % std::min<size_t>(of_lane, 30) : 0;
	if (restart) {
		m.close();
		ASSERT_TRUE(m.open()) << m.why;
	}
	const marker_verdict verdict = m.rebuild_to(n, !restart);
	m.rebuild_list(n, &lost);
	EXPECT_EQ(verdict, lost ? MARKER_LOST : MARKER_INTACT) << "seed " << seed;
	ASSERT_EQ(m.dumped(), m.listed()) << "seed " << seed;
}

TEST(Marker, JournalsAreWhatTheDatasetHas)
{
	for (uint64_t seed = 1; seed <= 25; seed++) {
		const TempDir dir;
		Model m(dir.path(), seed, WAL_BYTES_LEAST, 1 + static_cast<uint32_t>(seed % 4));

		ASSERT_TRUE(m.open()) << m.why;
		for (int round = 0; round < 8; round++) {
			const int64_t n = static_cast<int64_t>(m.random() % 300);

			for (int64_t i = 0; i < n; i++) {
				m.act();
				ASSERT_TRUE(m.random() % 4 || m.flush());
			}
			ASSERT_NO_FATAL_FAILURE(come_back(m, seed % 2 == 0, seed));
			if (m.random() % 3 == 0)
				wal_begin_snapshot(m.log);
			ASSERT_TRUE(m.flush());
		}
	}
}

/* A log with commands on three lanes, all answered, and the markers of all. */
class MarkerCases : public testing::Test
{
      protected:
	TempDir dir;
	Model m{dir.path(), 1, WAL_BYTES_LEAST};
	std::vector<marker_found> found{WAL_LANES_MAX};

	void SetUp() override
	{
		ASSERT_TRUE(m.open());
		for (int i = 0; i < 100; i++)
			m.act();
		m.answer_all();
		ASSERT_TRUE(m.flush());
		find();
	}
	void find()
	{
		for (uint32_t l = 0; l < 3; l++) {
			found[l].what = marker_found::MARKER_THERE;
			found[l].marker = {wal_id(m.log), l, wal_lane_position(m.log, l)};
			ASSERT_GT(found[l].marker.position, 0u);
		}
	}
	void is_unknown()
	{
		const uint64_t id = wal_id(m.log);

		EXPECT_EQ(m.rebuild_with(found), MARKER_UNKNOWN);
		EXPECT_TRUE(wal_is_new(m.log));
		EXPECT_NE(wal_id(m.log), id) << "markers that are there are not of the new log";
		EXPECT_FALSE(wal_is_broken(m.log));
		m.close();
		ASSERT_TRUE(m.open());
		EXPECT_FALSE(wal_is_new(m.log));
	}
};

TEST_F(MarkerCases, AllThereIsIntact)
{
	EXPECT_EQ(m.rebuild_with(found), MARKER_INTACT);
	EXPECT_EQ(m.dumped(), m.listed());
}

TEST_F(MarkerCases, OfAnotherLogTheDatasetIsUnknown)
{
	found[1].marker.log++;
	is_unknown();
}

TEST_F(MarkerCases, OfAnotherLaneTheDatasetIsUnknown)
{
	std::swap(found[1].marker, found[2].marker);
	is_unknown();
}

TEST_F(MarkerCases, ThatSomebodySetTheDatasetIsUnknown)
{
	found[2].what = marker_found::MARKER_FOREIGN;
	is_unknown();
}

TEST_F(MarkerCases, BeyondTheEndTheDatasetIsUnknown)
{
	found[0].marker.position = wal_position(m.log) + 1;
	is_unknown();
}

/* What was flushed is lost, as by a power loss; the positions are not used again. */
TEST_F(MarkerCases, OfALostEndTheDatasetIsUnknown)
{
	const uint64_t end = wal_position(m.log);

	m.close();
	ASSERT_TRUE(m.open());
	for (int i = 0; i < 50; i++)
		m.act();
	m.answer_all();
	EXPECT_GT(wal_position(m.log), end + (UINT64_C(1) << 32));
	found[0].marker.position = end + 5;
	is_unknown();
}

TEST_F(MarkerCases, AtNoCommandTheDatasetIsUnknown)
{
	found[0].marker.position = found[1].marker.position;
	is_unknown();
}

TEST_F(MarkerCases, MissingWithADatasetThatHasKeysItIsUnknown)
{
	found.assign(WAL_LANES_MAX, marker_found{});
	is_unknown();
}

/* All is void; what was agreed on before the first command is not. */
TEST_F(MarkerCases, MissingWithAnEmptyDatasetAllIsLost)
{
	bool lost;

	EXPECT_EQ(m.rebuild_to({0, 0, 0}, false), MARKER_LOST);
	m.rebuild_list({0, 0, 0}, &lost);
	EXPECT_TRUE(lost);
	EXPECT_EQ(m.dumped(), m.listed());
}

/* A dataset that came back with less, and then as it was before that. */
TEST_F(MarkerCases, OfWhatIsVoidTheDatasetIsUnknown)
{
	std::vector<size_t> n = m.commands();

	n[1] -= 3;
	EXPECT_EQ(m.rebuild_to(n, true), MARKER_LOST);
	ASSERT_TRUE(m.flush());
	is_unknown();
}

/* The log does not reach back to it any more. */
TEST_F(MarkerCases, BeforeTheOldestSnapshotTheDatasetIsBehind)
{
	for (int i = 0; i < 100000; i++) {
		m.act();
		ASSERT_TRUE(i % 16 || m.flush());
	}
	EXPECT_EQ(m.rebuild_with(found), MARKER_TOO_OLD);
	EXPECT_TRUE(wal_is_new(m.log));
}

/* A lane that is not used for long keeps its marker. */
TEST_F(MarkerCases, OfALaneThatRestsIsGoodForEver)
{
	const TempDir other;
	Model one(other.path(), 1, WAL_BYTES_LEAST, 1), two(other.path(), 2, WAL_BYTES_LEAST, 2, 2);
	wal_figures f;

	ASSERT_TRUE(two.open());
	for (int i = 0; i < 50; i++)
		two.act();
	two.answer_all();
	for (uint32_t l = 0; l < 2; l++)
		found[l] = {marker_found::MARKER_THERE,
			{wal_id(two.log), l, wal_lane_position(two.log, l)}};
	found[2] = {};
	two.close();
	ASSERT_TRUE(one.open());
	EXPECT_EQ(one.rebuild_with(found), MARKER_INTACT);
	for (int i = 0; i < 100000; i++) {
		one.act();
		ASSERT_TRUE(i % 16 || one.flush());
	}
	wal_count(one.log, &f);
	EXPECT_GT(f.snapshots, 2u);
	one.answer_all();
	found[0].marker.position = wal_lane_position(one.log, 0);
	EXPECT_EQ(wal_lane_position(one.log, 1), found[1].marker.position);
	EXPECT_EQ(one.rebuild_with(found), MARKER_INTACT);
}

TEST_F(MarkerCases, WithABrokenLogTheDatasetIsUnknown)
{
	wal_keep(m.log, 0, std::string(WAL_KEPT_MAX + 1, 'x').data(), WAL_KEPT_MAX + 1);
	EXPECT_TRUE(wal_is_broken(m.log));
	is_unknown();
}

} // namespace
