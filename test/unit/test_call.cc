#include "proxy/call.h"

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace
{

const int64_t kTimeout = 1000;

/* Who asks, and writes down what it is told. */
struct Asker {
	std::vector<std::string> told;
	bool keeps = false;           /* a call that was answered, until the test releases it */
	std::deque<call *> ready_too; /* released along with the first that is answered */
	outq kept = {};               /* replies that came in a queue */

	~Asker()
	{
		outq_clear(&kept);
	}
};

/* A call, and what its origin has with it. */
struct Asked {
	call call_; /* first */
	Asker *asker;
};

std::string content(const outq *q)
{
	buf b = {};

	EXPECT_TRUE(outq_copy(q, &b));
	std::string s(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b));
	buf_fini(&b);
	return s;
}

void on_answer(call *c, const reply *r)
{
	auto *asker = reinterpret_cast<Asked *>(c)->asker;

	ASSERT_TRUE((r->bytes == nullptr) != (r->queue == nullptr));
	if (r->bytes) {
		asker->told.emplace_back(reinterpret_cast<const char *>(r->bytes), r->len);
	} else {
		asker->told.push_back(content(r->queue));
		EXPECT_EQ(r->len, asker->told.back().size());
		EXPECT_TRUE(reply_move(r, &asker->kept));
	}
	if (asker->keeps)
		return;
	call_release(c);
	while (!asker->ready_too.empty()) {
		call *next = asker->ready_too.front();

		asker->ready_too.pop_front();
		call_release(next);
	}
}

const call_origin kOrigin = {on_answer};

class Call : public testing::Test
{
      protected:
	call_list list = {};
	Asker asker;

	void SetUp() override
	{
		call_list_init(&list, sizeof(Asked), kTimeout);
	}
	void TearDown() override
	{
		call_list_fini(&list);
		outq_drain_pool();
	}

	call *make_for(Asker *who, const char *name, int64_t now_ms)
	{
		call *c = call_new(&list, &kOrigin, command_named(name), now_ms);

		reinterpret_cast<Asked *>(c)->asker = who;
		return c;
	}

	call *make(const char *name = "GET", int64_t now_ms = 0)
	{
		return make_for(&asker, name, now_ms);
	}

	/* With a quorum over this many racks of the local datacenter. */
	call *make(consistency level, size_t racks)
	{
		call *c = make("SET");

		c->one.quorum = quorum_new(level, &racks, 1);
		return c;
	}
};

leg *leg_of(call *c, bool local = true)
{
	return call_leg(&c->one, 0, local, true);
}

void answer(leg *l, const std::string &reply)
{
	const struct reply r = reply_of_bytes(reply.data(), reply.size());

	call_leg_answered(l, &r);
}

void answer_queued(leg *l, const std::string &reply)
{
	outq q = {};

	ASSERT_TRUE(outq_append(&q, reply.data(), reply.size()));
	const struct reply r = reply_of_queue(&q);

	call_leg_answered(l, &r);
	outq_clear(&q);
}

using Told = std::vector<std::string>;

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

/* A call whose keys went to two parts: 0, 1, 0. */
call *split(call *c)
{
	auto *part_of = static_cast<uint32_t *>(malloc(3 * sizeof(uint32_t)));

	part_of[0] = 0;
	part_of[1] = 1;
	part_of[2] = 0;
	EXPECT_TRUE(call_split(c, 2, part_of, 3));
	return c;
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
	kept_keys_add(&c->keys, key.data(), key.size(), 7);
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

/* A client that is told of one call takes those behind it that were answered already. */
TEST_F(Call, ExpiresThoughOthersEndMeanwhile)
{
	std::vector<call *> calls;
	std::vector<leg *> legs;
	const size_t n = 5000; /* more than are kept for reuse: their memory is gone */

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

/* Whatever happens in whatever order, everybody is told once, and nothing is left behind. */
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
