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
	uint64_t stamp;
	bool left_unchanged;
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
	std::map<std::string, uint64_t> begun;   /* keys, with the mark that each was given last */
	std::map<std::string, uint64_t> arrived; /* keys, with the stamp of the last write */
	std::map<std::string, write_verdict> verdicts; /* of keys that are not simply carried out */
	uint64_t drawn;                                /* the last stamp */

	Node(event_base *base, const std::vector<Place> &places, size_t self,
		const std::string &datastore, uint16_t port)
	    : drawn((self + 1) * 1000000), listen_(support::loopback(port)),
	      dyn_listen_(places[self].address), datastore_(datastore), port_(port)
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
		o.hooks.draw_stamp = on_draw;
		o.hooks.write_arrives = on_arrives;
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

	static std::string name_of(const write_key &key)
	{
		return std::string(static_cast<const char *>(key.bytes), key.len);
	}
	static uint64_t on_draw(void *arg)
	{
		return ++static_cast<Node *>(arg)->drawn;
	}
	static void on_arrives(void *arg, stamped_write *w)
	{
		auto *n = static_cast<Node *>(arg);

		for (size_t i = 0; i < w->n_keys; i++) {
			auto found = n->verdicts.find(name_of(w->keys[i]));

			n->arrived[name_of(w->keys[i])] = w->stamp;
			w->keys[i].verdict = static_cast<uint8_t>(
				found == n->verdicts.end() ? WRITE_CARRY_OUT : found->second);
		}
	}
	static void on_begun(void *arg, stamped_write *w)
	{
		auto *n = static_cast<Node *>(arg);

		for (size_t i = 0; i < w->n_keys; i++)
			n->begun[name_of(w->keys[i])] = w->keys[i].mark = ++n->mark_;
	}
	static void on_ended(void *arg, size_t node, const stamped_write *w, write_fate fate,
		bool left_unchanged)
	{
		Ended e = {node, fate, w->stamp, left_unchanged, {}};

		for (size_t i = 0; i < w->n_keys; i++)
			e.keys[name_of(w->keys[i])] = w->keys[i].mark;
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
	static std::string value(RedisServer &of, const std::string &key)
	{
		return support::RedisClient("127.0.0.1", of.port()).get(key);
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

TEST_F(Writes, AreMissedWhereTheyAreRefusedAlone)
{
	const std::string key = key_of(there, "k");

	other_store.connect().cmd("RPUSH", key, "x");
	EXPECT_EQ(ask({"INCR", key}, 2), ":1\r\n");
	EXPECT_EQ(node->fates(0), Fates({WRITE_TAKEN}));
	EXPECT_EQ(node->fates(there), Fates({WRITE_MISSED}));
	EXPECT_EQ(node->keys(there), Marked({{key, node->begun[key]}}));
	EXPECT_EQ(node->missed(there), 1u);
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

TEST_F(Writes, CarryTheirStampToEveryReplica)
{
	const std::string key = key_of(there, "k");

	EXPECT_EQ(ask({"SET", key, "v"}, 2), "+OK\r\n");
	EXPECT_GT(node->arrived[key], 1000000u);
	EXPECT_EQ(other->arrived[key], node->arrived[key]);
	for (const Ended &e : node->ended)
		EXPECT_EQ(e.stamp, node->arrived[key]);
	/* A part has its own. */
	std::vector<std::string> args = {"DEL", key, key_of(down, "k")};
	EXPECT_EQ(ask(args, 3), ":1\r\n");
	EXPECT_NE(node->arrived[args[1]], node->arrived[args[2]]);
	EXPECT_EQ(other->arrived[key], node->arrived[key]);
}

TEST_F(Writes, ThatChangeNothingAreToldAsSuch)
{
	const std::string key = key_of(there, "k");

	for (const bool again : {false, true}) {
		EXPECT_EQ(ask({"SADD", key, "v"}, 2), again ? ":0\r\n" : ":1\r\n");
		for (const Ended &e : node->ended)
			EXPECT_EQ(e.left_unchanged, again && e.node == 0);
		EXPECT_EQ(other->ended.back().left_unchanged, again);
	}
}

TEST_F(Writes, ThatAreVoidAreAnsweredAndNotCarriedOut)
{
	const std::string key = key_of(there, "k");

	node->verdicts[key] = WRITE_PASS_OVER;
	EXPECT_EQ(ask({"SET", key, "v"}, 1), "+OK\r\n");
	EXPECT_EQ(ask({"DEL", key}, 1), ":0\r\n");
	EXPECT_EQ(ask({"INCR", key}, 1).substr(0, 14), "-ERR dynomite:");
	EXPECT_TRUE(node->begun.empty());
	EXPECT_EQ(value(store, key), "(nil)");
	EXPECT_EQ(other->keys(0).count(key), 1u);
}

TEST_F(Writes, AreCarriedOutForTheKeysThatAreNotVoid)
{
	const std::string gone = key_of(there, "gone"), kept = key_of(there, "kept"),
			  also = key_of(there, "also");

	node->verdicts[gone] = WRITE_PASS_OVER;
	EXPECT_EQ(ask({"MSET", kept, "1", gone, "2", also, "3"}, 2), "+OK\r\n");
	EXPECT_EQ(node->begun.size(), 2u);
	EXPECT_EQ(node->keys(0), node->begun);
	EXPECT_EQ(node->keys(there).size(), 3u);
	EXPECT_EQ(value(store, kept), "1");
	EXPECT_EQ(value(store, also), "3");
	EXPECT_EQ(value(store, gone), "(nil)");
	EXPECT_EQ(value(other_store, gone), "2");
}

TEST_F(Writes, ThatComeTooLateAreMissed)
{
	const std::string key = key_of(there, "k");

	other->verdicts[key] = WRITE_DECLINE;
	EXPECT_EQ(ask({"SET", key, "v"}, 2), "+OK\r\n");
	EXPECT_EQ(node->fates(there), Fates({WRITE_MISSED}));
	EXPECT_EQ(other->fates(0), Fates({WRITE_MISSED}));
	EXPECT_TRUE(other->begun.empty());
}

TEST_F(Writes, WaitForWhatIsUnderWay)
{
	const std::string key = key_of(there, "k"), second = key_of(there, "second");
	Socket one(node->port()), two(node->port());

	node->verdicts[key] = WRITE_WAIT;
	ASSERT_TRUE(one.send(support::resp("SET", key, "v")));
	ASSERT_TRUE(run_until([&] { return node->arrived.count(key) == 1; }));
	EXPECT_TRUE(node->begun.empty());
	/* It is asked again when a write has ended. */
	node->verdicts.clear();
	node->arrived.clear();
	for (int i = 0; i < 10; i++) {
		event_base_loop(base.get(), EVLOOP_NONBLOCK);
		proxy_flush(node->get());
	}
	EXPECT_TRUE(node->begun.empty());
	ASSERT_TRUE(two.send(support::resp("SET", second, "v")));
	ASSERT_TRUE(run_until([&] { return node->begun.count(key) == 1; }));
	ASSERT_TRUE(run_until([&] { return one.is_readable(std::chrono::milliseconds(0)); }));
	EXPECT_EQ(one.line(), "+OK\r\n");
}

TEST_F(Writes, DoNotWaitForEver)
{
	const std::string key = key_of(there, "k");

	node->verdicts[key] = WRITE_WAIT;
	const std::string reply = ask({"SET", key, "v"}, 2);
	EXPECT_EQ(reply.substr(0, 15), "-ERR dynomite: ");
	EXPECT_EQ(node->fates(0), Fates({WRITE_MISSED}));
	EXPECT_TRUE(node->begun.empty());
}

/* ---- Requests of the node itself ---- */

struct Answer {
	int times = 0;
	std::string reply;
	write_fate fate = WRITE_MISSED;

	static void take(void *arg, const uint8_t *reply, size_t len, write_fate fate)
	{
		auto *a = static_cast<Answer *>(arg);

		a->times++;
		a->reply.assign(reinterpret_cast<const char *>(reply), len);
		a->fate = fate;
	}
};

bool ask_own(proxy *p, const std::string &key, const std::string &request, Answer *a)
{
	const proxy_own_request ask = {
		key.data(), key.size(), 0, request.data(), request.size(), Answer::take, a};

	return proxy_ask(p, &ask);
}

TEST_F(Writes, OfTheNodeItselfAreAnsweredInOrder)
{
	const std::string large(100000, 'x');
	Answer set, get, bad;

	ASSERT_TRUE(ask_own(node->get(), "k", support::resp("SET", "k", large), &set));
	ASSERT_TRUE(ask_own(node->get(), "k", support::resp("GET", "k"), &get));
	ASSERT_TRUE(ask_own(node->get(), "k", support::resp("LPUSH", "k", "x"), &bad));
	ASSERT_TRUE(run_until([&] { return bad.times == 1; }));
	EXPECT_EQ(set.reply, "+OK\r\n");
	EXPECT_EQ(set.fate, WRITE_TAKEN);
	EXPECT_EQ(get.reply, "$100000\r\n" + large + "\r\n");
	EXPECT_EQ(bad.fate, WRITE_REFUSED);
	EXPECT_EQ(set.times + get.times, 2);
	/* They are no writes of clients. */
	EXPECT_TRUE(node->ended.empty());
}

TEST_F(Writes, OfTheNodeItselfEndWithTheDatastore)
{
	Answer lost, missed;

	store.pause();
	ASSERT_TRUE(ask_own(node->get(), "k", support::resp("SET", "k", "v"), &lost));
	proxy_flush(node->get());
	store.kill9();
	ASSERT_TRUE(run_until([&] { return lost.times == 1 && !node->is_up(0); }));
	EXPECT_EQ(lost.fate, WRITE_UNKNOWN);
	ASSERT_TRUE(ask_own(node->get(), "k", support::resp("GET", "k"), &missed));
	ASSERT_TRUE(run_until([&] { return missed.times == 1; }));
	EXPECT_EQ(missed.fate, WRITE_MISSED);
	EXPECT_EQ(missed.reply.substr(0, 15), "-ERR dynomite: ");
	EXPECT_EQ(node->missed(0), 0u);
}

} // namespace
