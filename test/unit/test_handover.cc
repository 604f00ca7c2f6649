#include "heal/handover.h"
#include "support/owned.h"

#include <event2/event.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

using Base = support::Owned<event_base, event_base_free>;
using Given = support::Owned<heal_handover, heal_handover_free>;

/* The ends of a connection; the test keeps one. */
struct Pair {
	int mine = -1, other = -1;

	Pair()
	{
		int fds[2];

		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		mine = fds[0];
		other = fds[1];
	}
	Pair(const Pair &) = delete;
	Pair &operator=(const Pair &) = delete;
	~Pair()
	{
		close(mine);
	}
	bool other_is_closed() const
	{
		char c;

		return recv(mine, &c, 1, 0) == 0;
	}
};

class Handover : public testing::Test
{
      protected:
	Base base_{event_base_new()};
	std::vector<std::string> taken_;
	Given h_{heal_handover_new(base_.get(), take, this)};

	void run()
	{
		event_base_loop(base_.get(), EVLOOP_ONCE | EVLOOP_NONBLOCK);
	}

      private:
	static void take(void *arg, int fd, const char *peer)
	{
		static_cast<Handover *>(arg)->taken_.push_back(peer);
		close(fd);
	}
};

TEST_F(Handover, BringsConnectionsToTheLoop)
{
	const Pair a, b;

	ASSERT_TRUE(h_);
	ASSERT_TRUE(heal_handover_give(h_.get(), a.other, "10.0.0.1:1000"));
	EXPECT_TRUE(taken_.empty()) << "only in the loop";
	run();
	ASSERT_EQ(taken_, std::vector<std::string>{"10.0.0.1:1000"});
	EXPECT_TRUE(a.other_is_closed());
	run();
	EXPECT_EQ(taken_.size(), 1u);
	ASSERT_TRUE(heal_handover_give(h_.get(), b.other, "10.0.0.2:1000"));
	run();
	EXPECT_EQ(taken_.size(), 2u);
}

TEST_F(Handover, RefusesMoreThanMayWait)
{
	const Pair pairs[HEAL_HANDOVER_MAX + 1];

	for (size_t i = 0; i < HEAL_HANDOVER_MAX; i++)
		ASSERT_TRUE(heal_handover_give(h_.get(), pairs[i].other, "peer")) << i;
	const Pair &last = pairs[HEAL_HANDOVER_MAX];
	EXPECT_FALSE(heal_handover_give(h_.get(), last.other, "one too many"));
	EXPECT_FALSE(last.other_is_closed()) << "it stays the caller's";
	run();
	EXPECT_EQ(taken_.size(), size_t(HEAL_HANDOVER_MAX)) << "in one turn";
	EXPECT_TRUE(heal_handover_give(h_.get(), last.other, "now"));
	run();
	EXPECT_EQ(taken_.back(), "now");
}

TEST_F(Handover, ClosesWhatWaitsWhenItStops)
{
	const Pair early, late;

	ASSERT_TRUE(heal_handover_give(h_.get(), early.other, "early"));
	heal_handover_stop(h_.get());
	EXPECT_TRUE(early.other_is_closed());
	EXPECT_FALSE(heal_handover_give(h_.get(), late.other, "late"));
	EXPECT_FALSE(late.other_is_closed());
	close(late.other);
	heal_handover_stop(h_.get());
	run();
	EXPECT_TRUE(taken_.empty());
}

TEST_F(Handover, ClosesWhatWaitsWhenItIsFreed)
{
	const Pair pair;

	ASSERT_TRUE(heal_handover_give(h_.get(), pair.other, "peer"));
	h_.reset();
	EXPECT_TRUE(pair.other_is_closed());
	run();
	EXPECT_TRUE(taken_.empty());
	heal_handover_free(nullptr);
}

} // namespace
