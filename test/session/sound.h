/*
 * sound - whether a receiver is none the worse for what it has been through.
 */
#ifndef TEST_SESSION_SOUND_H
#define TEST_SESSION_SOUND_H

#include "session/channel.h"
#include "support/wire_bytes.h"

#include <gtest/gtest.h>

namespace session
{

/*
 * It has told and counted each of the connections that failed and that were turned away once, and
 * applied nothing of them; it serves a good peer.  Every good peer of a test sends good_content().
 */
inline std::string good_content()
{
	return support::noise(20000, 77);
}

inline void expect_sound(Node &node, size_t failed, size_t turned_away)
{
	const std::string content = good_content();
	const size_t good_before = node.sink.applied().size();

	ASSERT_TRUE(node.wait_ended(failed + turned_away + good_before));
	const Push p = push(node.address(), content);
	ASSERT_TRUE(succeeds(p.status, p.err));
	ASSERT_TRUE(node.wait_ended(failed + turned_away + good_before + 1));

	const auto c = node.counters();
	EXPECT_EQ(c.failed, failed);
	EXPECT_EQ(c.turned_away, turned_away);
	EXPECT_EQ(c.committed, good_before + 1);
	EXPECT_EQ(c.connections, failed + good_before + 1);
	EXPECT_EQ(c.bytes, (good_before + 1) * content.size());
	EXPECT_EQ(node.ended().size(), failed + turned_away + good_before + 1);
	for (const auto &applied : node.sink.applied())
		EXPECT_TRUE(applied == content) << "something else was applied";
}

} // namespace session

#endif
