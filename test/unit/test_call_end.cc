/* When a call is released, and when its time runs out. */
#include "proxy/call.h"
#include "unit/calls.h"

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

using namespace calls;

namespace
{

TEST_F(Call, WaitsToBeReleased)
{
	asker.keeps = true;
	call *c = make();
	leg *l = leg_of(c);

	call_sent(c);
	answer_queued(l, "+OK\r\n");
	EXPECT_EQ(asker.told, Told({"+OK\r\n"}));
	EXPECT_EQ(list.n, 1u);
	EXPECT_EQ(content(&asker.kept), "+OK\r\n");
	call_release(c);
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, RunsOutOfTime)
{
	call *first = make("GET", 0), *second = make("GET", 1);
	leg *one = leg_of(first), *two = leg_of(second);

	call_sent(first);
	call_sent(second);
	call_list_expire(&list, kTimeout - 1);
	EXPECT_TRUE(asker.told.empty());
	call_list_expire(&list, kTimeout);
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: no answer within 1000 ms\r\n"}));
	EXPECT_EQ(list.timeouts, 1u);
	call_list_expire(&list, kTimeout);
	EXPECT_EQ(asker.told.size(), 1u); /* once */
	answer(one, "+late\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 1u);
	answer(two, "+OK\r\n");
	EXPECT_EQ(asker.told.size(), 2u);
	EXPECT_EQ(asker.told[1], "+OK\r\n");
	call_list_expire(&list, 10 * kTimeout);
	EXPECT_EQ(list.timeouts, 1u);
}

TEST_F(Call, TellsWhatItsQuorumWaitedFor)
{
	call *c = make(CONSISTENCY_DC_SAFE_QUORUM, 3);
	leg *one = leg_of(c), *two = leg_of(c, false), *three = leg_of(c, false);

	call_sent(c);
	answer(one, "+OK\r\n");
	call_leg_failed(two, "it is down");
	call_list_expire(&list, kTimeout);
	EXPECT_EQ(asker.told,
		Told({"-ERR dynomite: no answer within 1000 ms: 1 of 3 racks answered, 1 failed, 1 "
		      "agreed: DC_SAFE_QUORUM needs 2 that agree\r\n"}));
	answer(three, "+OK\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
}

TEST_F(Call, RunsOutOfTimeInItsParts)
{
	call *c = split(make("MGET"));
	leg *one = call_leg(&c->parts[0], 0, true, false);
	leg *two = call_leg(&c->parts[1], 0, true, false);

	call_sent(c);
	answer(one, "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
	call_list_expire(&list, kTimeout);
	EXPECT_EQ(asker.told, Told({"-ERR dynomite: no answer within 1000 ms\r\n"}));
	answer(two, "*1\r\n$1\r\nb\r\n");
	EXPECT_EQ(asker.told.size(), 1u);
	EXPECT_EQ(list.n, 0u);
}

/* A client that gets the reply to one call also gets later replies that were ready. */
TEST_F(Call, ExpiresThoughOthersEndMeanwhile)
{
	std::vector<call *> calls;
	std::vector<leg *> legs;
	const size_t n = 5000; /* more than are kept for reuse: the rest are released */

	asker.keeps = true;
	for (size_t i = 0; i < n; i++) {
		calls.push_back(make());
		legs.push_back(leg_of(calls.back()));
		call_sent(calls.back());
	}
	for (size_t i = 1; i + 1 < n; i++) {
		answer(legs[i], "+OK\r\n");
		asker.ready_too.push_back(calls[i]);
	}
	asker.told.clear();
	asker.keeps = false;
	call_list_expire(&list, kTimeout);
	EXPECT_EQ(asker.told, Told(2, "-ERR dynomite: no answer within 1000 ms\r\n"));
	EXPECT_EQ(list.timeouts, 2u);
	EXPECT_EQ(list.n, 2u);
	answer(legs[0], "+late\r\n");
	answer(legs[n - 1], "+late\r\n");
	EXPECT_EQ(list.n, 0u);
}

TEST_F(Call, ReleasesWhatIsUnderWayAtTheEnd)
{
	asker.keeps = true;
	answer_queued(leg_of(make()), "+OK\r\n");
	call *c = split(make("MGET"));
	answer_queued(call_leg(&c->parts[0], 0, true, false), "*2\r\n$1\r\na\r\n$1\r\nc\r\n");
	c = make(CONSISTENCY_DC_QUORUM, 3);
	answer(leg_of(c), "+OK\r\n");
	asker.told.clear();
	EXPECT_EQ(list.n, 3u);
	call_list_fini(&list);
	EXPECT_EQ(list.n, 0u);
	EXPECT_TRUE(asker.told.empty());
	call_list_init(&list, sizeof(Asked), kTimeout);
}

/* Whatever happens in whatever order, each call is answered once, and nothing leaks. */
TEST_F(Call, TellsEverybodyOnce)
{
	struct Someone {
		Asker asker;
		bool released = false;
	};
	std::mt19937 random(3);
	std::vector<leg *> legs;
	std::deque<Someone> asked;
	int64_t now = 0;

	for (int round = 0; round < 4000; round++) {
		asked.emplace_back();
		call *c = make_for(&asked.back().asker, random() % 2 ? "MGET" : "SET", now);
		const bool is_split = c->command->join == COMMAND_VALUES;

		if (is_split)
			split(c);
		for (uint32_t p = 0; p < c->n_parts; p++) {
			const size_t racks = 1 + random() % 3;

			if (random() % 2)
				c->parts[p].quorum =
					quorum_new(random() % 2 ? CONSISTENCY_DC_QUORUM
								: CONSISTENCY_DC_SAFE_QUORUM,
						&racks, 1);
			for (size_t r = 0; r < racks; r++)
				if (random() % 20)
					legs.push_back(call_leg(&c->parts[p], 0, r == 0, true));
		}
		if (random() % 10 == 0) {
			call_release(c);
			asked.back().released = true;
		}
		call_sent(c);
		now += 10;
		if (random() % 10 == 0)
			call_list_expire(&list, now);
		std::shuffle(legs.begin(), legs.end(), random);
		while (legs.size() > 10 || (round == 3999 && !legs.empty())) {
			leg *l = legs.back();

			legs.pop_back();
			if (random() % 10 == 0)
				call_leg_failed(l, "gone");
			else
				(random() % 2 ? answer : answer_queued)(
					l, l->part->call->n_parts == 1 ? "+OK\r\n"
					   : l->part == l->part->call->parts
						   ? "*2\r\n$1\r\na\r\n$1\r\nc\r\n"
						   : "*1\r\n$1\r\nb\r\n");
		}
	}
	EXPECT_EQ(list.n, 0u);
	for (const Someone &a : asked)
		ASSERT_EQ(a.asker.told.size(), a.released ? 0u : 1u);
}

} // namespace
