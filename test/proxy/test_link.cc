/*
 * What a node takes from other nodes beyond the recorded sessions, and what it refuses.
 */
#include "proxy/ring.h"
#include "support/joining_thread.h"
#include "support/message.h"
#include "support/resp.h"
#include "support/socket.h"
#include "support/wait.h"

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using namespace support;

class Link : public testing::Test
{
      protected:
	Link()
	{
		one_.start();
	}
	Socket dial()
	{
		return Socket(one_->node().port());
	}
	One one_;
};

/* The length of the value in the next answer; for large ones, of which read_message() makes too
 * much. */
size_t read_large(Socket &s)
{
	const std::string header = s.line();
	const size_t star = header.rfind('*');
	const size_t len = std::stoul(header.substr(star + 1));
	const std::string payload = s.read(len);
	const size_t begin = payload.find("\r\n") + 2;

	return payload.size() - begin - 2;
}

TEST_F(Link, SkipsWhatOthersAddToTheData)
{
	Socket s = dial();
	Message m = dnode_message(77, resp("SET", "k", "v"));

	m.data = "d and more of it";
	ASSERT_TRUE(s.send(m.bytes()));
	m = read_message(s);
	EXPECT_EQ(m.id, 77u);
	EXPECT_EQ(m.payload, "+OK\r\n");
	EXPECT_EQ(m.data, "d");
}

TEST_F(Link, TakesManyMessagesAndALargeOne)
{
	constexpr uint64_t kMessages = 20000;
	const std::string large(30'000'000, 'x');
	Socket s = dial();
	std::string said;
	std::vector<bool> answered(kMessages);

	for (uint64_t i = 0; i < kMessages; i++)
		said += dnode_message(i, resp("SET", "k" + std::to_string(i), "v")).bytes();
	said += dnode_message(kMessages, resp("SET", "large", large)).bytes();
	JoiningThread writer([&] { EXPECT_TRUE(s.send(said)); });
	for (uint64_t i = 0; i <= kMessages; i++) {
		const Message m = read_message(s);

		ASSERT_LE(m.id, kMessages);
		if (m.id < kMessages) {
			EXPECT_FALSE(answered[m.id]);
			answered[m.id] = true;
		}
		ASSERT_EQ(m.payload, "+OK\r\n");
	}
	writer.join();
	EXPECT_EQ(one_->store().dbsize(), static_cast<int64_t>(kMessages) + 1);
}

TEST_F(Link, RefusesWhatNoNodeMaySay)
{
	Socket s = dial();
	uint64_t id = 0;

	for (const std::string &payload :
		{resp("FLUSHALL"), resp("CONFIG", "SET", "dir", "/"), resp("MULTI"), resp("PING"),
			resp("NOSUCH"), resp("GET"), std::string("GET k\r\n"), std::string("x"),
			resp("SET", "a", "b") + resp("SET", "a", "b")}) {
		ASSERT_TRUE(s.send(dnode_message(++id, payload).bytes()));
		const Message m = read_message(s);
		EXPECT_EQ(m.id, id);
		EXPECT_EQ(m.payload.substr(0, 15), "-ERR dynomite: ") << payload;
	}
	EXPECT_EQ(one_->store().dbsize(), 0);
}

TEST_F(Link, IsClosedOnWhatIsNoMessage)
{
	Message response = dnode_message(1, "+OK\r\n");
	Message encrypted = dnode_message(1, "0123456789abcdef");

	response.type = DNODE_RESPONSE;
	encrypted.flags = DNODE_FLAG_ENCRYPTED;
	for (const std::string &bytes : {std::string("GET / HTTP/1.1\r\n\r\n"),
		     std::string("   $2014$ 1 9 0 1 1 *1 d *1\r\nx"),
		     std::string("   $2014$ 1 3 0 1 1 *1 d *1073741825\r\nx"),
		     std::string("   $2014$ 1 3 0 1 1 *513 d *1\r\nx"), response.bytes(),
		     encrypted.bytes()}) {
		Socket s = dial();

		ASSERT_TRUE(s.send(bytes));
		EXPECT_TRUE(s.ends()) << bytes;
	}
	Socket s = dial();
	ASSERT_TRUE(s.send(dnode_message(5, resp("SET", "k", "v")).bytes()));
	EXPECT_EQ(read_message(s).payload, "+OK\r\n");
	EXPECT_TRUE(wait_until([&] { return one_->number("connected_nodes") == 1; }));
}

/* The test is the node of the same rack that has nearly all keys. */
TEST(Links, AnswersMayComeInAnyOrder)
{
	constexpr int kRequests = 16; /* as many as are taken before the first reply */
	Listener listener;
	One one;
	std::vector<Message> asked;
	std::string said, expected;

	one.unhealed().stranger({"dc", "rack", "4294967295"}, listener.port());
	one.start();
	Socket s = listener.accept();
	Socket client(one->client_port());
	for (int i = 0; i < kRequests; i++) {
		said += resp("GET", "k" + std::to_string(i));
		expected += ":" + std::to_string(i) + "\r\n";
	}
	ASSERT_TRUE(client.send(said));
	for (int i = 0; i < kRequests; i++) {
		asked.push_back(read_message(s));
		EXPECT_EQ(asked.back().payload, resp("GET", "k" + std::to_string(i)));
	}
	EXPECT_FALSE(client.is_readable(milliseconds(5)));
	for (int i = kRequests; i-- > 0;) {
		Message answer = dnode_message(asked[static_cast<size_t>(i)].id,
			":" + std::to_string(i) + "\r\n", DNODE_RESPONSE);

		ASSERT_TRUE(s.send(answer.bytes()));
		/* A reply without a waiting request is ignored. */
		ASSERT_TRUE(s.send(answer.bytes()));
	}
	EXPECT_EQ(client.read(expected.size()), expected);
}

/* Anything but one whole reply must not be taken for later replies. */
TEST(Links, AnAnswerThatIsNoWholeReplyIsAnErrorOfItsOwn)
{
	Listener listener;
	One one;

	one.unhealed().stranger({"dc", "rack", "4294967295"}, listener.port());
	one.start();
	Socket s = listener.accept();
	for (const std::string &answer : {std::string(), std::string("+one\r\n+two\r\n"),
		     std::string("$100\r\ncut"), std::string("junk"), std::string("+no end")}) {
		Socket client(one->client_port());

		ASSERT_TRUE(client.send(resp("GET", "a") + resp("GET", "b") + resp("GET", "c")));
		for (const std::string &payload :
			{answer, std::string("+b\r\n"), std::string("+c\r\n")})
			ASSERT_TRUE(
				s.send(dnode_message(read_message(s).id, payload, DNODE_RESPONSE)
						.bytes()));
		EXPECT_EQ(client.line(), "-ERR dynomite: a peer's reply is not valid RESP\r\n");
		EXPECT_EQ(client.line(), "+b\r\n");
		EXPECT_EQ(client.line(), "+c\r\n");
	}
	EXPECT_TRUE(one->peer_is_up(1));
}

/* A node that asks for much and reads nothing is asked for no more than that. */
TEST(Links, HoldBackANodeThatReadsNothing)
{
	One one;
	std::string said;

	one.start();
	one->store().set("large", std::string(1'000'000, 'x'));
	for (uint64_t i = 0; i < 3000; i++)
		said += dnode_message(i, resp("GET", "large")).bytes();
	const size_t before = one->node().resident_kib();
	std::optional<Socket> s(std::in_place, one->node().port(), 4096);
	ASSERT_TRUE(s->send(said));
	EXPECT_TRUE(wait_until([&] { return one->number("total_node_requests") >= 16; }));
	RedisClient c = one->client();
	for (int i = 0; i < 200; i++)
		c.set("k", "v");
	const size_t now = one->node().resident_kib();
	std::cout << "3 GB asked for, none read: grown by " << now - before << " KiB\n";
	if (!kSanitized) {
		EXPECT_LT(now, before + 200 * 1024);
	}
	/* When it does read, it gets everything; and nothing is kept after it has closed. */
	for (uint64_t i = 0; i < 300; i++)
		ASSERT_EQ(read_large(*s), 1'000'000u) << i;
	s.reset();
	if (!kSanitized) {
		EXPECT_TRUE(wait_until([&] {
			return one->node().resident_kib() < before + 30 * 1024;
		})) << one->node().resident_kib() - before;
	}
}

/* A request that a node passes over is given up; the link and the other requests go on. */
TEST(Links, ARequestThatIsPassedOverIsAnErrorAndNotKept)
{
	Listener listener;
	One one;

	one.unhealed().set("timeout", "300");
	one.stranger({"dc", "rack", "4294967295"}, listener.port());
	one.start();
	Socket s = listener.accept();
	Socket client(one->client_port());
	ASSERT_TRUE(client.send(resp("SET", "passed over", "v")));
	read_message(s);
	const auto others = [&] {
		EXPECT_TRUE(client.send(resp("SET", "k", "v")));
		EXPECT_TRUE(s.send(
			dnode_message(read_message(s).id, "+OK\r\n", DNODE_RESPONSE).bytes()));
		return one->missed(1) == 1;
	};
	EXPECT_TRUE(wait_until(others));
	EXPECT_EQ(client.line(), "-ERR dynomite: no answer within 300 ms\r\n");
	EXPECT_EQ(client.line(), "+OK\r\n");
	EXPECT_EQ(one->peer_info(1, "queued"), "0");
	EXPECT_TRUE(one->peer_is_up(1));
}

/* ---- Who may connect, and must encrypt ---- */

bool is_taken(Ring &ring, const Message &m)
{
	Socket s(ring[0].node().port());

	EXPECT_TRUE(s.send(m.bytes()));
	if (s.ends())
		return false;
	EXPECT_EQ(read_message(s).payload, "+OK\r\n");
	return true;
}

struct Wanted {
	const char *name, *option;
	bool same_dc, other_dc; /* whether plain messages are taken that say so */
};

std::ostream &operator<<(std::ostream &to, const Wanted &w)
{
	return to << w.name;
}

class PlainMessages : public testing::TestWithParam<Wanted>
{
};

TEST_P(PlainMessages, AreTakenWhereNoneNeedBeEncrypted)
{
	const LinkKey key(2048);
	const Wanted &wanted = GetParam();
	Message here = dnode_message(1, resp("SET", "here", "v"));
	Message there = dnode_message(2, resp("SET", "there", "v"));
	One one;

	there.same_dc = false;
	one.set("secure_server_option", wanted.option).set("pem_key_file", key.file()).start();
	EXPECT_EQ(is_taken(one, here), wanted.same_dc);
	EXPECT_EQ(is_taken(one, there), wanted.other_dc);
	EXPECT_EQ(one->store().exists("here"), wanted.same_dc);
	EXPECT_EQ(one->store().exists("there"), wanted.other_dc);
	EXPECT_EQ(one->node().logged("secure_server_option"),
		static_cast<size_t>(!wanted.same_dc) + !wanted.other_dc);
}

INSTANTIATE_TEST_SUITE_P(Options, PlainMessages,
	testing::Values(Wanted{"None", "none", true, true}, Wanted{"Rack", "rack", true, false},
		Wanted{"Datacenter", "datacenter", true, false},
		Wanted{"All", "all", false, false}),
	testing::PrintToStringParamName());

/* All nodes of the test's address are in the other rack. */
TEST(PlainLinks, AreRefusedFromANodeThatIsToEncrypt)
{
	const LinkKey key(2048);
	Ring ring(Places{{"dc", "r1"}, {"dc", "r2"}});

	ring.set("secure_server_option", "rack").set("pem_key_file", key.file()).start();
	EXPECT_FALSE(is_taken(ring, dnode_message(1, resp("SET", "k", "v"))));
	EXPECT_FALSE(ring[0].store().exists("k"));
	/* The node itself encrypts. */
	ring[1].client().set("k", "v");
	EXPECT_TRUE(wait_until([&] { return ring[0].store().get("k") == "v"; }));
}

TEST(Links, AreNoMoreThanDynConnections)
{
	One one;

	one.set("dyn_connections", "2").start();
	const Message m = dnode_message(1, resp("SET", "k", "v"));
	std::optional<Socket> first(one->node().port());
	Socket second(one->node().port());
	for (Socket *s : {&*first, &second}) {
		ASSERT_TRUE(s->send(m.bytes()));
		EXPECT_EQ(read_message(*s).payload, "+OK\r\n");
	}
	EXPECT_TRUE(Socket(one->node().port()).ends());
	EXPECT_EQ(one->number("rejected_node_connections"), 1u);
	EXPECT_TRUE(one->node().wait_log("dyn_connections"));
	first.reset();
	EXPECT_TRUE(wait_until([&] { return one->number("connected_nodes") == 1; }));
	EXPECT_TRUE(is_taken(one, m));
}

} // namespace
} // namespace e2e
