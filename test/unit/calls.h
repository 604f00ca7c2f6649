/*
 * calls - calls of an origin that records its replies.
 */
#ifndef TEST_UNIT_CALLS_H
#define TEST_UNIT_CALLS_H

#include "proxy/call.h"

#include <deque>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace calls
{

const int64_t kTimeout = 1000;

/* An origin that records its replies. */
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

inline std::string content(const outq *q)
{
	buf b = {};

	EXPECT_TRUE(outq_copy(q, &b));
	std::string s(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b));
	buf_fini(&b);
	return s;
}

inline void on_answer(call *c, const reply *r)
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

inline leg *leg_of(call *c, bool local = true)
{
	return call_leg(&c->one, 0, local, true);
}

inline void answer(leg *l, const std::string &reply)
{
	const struct reply r = reply_of_bytes(reply.data(), reply.size());

	call_leg_answered(l, &r);
}

inline void answer_queued(leg *l, const std::string &reply)
{
	outq q = {};

	ASSERT_TRUE(outq_append(&q, reply.data(), reply.size()));
	const struct reply r = reply_of_queue(&q);

	call_leg_answered(l, &r);
	outq_clear(&q);
}

using Told = std::vector<std::string>;

/* A call whose keys went to two parts: 0, 1, 0. */
inline call *split(call *c)
{
	auto *part_of = static_cast<uint32_t *>(malloc(3 * sizeof(uint32_t)));

	part_of[0] = 0;
	part_of[1] = 1;
	part_of[2] = 0;
	EXPECT_TRUE(call_split(c, 2, part_of, 3));
	return c;
}

} // namespace calls

#endif
