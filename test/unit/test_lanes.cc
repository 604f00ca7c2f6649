#include "proxy/lanes.h"

#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace
{

/* Connections that record what they are sent, and answer when the test says so. */
class Lanes : public testing::Test
{
      protected:
	lanes lanes_ = {};
	std::vector<std::string> sent, refused;
	bool works = true;
	/* Legs of no call: lanes never look into them. */
	std::deque<leg> legs;

	void SetUp() override
	{
		lanes_init(&lanes_);
		use(4);
	}
	void TearDown() override
	{
		lanes_fini(&lanes_, "the end");
	}
	void use(size_t n, size_t queue_max = 100, size_t bytes_max = 1000)
	{
		lanes_.n = n;
		lanes_.queue_max = queue_max;
		lanes_.queue_bytes_max = bytes_max;
		lanes_.arg = this;
		lanes_.send = [](void *arg, size_t lane, leg *, const uint8_t *bytes, size_t len) {
			auto *t = static_cast<Lanes *>(arg);

			if (!t->works) {
				t->refused.push_back("broken");
				return false;
			}
			t->sent.push_back(std::to_string(lane) + ":" +
					  std::string(reinterpret_cast<const char *>(bytes), len));
			return true;
		};
		lanes_.refuse = [](void *arg, leg *, const char *why) {
			static_cast<Lanes *>(arg)->refused.push_back(why);
		};
	}
	void send(const std::string &text, uint32_t token, bool several = false)
	{
		const lane_keys keys = {token, several};

		legs.emplace_back();
		lanes_send(&lanes_, &legs.back(), &keys,
			reinterpret_cast<const uint8_t *>(text.data()), text.size());
	}
	void end(size_t n = 1)
	{
		for (size_t i = 0; i < n; i++)
			lanes_ended(&lanes_);
	}
	std::string all_sent()
	{
		std::string all;

		for (const std::string &s : sent)
			all += (all.empty() ? "" : " ") + s;
		sent.clear();
		return all;
	}
};

TEST_F(Lanes, OneKeyTakesOneLaneAtOnce)
{
	send("a", 1);
	send("b", 2);
	send("c", 5);
	send("d", 1);
	EXPECT_EQ(all_sent(), "1:a 2:b 1:c 1:d");
	end(4);
	EXPECT_EQ(lanes_.under_way, 0u);
}

TEST_F(Lanes, SeveralKeysAreAlone)
{
	send("a", 1);
	send("b", 2);
	send("several", 3, true);
	send("c", 1);
	send("d", 2);
	EXPECT_EQ(all_sent(), "1:a 2:b") << "it must not overtake, nor be overtaken";
	end();
	EXPECT_EQ(all_sent(), "");
	end();
	EXPECT_EQ(all_sent(), "3:several");
	send("e", 3);
	EXPECT_EQ(all_sent(), "");
	end();
	EXPECT_EQ(all_sent(), "1:c 2:d 3:e");
	end(3);
	send("several", 0, true);
	send("several too", 1, true);
	EXPECT_EQ(all_sent(), "0:several");
	end();
	EXPECT_EQ(all_sent(), "1:several too");
	end();
	EXPECT_EQ(lanes_.under_way, 0u);
	EXPECT_EQ(lanes_.bytes_waiting, 0u);
}

TEST_F(Lanes, OneLaneNeedsNoWaiting)
{
	use(1);
	send("a", 1);
	send("several", 3, true);
	send("b", 2);
	EXPECT_EQ(all_sent(), "0:a 0:several 0:b");
	end(3);
}

TEST_F(Lanes, ThoseThatWaitAreBounded)
{
	use(2, 3, 100);
	send("several", 0, true);
	send(std::string(60, 'x'), 1);
	send(std::string(60, 'y'), 1);
	EXPECT_EQ(refused, std::vector<std::string>{"the queue is full"}) << "by bytes";
	send("b", 1);
	send("c", 1);
	send("d", 1);
	EXPECT_EQ(refused.size(), 2u) << "by number";
	end();
	EXPECT_EQ(sent.size(), 4u);
	end(3);
	/* One that is larger than all may be waits when it is alone. */
	send("several", 0, true);
	send(std::string(1000, 'x'), 1);
	EXPECT_EQ(refused.size(), 2u);
}

TEST_F(Lanes, WhatCannotBeSentLetsTheNextGo)
{
	send("several", 0, true);
	send("a", 1);
	send("several too", 1, true);
	send("b", 1);
	works = false;
	end();
	EXPECT_EQ(refused.size(), 3u);
	works = true;
	send("c", 1);
	EXPECT_EQ(all_sent(), "0:several 1:c");
}

TEST_F(Lanes, TheEndRefusesThoseThatWait)
{
	send("several", 0, true);
	send("a", 1);
	send("b", 1);
	lanes_fini(&lanes_, "the end");
	EXPECT_EQ(refused, (std::vector<std::string>{"the end", "the end"}));
}

/* Whatever is sent, and in whatever order lanes answer: those with a common key stay in order. */
TEST_F(Lanes, KeepTheOrderOfEachKey)
{
	constexpr int kKeys = 6, kRequests = 5000;
	std::mt19937 random(1);
	std::map<size_t, std::deque<std::string>> on_lane; /* sent, not answered */
	std::vector<int> last(kKeys, -1);                  /* request that was carried out */
	std::vector<std::vector<int>> keys_of;
	size_t seen = 0, done = 0;

	use(4, kRequests, 1000000);
	const auto collect = [&] {
		for (; seen < sent.size(); seen++)
			on_lane[static_cast<size_t>(sent[seen][0] - '0')].push_back(
				sent[seen].substr(2));
	};
	const auto carry_out_one = [&] {
		std::vector<size_t> busy;
		for (const auto &lane : on_lane)
			if (!lane.second.empty())
				busy.push_back(lane.first);
		ASSERT_FALSE(busy.empty());
		std::deque<std::string> &lane = on_lane[busy[random() % busy.size()]];
		const int request = std::stoi(lane.front());
		lane.pop_front();
		for (int k : keys_of[static_cast<size_t>(request)]) {
			ASSERT_GT(request, last[static_cast<size_t>(k)]);
			last[static_cast<size_t>(k)] = request;
		}
		done++;
		end();
		collect();
	};
	for (int i = 0; i < kRequests; i++) {
		std::vector<int> keys = {static_cast<int>(random() % kKeys)};

		if (random() % 10 == 0)
			keys.push_back((keys[0] + 1) % kKeys);
		keys_of.push_back(keys);
		send(std::to_string(i), static_cast<uint32_t>(keys[0]), keys.size() > 1);
		collect();
		if (random() % 2) {
			ASSERT_NO_FATAL_FAILURE(carry_out_one());
		}
	}
	while (done < kRequests)
		ASSERT_NO_FATAL_FAILURE(carry_out_one());
	EXPECT_EQ(refused.size(), 0u);
	EXPECT_EQ(lanes_.under_way, 0u);
}

} // namespace
