#include "proxy/call.h"
#include "unit/calls.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace calls;

namespace
{

TEST_F(Call, IsAnswered)
{
	for (auto *way : {answer, answer_queued}) {
		call *c = make();
		leg *l = leg_of(c);

		call_sent(c);
		EXPECT_TRUE(asker.told.empty());
		way(l, "+OK\r\n");
		EXPECT_EQ(asker.told, Told({"+OK\r\n"}));
		EXPECT_EQ(list.n, 0u);
		asker.told.clear();
	}
}

TEST_F(Call, IsAnsweredWhileItIsSent)
{
	call *c = make();

	answer(leg_of(c), "+OK\r\n");
	EXPECT_EQ(asker.told, Told({"+OK\r\n"}));
	EXPECT_EQ(list.n, 1u); /* more legs may follow */
	answer(leg_of(c, false), "+late\r\n");
	call_sent(c);
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, IsDecidedByTheLocalRack)
{
	call *c = make("SET");
	leg *remote = leg_of(c, false), *local = leg_of(c), *slow = leg_of(c, false);

	call_sent(c);
	answer(remote, "-ERR remote\r\n");
	EXPECT_TRUE(asker.told.empty());
	answer(local, "+OK\r\n");
	EXPECT_EQ(asker.told, Told({"+OK\r\n"}));
	EXPECT_EQ(list.n, 1u); /* for the slow one */
	call_leg_failed(slow, "gone");
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, FailsWithTheLocalRack)
{
	call *c = make("SET");
	leg *remote = leg_of(c, false), *local = leg_of(c);

	call_sent(c);
	call_leg_failed(local, "the datastore is down");
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: the datastore is down\r\n"}));
	answer(remote, "+OK\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, CountsAnErrorReplyAsAnAnswer)
{
	call *c = make();
	leg *l = leg_of(c);

	call_sent(c);
	answer(l, "-WRONGTYPE no\r\n");
	EXPECT_EQ(asker.told, Told({"-WRONGTYPE no\r\n"}));
}

TEST_F(Call, IsRefusedWhenNobodyWasAsked)
{
	call_sent(make());
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: no replica could be asked\r\n"}));
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, IsRefusedWhenOnlyOthersAnswered)
{
	call *c = make();
	leg *remote = leg_of(c, false);

	call_sent(c);
	answer(remote, "+OK\r\n");
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: no replica could be asked\r\n"}));
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, DoesNotListenToAnAbandonedLeg)
{
	call *c = make(CONSISTENCY_DC_QUORUM, 2);
	leg *abandoned = call_leg(&c->one, 1, false, true), *one = leg_of(c),
	    *two = leg_of(c, false);

	abandoned->abandoned = true;
	call_sent(c);
	answer(abandoned, "+OK\r\n");
	answer(one, "+OK\r\n");
	EXPECT_TRUE(asker.told.empty());
	answer(two, "+OK\r\n");
	EXPECT_EQ(asker.told, Told({"+OK\r\n"}));
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, WaitsForItsQuorum)
{
	struct {
		consistency level;
		std::vector<std::string> replies; /* "": a failure; the first is the local rack's */
		size_t told_after;
		std::string told;
	} cases[] = {
		{CONSISTENCY_DC_QUORUM, {"+a\r\n", "+b\r\n", "+b\r\n"}, 2, "+a\r\n"},
		{CONSISTENCY_DC_QUORUM, {"", "+b\r\n", "+b\r\n"}, 3, "+b\r\n"},
		{CONSISTENCY_DC_QUORUM, {"", "", "+b\r\n"}, 2,
			"-ERR dynomite: 0 of 3 racks answered, 2 failed: DC_QUORUM needs 2 "
			"answers\r\n"},
		{CONSISTENCY_DC_SAFE_QUORUM, {"+a\r\n", "+b\r\n", "+b\r\n"}, 3, "+b\r\n"},
		{CONSISTENCY_DC_SAFE_QUORUM, {"+a\r\n", "+b\r\n", ""}, 3,
			"-ERR dynomite: 2 of 3 racks answered, 1 failed, 1 agreed: "
			"DC_SAFE_QUORUM needs 2 that agree\r\n"},
	};

	for (auto *way : {answer, answer_queued})
		for (const auto &k : cases) {
			call *c = make(k.level, k.replies.size());
			std::vector<leg *> legs;

			asker.told.clear();
			for (size_t i = 0; i < k.replies.size(); i++)
				legs.push_back(leg_of(c, i == 0));
			call_sent(c);
			for (size_t i = 0; i < legs.size(); i++) {
				if (k.replies[i].empty())
					call_leg_failed(legs[i], "gone");
				else
					way(legs[i], k.replies[i]);
				EXPECT_EQ(asker.told.size(), i + 1 >= k.told_after ? 1u : 0u);
			}
			EXPECT_EQ(asker.told, Told({k.told}));
			EXPECT_EQ(list.n, 0u);
		}
}

TEST_F(Call, JoinsItsParts)
{
	for (auto *way : {answer, answer_queued})
		for (bool second_first : {false, true}) {
			call *c = split(make("MGET"));
			leg *one = call_leg(&c->parts[0], 0, true, false);
			leg *two = call_leg(&c->parts[1], 0, true, false);

			asker.told.clear();
			call_sent(c);
			if (second_first)
				way(two, "*1\r\n$1\r\nb\r\n");
			way(one, "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
			if (!second_first)
				way(two, "*1\r\n$1\r\nb\r\n");
			EXPECT_EQ(asker.told, Told({"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n"}));
			EXPECT_EQ(list.n, 0u);
		}
}

TEST_F(Call, JoinsWhatTheLocalRackSays)
{
	call *c = split(make("DEL"));
	leg *legs[2][2];

	for (size_t p = 0; p < 2; p++)
		for (size_t r = 0; r < 2; r++)
			legs[p][r] = call_leg(&c->parts[p], 0, r == 0, true);
	call_sent(c);
	answer(legs[0][1], ":0\r\n");
	answer(legs[0][0], ":2\r\n");
	answer(legs[1][0], ":1\r\n");
	EXPECT_EQ(asker.told, Told({":3\r\n"}));
	EXPECT_EQ(list.n, 1u);
	answer(legs[1][1], ":0\r\n");
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, FailsWithAnyPart)
{
	call *c = split(make("MGET"));
	leg *one = call_leg(&c->parts[0], 0, true, false);
	leg *two = call_leg(&c->parts[1], 0, true, false);

	call_sent(c);
	call_leg_failed(one, "peer a:1 is down");
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: peer a:1 is down\r\n"}));
	answer(two, "*1\r\n$1\r\nb\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, IsRefusedInOneLine)
{
	call *c = make();

	call_refuse(c, "a\r\n-b %s", std::string(2000, 'x').c_str());
	call_sent(c);
	ASSERT_EQ(asker.told.size(), 1u);
	const std::string &line = asker.told[0];
	EXPECT_EQ(line.substr(0, 10), "-ERR a  -b");
	EXPECT_LE(line.size(), 512u);
	EXPECT_EQ(line.find('\r'), line.size() - 2);
	EXPECT_EQ(line.back(), '\n');
}

TEST_F(Call, TellsNobodyWhoIsGone)
{
	call *c = make();
	leg *l = leg_of(c);

	call_sent(c);
	call_release(c);
	EXPECT_EQ(list.n, 1u); /* the leg still counts, for its peer */
	answer(l, "+OK\r\n");
	EXPECT_TRUE(asker.told.empty());
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, KeepsItsKeysForItsLastLeg)
{
	call *c = make("SET");
	leg *one = leg_of(c), *two = leg_of(c, false);
	const std::string key(1000, 'k');

	ASSERT_TRUE(kept_keys_reserve(&c->keys, 1, key.size()));
	kept_keys_add(&c->keys, key.data(), key.size());
	c->keys.keys[0].mark = 7;
	call_sent(c);
	answer(one, "+OK\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
	ASSERT_EQ(list.n, 1u);
	ASSERT_EQ(two->part->call->keys.n, 1u);
	EXPECT_EQ(std::string(static_cast<const char *>(c->keys.keys[0].bytes), key.size()), key);
	EXPECT_EQ(c->keys.keys[0].mark, 7u);
	call_leg_failed(two, "a peer is down");
	EXPECT_EQ(list.n, 0u);
	EXPECT_EQ(make("SET")->keys.n, 0u); /* which uses the same memory again */
}

} // namespace
