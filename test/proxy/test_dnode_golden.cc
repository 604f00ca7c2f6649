/*
 * The recorded sessions between Dynomite nodes, replayed in both roles: by the test that dials our
 * node, and by our node that dials the test.
 */
extern "C" {
#include "proto/dnode.h"
#include "proto/dnode_crypto.h"
}

#include "proxy/ring.h"
#include "proxy/socket.h"
#include "support/tempdir.h"
#include "support/wait.h"

#include <fstream>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using support::RedisClient;
using support::wait_until;

/* ---- Messages ---- */

struct Message {
	uint64_t id = 0;
	int type = 0, flags = 0;
	bool same_dc = false;
	std::string data, payload;

	std::string bytes() const
	{
		uint8_t header[DNODE_HEADER_MAX];
		struct dnode_header h = {};

		h.id = id;
		h.type = static_cast<uint8_t>(type);
		h.flags = static_cast<uint8_t>(flags);
		h.same_dc = same_dc;
		h.data = reinterpret_cast<const uint8_t *>(data.data());
		h.data_len = data.size();
		h.payload_len = payload.size();
		return std::string(reinterpret_cast<char *>(header), dnode_encode(&h, header)) +
		       payload;
	}
};

/* Take the message at the begin of bytes away from them. */
std::optional<Message> take(std::string *bytes)
{
	struct dnode_header h;
	const char *why = nullptr;
	size_t used = 0;
	Message m;
	const enum dnode_result result = dnode_decode(
		&h, reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size(), &used, &why);

	if (result == DNODE_BAD)
		throw std::runtime_error(std::string("no message: ") + why);
	if (result == DNODE_MORE || bytes->size() - used < h.payload_len)
		return std::nullopt;
	m.id = h.id;
	m.type = h.type;
	m.flags = h.flags;
	m.same_dc = h.same_dc;
	m.data.assign(reinterpret_cast<const char *>(h.data), h.data_len);
	m.payload = bytes->substr(used, h.payload_len);
	bytes->erase(0, used + h.payload_len);
	return m;
}

Message read_message(Socket &s)
{
	std::string bytes;

	for (;;) {
		const std::string next = s.read(1);

		if (next.empty())
			throw std::runtime_error("the connection ended, or no message came");
		bytes += next;
		if (const std::optional<Message> m = take(&bytes))
			return *m;
	}
}

Message request(uint64_t id, const std::string &payload, int type = DNODE_REQUEST)
{
	Message m;

	m.id = id;
	m.type = type;
	m.same_dc = type == DNODE_REQUEST;
	m.data = "d";
	m.payload = payload;
	return m;
}

/* ---- Recorded sessions ---- */

std::string golden_file(const std::string &name)
{
	return support::source_file("test/unit/golden/" + name);
}

std::string from_hex(const std::string &hex)
{
	std::string bytes;

	for (size_t i = 0; i + 1 < hex.size(); i += 2)
		bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
	return bytes;
}

/* What the dialer and the listener said. */
struct Session {
	std::string dialer, listener;

	explicit Session(const std::string &name)
	{
		std::ifstream file(golden_file(name));
		std::string line;

		while (std::getline(file, line))
			(line[0] == '>' ? dialer : listener) += from_hex(line.substr(2));
		if (dialer.empty() || listener.empty())
			throw std::runtime_error("nothing in " + name);
	}

	static std::vector<Message> messages(std::string bytes)
	{
		std::vector<Message> all;

		while (const std::optional<Message> m = take(&bytes))
			all.push_back(*m);
		EXPECT_EQ(bytes, "");
		return all;
	}
};

struct Cipher {
	struct dnode_rsa *rsa;
	struct dnode_cipher *cipher = nullptr;

	Cipher()
	{
		char why[200] = "";

		rsa = dnode_rsa_load(
			golden_file("dnode-sec-testkey.pem").c_str(), why, sizeof(why));
		if (!rsa)
			throw std::runtime_error(why);
	}
	~Cipher()
	{
		dnode_cipher_free(cipher);
		dnode_rsa_free(rsa);
	}
	Cipher(const Cipher &) = delete;
	Cipher &operator=(const Cipher &) = delete;

	void take_session(const Message &m)
	{
		uint8_t session[DNODE_SESSION_BYTES];

		if (!dnode_rsa_unwrap(rsa, reinterpret_cast<const uint8_t *>(m.data.data()),
			    m.data.size(), session))
			throw std::runtime_error("no session key in the first message");
		dnode_cipher_free(cipher);
		cipher = dnode_cipher_new(session);
	}
	std::string work(const std::string &bytes,
		bool (*f)(struct dnode_cipher *, const uint8_t *, size_t, struct buf *))
	{
		struct buf out = {};

		if (!f(cipher, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), &out))
			throw std::runtime_error("a payload is not validly encrypted");
		const std::string text(
			reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
		buf_fini(&out);
		return text;
	}
	std::string decrypt(const std::string &bytes)
	{
		return work(bytes, dnode_decrypt);
	}
	std::string encrypt(const std::string &bytes)
	{
		return work(bytes, dnode_encrypt);
	}
};

/* ---- The test dials our node ---- */

struct Recorded {
	const char *name, *file;
	bool encrypted, same_dc;
	int incr; /* what n was before */
};

std::ostream &operator<<(std::ostream &to, const Recorded &r)
{
	return to << r.name;
}

class Golden : public testing::TestWithParam<Recorded>
{
      protected:
	static void secure(Ring &ring)
	{
		if (GetParam().encrypted)
			ring.set("secure_server_option", "all")
				.set("pem_key_file", golden_file("dnode-sec-testkey.pem"));
	}
};

TEST_P(Golden, IsAnsweredByteByByteAsRecorded)
{
	const Session session(GetParam().file);
	One one;

	secure(one);
	one.start();
	/* In one piece, in pieces of every size, and each byte alone. */
	for (size_t piece :
		{session.dialer.size(), size_t(1), size_t(7), size_t(40), size_t(100)}) {
		Socket s(one->node().port());

		one->store().cmd("FLUSHALL");
		one->store().set("n", std::to_string(GetParam().incr));
		for (size_t at = 0; at < session.dialer.size(); at += piece)
			ASSERT_TRUE(s.send(session.dialer.substr(at, piece)));
		EXPECT_EQ(s.read(session.listener.size()), session.listener) << piece;
		EXPECT_EQ(one->store().get("b"), "2");
		EXPECT_FALSE(s.is_readable(milliseconds(5)));
	}
}

/* ---- Our node dials the test ---- */

class Listener
{
      public:
	Listener() : port_(Ring::port())
	{
		struct sockaddr_in sin = {};
		const int one = 1;

		fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		sin.sin_family = AF_INET;
		sin.sin_port = htons(port_);
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sin), sizeof(sin)) != 0 ||
			listen(fd_, 8) != 0)
			throw std::runtime_error("cannot listen");
	}
	~Listener()
	{
		close(fd_);
	}
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	uint16_t port() const
	{
		return port_;
	}
	Socket accept()
	{
		struct pollfd p = {fd_, POLLIN, 0};

		if (poll(&p, 1, 20000) != 1)
			throw std::runtime_error("nobody dials");
		return Socket::adopt(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
	}

      private:
	uint16_t port_;
	int fd_;
};

TEST_P(Golden, IsSaidByOurNodeAsRecorded)
{
	const Session session(GetParam().file);
	Listener listener;
	Cipher theirs, ours;
	One one;

	secure(one);
	one.set("recon_enabled", "false")
		.stranger({GetParam().same_dc ? "dc" : "other", "r2"}, listener.port())
		.start();
	Socket s = listener.accept();
	RedisClient c = one->client();
	uint64_t last_id = 0;

	for (const Message &recorded : Session::messages(session.dialer)) {
		Message expected = recorded;

		/* The client says what was recorded. */
		if (recorded.data.size() > 1)
			theirs.take_session(recorded);
		if (recorded.flags)
			expected.payload = theirs.decrypt(recorded.payload);
		Socket raw(one->client_port());
		ASSERT_TRUE(raw.send(expected.payload));
		ASSERT_FALSE(raw.line().empty());
		Message said = read_message(s);
		EXPECT_GT(said.id, last_id);
		last_id = said.id;
		const uint64_t id = said.id;
		if (said.data.size() > 1) {
			EXPECT_EQ(recorded.data.size(), said.data.size());
			ours.take_session(said);
			said.data = expected.data; /* random */
		}
		if (said.flags)
			said.payload = ours.decrypt(said.payload);
		said.id = expected.id;
		EXPECT_EQ(said.bytes(), expected.bytes());
		/* And is answered as a node would. */
		Message answer;
		answer.id = id;
		answer.type = DNODE_RESPONSE;
		answer.flags = said.flags;
		answer.same_dc = said.same_dc;
		answer.data = "d";
		answer.payload = said.flags ? ours.encrypt("+OK\r\n") : "+OK\r\n";
		ASSERT_TRUE(s.send(answer.bytes()));
	}
	EXPECT_TRUE(wait_until([&] { return one->peer_info(1, "replies") == "4"; }));
	EXPECT_EQ(one->missed(1), 0u);
	EXPECT_FALSE(s.is_readable(milliseconds(5)));
}

INSTANTIATE_TEST_SUITE_P(Sessions, Golden,
	testing::Values(Recorded{"Plain", "dnode-plain.hex", false, true, 0},
		Recorded{"Encrypted", "dnode-sec.hex", true, false, 0},
		Recorded{"OtherDatacenter", "dnode-xdc.hex", false, false, 1}),
	testing::PrintToStringParamName());

/* ---- What is not recorded ---- */

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

TEST_F(Link, SkipsWhatOthersAddToTheData)
{
	Socket s = dial();
	Message m = request(77, resp("SET", "k", "v"));

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
		said += request(i, resp("SET", "k" + std::to_string(i), "v")).bytes();
	said += request(kMessages, resp("SET", "large", large)).bytes();
	std::thread writer([&] { EXPECT_TRUE(s.send(said)); });
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
		ASSERT_TRUE(s.send(request(++id, payload).bytes()));
		const Message m = read_message(s);
		EXPECT_EQ(m.id, id);
		EXPECT_EQ(m.payload.substr(0, 15), "-ERR dynomite: ") << payload;
	}
	EXPECT_EQ(one_->store().dbsize(), 0);
}

TEST_F(Link, IsClosedOnWhatIsNoMessage)
{
	Message response = request(1, "+OK\r\n");
	Message encrypted = request(1, "0123456789abcdef");

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
	ASSERT_TRUE(s.send(request(5, resp("SET", "k", "v")).bytes()));
	EXPECT_EQ(read_message(s).payload, "+OK\r\n");
	EXPECT_TRUE(wait_until([&] { return one_->number("connected_nodes") == 1; }));
}

/* The test is the node of the same rack that has nearly all keys. */
TEST(Links, AnswersMayComeInAnyOrder)
{
	constexpr int kRequests = 50;
	Listener listener;
	One one;
	std::vector<Message> asked;
	std::string said, expected;

	one.set("recon_enabled", "false").stranger({"dc", "rack", "4294967295"}, listener.port());
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
		Message answer = request(asked[static_cast<size_t>(i)].id,
			":" + std::to_string(i) + "\r\n", DNODE_RESPONSE);

		ASSERT_TRUE(s.send(answer.bytes()));
		/* One that nobody waits for (any more) is passed over. */
		ASSERT_TRUE(s.send(answer.bytes()));
	}
	EXPECT_EQ(client.read(expected.size()), expected);
}

/* A request that a node passes over is given up; the link and the other requests go on. */
TEST(Links, ARequestThatIsPassedOverIsAnErrorAndNotKept)
{
	Listener listener;
	One one;

	one.set("recon_enabled", "false").set("timeout", "300");
	one.stranger({"dc", "rack", "4294967295"}, listener.port());
	one.start();
	Socket s = listener.accept();
	Socket client(one->client_port());
	ASSERT_TRUE(client.send(resp("SET", "passed over", "v")));
	read_message(s);
	const auto others = [&] {
		EXPECT_TRUE(client.send(resp("SET", "k", "v")));
		EXPECT_TRUE(s.send(request(read_message(s).id, "+OK\r\n", DNODE_RESPONSE).bytes()));
		return one->missed(1) == 1;
	};
	EXPECT_TRUE(wait_until(others));
	EXPECT_EQ(client.line(), "-ERR dynomite: no answer within 300 ms\r\n");
	EXPECT_EQ(client.line(), "+OK\r\n");
	EXPECT_EQ(one->peer_info(1, "queued"), "0");
	EXPECT_TRUE(one->peer_is_up(1));
}

} // namespace
} // namespace e2e
