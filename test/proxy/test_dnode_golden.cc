/*
 * The recorded sessions between Dynomite nodes, replayed in both roles: by the test that dials our
 * node, and by our node that dials the test.
 */
#include "proto/dnode_crypto.h"
#include "proxy/ring.h"
#include "support/message.h"
#include "support/socket.h"
#include "support/tempdir.h"
#include "support/wait.h"

#include <fstream>
#include <gtest/gtest.h>
#include <stdexcept>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using namespace support;

/* ---- Recorded sessions ---- */

std::string golden_file(const std::string &name)
{
	return source_file("test/unit/golden/" + name);
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

} // namespace
} // namespace e2e
