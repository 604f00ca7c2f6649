#include "base/addr.h"
#include "proxy/proxy.h"
#include "support/net.h"
#include "support/owned.h"
#include "support/redis_server.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/wait.h"

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace
{

using support::Owned;
using support::RedisServer;
using support::Socket;

/* What a hook was told. */
struct Ended {
	size_t node;
	write_fate fate;
	std::map<std::string, uint64_t> keys; /* with their marks */
};

/* Where a node of the test stands. */
struct Place {
	std::string address, rack, tokens;
};

/* A proxy in the test's own event loop. */
class Node
{
      public:
	std::vector<Ended> ended;
	std::map<std::string, uint64_t> begun; /* keys, with the mark that each was given last */

	Node(event_base *base, const std::vector<Place> &places, size_t self,
		const std::string &datastore, uint16_t port)
	    : listen_(support::loopback(port)), dyn_listen_(places[self].address),
	      datastore_(datastore), port_(port)
	{
		std::vector<ring_seed> seeds;
		ring_options r = {};
		proxy_options o = {};

		for (size_t i = 0; i < places.size(); i++) {
			ring_seed seed = {};

			if (i == self)
				continue;
			EXPECT_TRUE(addr_parse(&seed.addr, places[i].address.c_str()));
			seed.rack = places[i].rack.c_str();
			seed.datacenter = "here";
			seed.tokens = places[i].tokens.c_str();
			seeds.push_back(seed);
		}
		r.listen = dyn_listen_.c_str();
		r.datacenter = "here";
		r.rack = places[self].rack.c_str();
		r.tokens = places[self].tokens.c_str();
		r.seeds = seeds.data();
		r.n_seeds = seeds.size();
		ring_.reset(ring_new(&r));
		o.listen = listen_.c_str();
		o.dyn_listen = dyn_listen_.c_str();
		o.backlog = 16;
		o.dyn_connections = 10;
		o.datastore = datastore_.c_str();
		o.datastore_connections = 1;
		o.preconnect = true;
		o.local_peer_connections = o.remote_peer_connections = 1;
		o.server_retry_timeout_ms = 100;
		o.server_failure_limit = 3;
		o.timeout_ms = 3000;
		o.max_msgs = 1000;
		o.read_consistency = o.write_consistency = CONSISTENCY_DC_ONE;
		o.hooks.write_begun = on_begun;
		o.hooks.write_ended = on_ended;
		o.hooks.arg = this;
		proxy_.reset(proxy_new(base, ring_.get(), &o));
	}

	proxy *get() const
	{
		return proxy_.get();
	}
	const ring *nodes() const
	{
		return ring_.get();
	}
	uint16_t port() const
	{
		return port_;
	}
	bool is_up(size_t node) const
	{
		replica_figures f = {};

		proxy_count_replica(proxy_.get(), node, &f);
		return f.up > 0;
	}
	uint64_t missed(size_t node) const
	{
		replica_figures f = {};

		proxy_count_replica(proxy_.get(), node, &f);
		return f.missed_writes;
	}
	/* By the name of its place. */
	size_t index(const std::string &address) const
	{
		return ring_find(ring_.get(), address.c_str());
	}
	/* The calls of the hook for a node, with the keys of all parts; exactly these fates. */
	std::vector<write_fate> fates(size_t node) const
	{
		std::vector<write_fate> found;

		for (const Ended &e : ended)
			if (e.node == node)
				found.push_back(e.fate);
		return found;
	}
	std::map<std::string, uint64_t> keys(size_t node) const
	{
		std::map<std::string, uint64_t> found;

		for (const Ended &e : ended)
			if (e.node == node)
				found.insert(e.keys.begin(), e.keys.end());
		return found;
	}

      private:
	std::string listen_, dyn_listen_, datastore_;
	uint16_t port_;
	uint64_t mark_ = 0;
	Owned<ring, ring_free> ring_;
	Owned<proxy, proxy_free> proxy_;

	static uint64_t on_begun(void *arg, const void *key, size_t len)
	{
		auto *n = static_cast<Node *>(arg);

		return n->begun[std::string(static_cast<const char *>(key), len)] = ++n->mark_;
	}
	static void on_ended(
		void *arg, size_t node, const write_key *keys, size_t n_keys, write_fate fate)
	{
		Ended e = {node, fate, {}};

		for (size_t i = 0; i < n_keys; i++)
			e.keys[std::string(static_cast<const char *>(keys[i].bytes), keys[i].len)] =
				keys[i].mark;
		static_cast<Node *>(arg)->ended.push_back(e);
	}
};

/* This node in rack r1, another one and one that is down in rack r2. */
class Writes : public testing::Test
{
      protected:
	Owned<event_base, event_base_free> base{event_base_new()};
	RedisServer store, other_store;
	std::vector<Place> places = {
		{support::loopback(support::node_port()), "r1", "1"},
		{support::loopback(support::node_port()), "r2", "1"},
		{support::loopback(support::node_port()), "r2", "2147483649"},
	};
	std::unique_ptr<Node> other, node;
	size_t there = 0, down = 0;

	void SetUp() override
	{
		other = std::make_unique<Node>(
			base.get(), places, 1, other_store.address(), support::node_port());
		node = std::make_unique<Node>(
			base.get(), places, 0, store.address(), support::node_port());
		ASSERT_NE(node->get(), nullptr);
		ASSERT_NE(other->get(), nullptr);
		there = node->index(places[1].address);
		down = node->index(places[2].address);
		ASSERT_TRUE(run_until(
			[&] { return node->is_up(0) && node->is_up(there) && other->is_up(0); }));
	}

	template <typename Predicate> bool run_until(Predicate done)
	{
		return support::wait_until(
			[&] {
				event_base_loop(base.get(), EVLOOP_NONBLOCK);
				proxy_flush(node->get());
				proxy_flush(other->get());
				return done();
			},
			std::chrono::seconds(20));
	}
	/* Its reply, a line, after n more ends of writes were reported. */
	std::string ask(const std::vector<std::string> &args, size_t n)
	{
		Socket client(node->port());

		node->ended.clear();
		node->begun.clear();
		EXPECT_TRUE(client.send(support::resp(args)));
		EXPECT_TRUE(run_until([&] {
			return node->ended.size() >= n &&
			       client.is_readable(std::chrono::milliseconds(0));
		})) << node->ended.size();
		EXPECT_EQ(node->ended.size(), n);
		return client.line();
	}
	/* A key that a node of rack r2 has. */
	std::string key_of(size_t owner, const std::string &base_name)
	{
		const ring *r = node->nodes();

		for (int i = 0;; i++) {
			std::string key = base_name + std::to_string(i);

			if (ring_owner(r, 1, ring_token(r, key.data(), key.size())) == owner)
				return key;
		}
	}
};

using Fates = std::vector<write_fate>;
using Marked = std::map<std::string, uint64_t>;

TEST_F(Writes, AreToldOfWithTheirKeys)
{
	const std::string key = key_of(there, "k");

	EXPECT_EQ(ask({"SET", key, "v"}, 2), "+OK\r\n");
	EXPECT_EQ(node->fates(0), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->fates(there), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->keys(0), node->begun);
	EXPECT_EQ(node->keys(there), Marked({{key, node->begun[key]}}));
	EXPECT_GT(node->begun[key], 0u);
	/* The hook is called for what the other node was sent. */
	EXPECT_EQ(other->fates(0), Fates({WRITE_TAKEN}));
	EXPECT_EQ(other->keys(0), other->begun);
	EXPECT_EQ(other->begun.count(key), 1u);
	EXPECT_EQ(node->missed(0) + node->missed(there), 0u);
}

TEST_F(Writes, AreMissedByAPeerThatIsDown)
{
	const std::string key = key_of(down, std::string(100, 'k'));

	EXPECT_EQ(ask({"SET", key, "v"}, 2), "+OK\r\n");
	EXPECT_EQ(node->fates(0), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->fates(down), Fates({WRITE_MISSED}));
	EXPECT_EQ(node->keys(down), Marked({{key, node->begun[key]}}));
	EXPECT_EQ(node->missed(down), 1u);
	EXPECT_EQ(node->missed(there), 0u);
}

TEST_F(Writes, AreRefusedByWhatTheyAre)
{
	const std::string key = key_of(there, "k");

	ask({"SET", key, "v"}, 2);
	EXPECT_EQ(ask({"LPUSH", key, "x"}, 2).substr(0, 11), "-WRONGTYPE ");
	EXPECT_EQ(node->fates(0), Fates({WRITE_REFUSED}));
	EXPECT_EQ(node->fates(there), Fates({WRITE_REFUSED}));
	EXPECT_EQ(node->keys(there), Marked({{key, node->begun[key]}}));
	EXPECT_EQ(node->missed(0) + node->missed(there), 0u);
}

TEST_F(Writes, InPartsAreToldOfEachWithItsKeys)
{
	std::vector<std::string> args = {"MSET"};
	std::map<size_t, Marked> expected;

	for (int i = 0; i < 20; i++) {
		const size_t owner = i % 3 ? there : down;
		const std::string key = key_of(owner, "part" + std::to_string(i) + ".");

		args.push_back(key);
		args.push_back("v");
		expected[owner][key] = 0;
		expected[0][key] = 0;
	}
	EXPECT_EQ(ask(args, 4), "+OK\r\n");
	EXPECT_EQ(node->fates(0), Fates({WRITE_TAKEN, WRITE_TAKEN}));
	EXPECT_EQ(node->fates(there), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->fates(down), Fates({WRITE_MISSED}));
	for (auto &of : expected)
		for (auto &key : of.second)
			key.second = node->begun[key.first];
	for (const auto &of : expected)
		EXPECT_EQ(node->keys(of.first), of.second) << of.first;
}

TEST_F(Writes, AreMissedByAPeerWithoutADatastore)
{
	const std::string key = key_of(there, "k");

	other_store.kill9();
	ASSERT_TRUE(run_until([&] { return !other->is_up(0); }));
	EXPECT_EQ(ask({"SET", key, "v"}, 2), "+OK\r\n");
	EXPECT_EQ(node->fates(there), Fates({WRITE_MISSED}));
	EXPECT_EQ(other->fates(0), Fates({WRITE_MISSED}));
	EXPECT_EQ(node->missed(there), 1u);
	EXPECT_EQ(other->missed(0), 1u);
}

TEST_F(Writes, AreNotKnownWhenNobodyAnswers)
{
	const std::string key = key_of(there, "k");

	other_store.pause();
	node->ended.clear();
	Socket client(node->port());
	ASSERT_TRUE(client.send(support::resp("SET", key, "v")));
	ASSERT_TRUE(run_until([&] { return node->ended.size() == 1; }));
	proxy_peer_reset(node->get(), places[1].address.c_str());
	EXPECT_EQ(node->fates(0), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->fates(there), Fates({WRITE_UNKNOWN}));
	EXPECT_EQ(node->keys(there).count(key), 1u);
	other_store.resume();
}

TEST_F(Writes, ThatAreRefusedHereDoNotBegin)
{
	const std::string one = key_of(there, "k"), two = key_of(down, "k");

	EXPECT_EQ(ask({"MSETNX", one, "v", two, "v"}, 0).substr(0, 15), "-ERR dynomite: ");
	EXPECT_TRUE(node->begun.empty());
}

TEST_F(Writes, AreNoReads)
{
	const std::string key = key_of(there, "k");

	EXPECT_EQ(ask({"GET", key}, 0), "$-1\r\n");
	EXPECT_TRUE(node->begun.empty());
}

} // namespace
