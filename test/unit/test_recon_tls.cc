#include "entropy/dynentropy.h"
#include "recon/tls.h"
#include "support/owned.h"
#include "support/status.h"
#include "support/text.h"

#include <cstring>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>
#include <vector>

namespace
{

using support::Error;
using support::succeeds;
using support::unhex;

using Material = support::Owned<dyn_entropy_material, dyn_entropy_material_free>;
using Tls = support::Owned<recon_tls, recon_tls_free>;
using Ssl = support::Owned<SSL, SSL_free>;
using Context = support::Owned<SSL_CTX, SSL_CTX_free>;

const char *const kA = "dc1:rack1:0";
const char *const kB = "dc1:rack2:0";
const char *const kC = "dc2:rack1:0";
const std::string kKey = "0123456789012345";
const std::string kIdentity = /* A dials B */
	unhex("64796e6f6d6974652d7265636f6e2d32 0b6463313a7261636b313a30 0b6463313a7261636b323a30");

/* The functions of the callbacks, and what they were asked for. */
struct Keys {
	Material material;
	std::string info;
	bool fails = false;

	explicit Keys(const std::string &key = kKey)
	{
		const auto *bytes = reinterpret_cast<const uint8_t *>(key.data());
		dyn_entropy_material *m = nullptr;
		Error err;

		EXPECT_TRUE(succeeds(dyn_entropy_material_new(bytes, bytes, &m, err), err));
		material.reset(m);
	}
	static bool derive(
		void *arg, const uint8_t *info, size_t len, uint8_t key[RECON_TLS_KEY_LEN])
	{
		auto *k = static_cast<Keys *>(arg);

		k->info.assign(reinterpret_cast<const char *>(info), len);
		return !k->fails && dyn_entropy_material_derive(k->material.get(), info, len, key,
					    RECON_TLS_KEY_LEN, nullptr) == DYN_ENTROPY_OK;
	}
	Tls tls(const std::string &self)
	{
		return Tls(recon_tls_new(self.c_str(), derive, this));
	}
};

/* A side of a handshake over memory: what comes goes in, what it says comes out. */
struct Side {
	Ssl ssl;
	bool done = false;
	recon_tls_refusal refusal = RECON_TLS_NOT_REFUSED;

	explicit Side(SSL *s) : ssl(s)
	{
		if (s)
			SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	}
	/* Returns what it says to that. */
	std::string hear(const std::string &bytes)
	{
		if (!bytes.empty())
			BIO_write(SSL_get_rbio(ssl.get()), bytes.data(), int(bytes.size()));
		if (!done && !refusal)
			shake();
		return said();
	}
	bool proved() const
	{
		return recon_tls_is_proved(ssl.get());
	}
	std::string peer() const
	{
		return recon_tls_peer(ssl.get());
	}

      private:
	void shake()
	{
		const int result = SSL_do_handshake(ssl.get());

		done = result == 1;
		if (!done && SSL_get_error(ssl.get(), result) != SSL_ERROR_WANT_READ)
			refusal = recon_tls_explain(ssl.get(), ERR_peek_error());
		ERR_clear_error();
	}
	std::string said()
	{
		char *bytes = nullptr;
		const long len = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &bytes);
		const std::string s(bytes, size_t(len));

		(void)BIO_reset(SSL_get_wbio(ssl.get()));
		return s;
	}
};

/* Until neither has anything to say; returns what the dialer said, by flight. */
std::vector<std::string> shake(Side &dialer, Side &listener)
{
	std::vector<std::string> flights;
	std::string answer;

	for (int turn = 0; turn < 10; turn++) {
		flights.push_back(dialer.hear(answer));
		answer = listener.hear(flights.back());
		if (flights.back().empty() && answer.empty())
			break;
	}
	return flights;
}

/* How the handshake of A, with its key, that dials `dialed` ends where B listens. */
struct Outcome {
	bool proved;
	recon_tls_refusal dialer, listener;
};

bool operator==(const Outcome &a, const Outcome &b)
{
	return a.proved == b.proved && a.dialer == b.dialer && a.listener == b.listener;
}

std::ostream &operator<<(std::ostream &to, const Outcome &o)
{
	return to << (o.proved ? "proved" : "refused")
		  << ", dialer: " << recon_tls_refusal_text(o.dialer)
		  << ", listener: " << recon_tls_refusal_text(o.listener);
}

Outcome meet(Side &dialer, Side &listener)
{
	shake(dialer, listener);
	EXPECT_EQ(dialer.proved(), listener.proved());
	return {dialer.proved(), dialer.refusal, listener.refusal};
}

TEST(ReconTls, DerivesTheKeysOfRfc5869)
{
	Keys keys;
	uint8_t key[42];
	const struct {
		std::string info, key; /* computed by HMAC-SHA256, another way */
	} cases[] = {
		{"", "e07af5e0df86fd539aa72eefce93afa8132a7d7503a108ff18e8f6f7e0a26f3c"
		     "d0651fc9c991f15bb553"},
		{"info", "a6ec547b0334bf867de5f5859ac942def9e2355f8e669f08eb22e88395ffecfc"},
		{kIdentity, "c498205fd50c9ab56c51bb98ff52484628aed447781f46a14d2c35e0a7d8aaf9"},
		{unhex("64796e6f6d6974652d7265636f6e2d32 0b6463313a7261636b323a30"
		       "0b6463313a7261636b313a30"),
			"4c791408d817df9fee2f2cfe4b1eeeea991ed18d13780e0dd8ba648130f8cd41"},
	};

	for (const auto &c : cases) {
		const std::string want = unhex(c.key);
		Error err;

		ASSERT_LE(want.size(), sizeof(key));
		ASSERT_TRUE(succeeds(dyn_entropy_material_derive(keys.material.get(), c.info.data(),
					     c.info.size(), key, want.size(), err),
			err));
		EXPECT_EQ(std::string(reinterpret_cast<char *>(key), want.size()), want);
	}
}

TEST(ReconTls, DerivesNoKeyThatIsTooLong)
{
	Keys keys;
	std::string key(255 * 32 + 1, '\0');
	Error err;

	EXPECT_TRUE(support::fails(dyn_entropy_material_derive(keys.material.get(), "", 0,
					   reinterpret_cast<uint8_t *>(&key[0]), key.size(), err),
		err, DYN_ENTROPY_ERR_CRYPTO));
}

TEST(ReconTls, ProvesBothNamesWithTheSameKey)
{
	Keys a_keys, b_keys;
	const Tls a = a_keys.tls(kA), b = b_keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(recon_tls_listener(b.get()));

	EXPECT_EQ(listener.peer(), "");
	EXPECT_FALSE(dialer.proved());
	EXPECT_EQ(meet(dialer, listener), (Outcome{true, {}, {}}));
	EXPECT_EQ(dialer.peer(), kB);
	EXPECT_EQ(listener.peer(), kA);
	EXPECT_EQ(a_keys.info, kIdentity) << "on the wire and in the key";
	EXPECT_EQ(b_keys.info, kIdentity);
	EXPECT_STREQ(SSL_get_version(dialer.ssl.get()), "TLSv1.3");
	EXPECT_STREQ(SSL_get_cipher(dialer.ssl.get()), "TLS_AES_128_GCM_SHA256");
	EXPECT_EQ(SSL_get_negotiated_group(dialer.ssl.get()), NID_X25519)
		<< "what is recorded stays secret when the key file gets known";
}

TEST(ReconTls, CarriesBytesBothWays)
{
	Keys keys;
	const Tls a = keys.tls(kA), b = keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(recon_tls_listener(b.get()));
	char got[16];

	ASSERT_TRUE(meet(dialer, listener).proved);
	ASSERT_EQ(SSL_write(dialer.ssl.get(), "ping", 4), 4);
	listener.hear(dialer.hear(""));
	ASSERT_EQ(SSL_read(listener.ssl.get(), got, sizeof(got)), 4);
	EXPECT_EQ(memcmp(got, "ping", 4), 0);
	ASSERT_EQ(SSL_write(listener.ssl.get(), "pong", 4), 4);
	dialer.hear(listener.hear(""));
	ASSERT_EQ(SSL_read(dialer.ssl.get(), got, sizeof(got)), 4);
	EXPECT_EQ(memcmp(got, "pong", 4), 0);
}

TEST(ReconTls, RefusesAnotherKey)
{
	Keys a_keys, b_keys("5432109876543210");
	const Tls a = a_keys.tls(kA), b = b_keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(recon_tls_listener(b.get()));

	EXPECT_EQ(meet(dialer, listener),
		(Outcome{false, RECON_TLS_KEY_REFUSED, RECON_TLS_OTHER_KEY}));
	EXPECT_EQ(listener.peer(), "");
}

/* The keys of A to B and of B to A differ: what A sends to B means nothing to A. */
TEST(ReconTls, RefusesAPairThatIsSwapped)
{
	Keys keys;
	const Tls a = keys.tls(kA), b = keys.tls(kB), c = keys.tls(kC);
	Side to_b(recon_tls_dialer(a.get(), kB)), at_c(recon_tls_listener(c.get()));
	Side reflected(recon_tls_dialer(a.get(), kB)), at_a(recon_tls_listener(a.get()));

	EXPECT_EQ(meet(to_b, at_c), (Outcome{false, RECON_TLS_NAME_REFUSED, RECON_TLS_OTHER_NAME}));
	EXPECT_EQ(meet(reflected, at_a),
		(Outcome{false, RECON_TLS_NAME_REFUSED, RECON_TLS_OTHER_NAME}));

	/* A dialer that has the key of the pair the other way round. */
	struct Swapped : Keys {
		static bool derive(void *arg, const uint8_t *, size_t, uint8_t *key)
		{
			const std::string info = kIdentity.substr(0, 16) + kIdentity.substr(28) +
						 kIdentity.substr(16, 12);

			return Keys::derive(arg, reinterpret_cast<const uint8_t *>(info.data()),
				info.size(), key);
		}
	} swapped;
	const Tls bent(recon_tls_new(kA, Swapped::derive, &swapped));
	Side dialer(recon_tls_dialer(bent.get(), kB)), listener(recon_tls_listener(b.get()));

	EXPECT_EQ(meet(dialer, listener),
		(Outcome{false, RECON_TLS_KEY_REFUSED, RECON_TLS_OTHER_KEY}));
}

/* Sends an identity of the test's choice. */
struct Identity {
	std::string bytes;

	static int use(SSL *ssl, const EVP_MD *, const unsigned char **id, size_t *len,
		SSL_SESSION **session)
	{
		static const unsigned char suite[] = {0x13, 0x01}, key[32] = {};
		const auto *i = static_cast<Identity *>(SSL_get_app_data(ssl));

		*session = SSL_SESSION_new();
		SSL_SESSION_set1_master_key(*session, key, sizeof(key));
		SSL_SESSION_set_cipher(*session, SSL_CIPHER_find(ssl, suite));
		SSL_SESSION_set_protocol_version(*session, TLS1_3_VERSION);
		*id = reinterpret_cast<const unsigned char *>(i->bytes.data());
		*len = i->bytes.size();
		return 1;
	}
};

recon_tls_refusal refusal_of(const std::string &identity)
{
	Keys keys;
	Identity i{identity};
	const Tls b = keys.tls(kB);
	const Context context(SSL_CTX_new(TLS_client_method()));

	SSL_CTX_set_psk_use_session_callback(context.get(), Identity::use);
	Side dialer(SSL_new(context.get())), listener(recon_tls_listener(b.get()));
	SSL_set_app_data(dialer.ssl.get(), &i);
	SSL_set_connect_state(dialer.ssl.get());
	dialer.done = true; /* it is not one of ours: its errors are not explained */
	for (int turn = 0; turn < 4; turn++) {
		SSL_do_handshake(dialer.ssl.get());
		ERR_clear_error();
		dialer.hear(listener.hear(dialer.hear("")));
	}
	EXPECT_FALSE(listener.proved());
	EXPECT_FALSE(listener.done);
	return listener.refusal;
}

TEST(ReconTls, RefusesIdentitiesThatAreNotWhole)
{
	const std::string label = kIdentity.substr(0, 16);
	const auto name = [](const std::string &s) { return std::string(1, char(s.size())) + s; };
	const std::string longest(RECON_TLS_NAME_MAX, 'n');

	EXPECT_EQ(refusal_of(kIdentity), RECON_TLS_OTHER_KEY) << "all zeros: it is read at least";
	EXPECT_EQ(refusal_of(label + name(longest) + name(kB)), RECON_TLS_OTHER_KEY);
	EXPECT_EQ(refusal_of(label + name(kB) + name(kB)), RECON_TLS_OTHER_NAME) << "itself";
	EXPECT_EQ(refusal_of(label + name(kA) + name(kC)), RECON_TLS_OTHER_NAME);
	for (size_t len = 1; len < kIdentity.size(); len++)
		EXPECT_EQ(refusal_of(kIdentity.substr(0, len)), RECON_TLS_NO_IDENTITY) << len;
	for (const std::string &bent : {
		     kIdentity + "x",
		     "D" + kIdentity.substr(1),
		     label + name("") + name(kB),
		     label + name(longest + "n") + name(kB),
		     label + name(std::string("a\nb")) + name(kB),
		     label + name(std::string("a\0b", 3)) + name(kB),
		     label + "\xff" + kA + name(kB),
		     label + std::string(3000, 'x'),
	     })
		EXPECT_EQ(refusal_of(bent), RECON_TLS_NO_IDENTITY) << testing::PrintToString(bent);
}

/* What A said to B once, said again to B by someone who has no key. */
TEST(ReconTls, GivesNothingToARecordedDialer)
{
	Keys keys;
	const Tls a = keys.tls(kA), b = keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(recon_tls_listener(b.get()));
	Side again(recon_tls_listener(b.get()));
	const std::vector<std::string> flights = shake(dialer, listener);

	ASSERT_TRUE(listener.proved());
	ASSERT_GE(flights.size(), 2u);
	EXPECT_GT(again.hear(flights[0]).size(), 0u) << "it is a good ClientHello";
	EXPECT_FALSE(again.proved());
	EXPECT_EQ(again.peer(), "");
	again.hear(flights[1]);
	EXPECT_FALSE(again.proved());
	EXPECT_EQ(again.refusal, RECON_TLS_BROKEN);
}

TEST(ReconTls, RefusesADialerWithoutAKey)
{
	Keys keys;
	const Tls b = keys.tls(kB);
	const Context context(SSL_CTX_new(TLS_client_method()));
	const struct {
		int version;
		recon_tls_refusal refusal;
	} cases[] = {
		{TLS1_3_VERSION, RECON_TLS_NO_IDENTITY}, {TLS1_2_VERSION, RECON_TLS_OLD_VERSION}};

	for (const auto &c : cases) {
		Ssl ssl(SSL_new(context.get()));

		SSL_set_connect_state(ssl.get());
		ASSERT_TRUE(SSL_set_max_proto_version(ssl.get(), c.version));
		Side dialer(ssl.release()), listener(recon_tls_listener(b.get()));
		SSL_do_handshake(dialer.ssl.get());
		ERR_clear_error();
		dialer.done = true;
		listener.hear(dialer.hear(""));
		EXPECT_EQ(listener.refusal, c.refusal) << c.version;
		EXPECT_FALSE(listener.proved());
	}
}

/* A listener that would prove itself by a certificate proves nothing to a dialer of ours. */
TEST(ReconTls, TakesNoCertificateForAKey)
{
	const support::Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
	const support::Owned<X509, X509_free> cert(X509_new());
	const Context context(SSL_CTX_new(TLS_server_method()));
	Keys keys;
	const Tls a = keys.tls(kA);
	X509_NAME *name = X509_get_subject_name(cert.get());

	X509_set_version(cert.get(), X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(cert.get()), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char *>("b"), -1, -1, 0);
	X509_set_issuer_name(cert.get(), name);
	X509_set_pubkey(cert.get(), key.get());
	ASSERT_GT(X509_sign(cert.get(), key.get(), EVP_sha256()), 0);
	ASSERT_EQ(SSL_CTX_use_certificate(context.get(), cert.get()), 1);
	ASSERT_EQ(SSL_CTX_use_PrivateKey(context.get(), key.get()), 1);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(SSL_new(context.get()));
	SSL_set_accept_state(listener.ssl.get());
	listener.done = true;
	for (int turn = 0; turn < 4; turn++) {
		const std::string said = dialer.hear(listener.hear(""));

		BIO_write(SSL_get_rbio(listener.ssl.get()), said.data(), int(said.size()));
		SSL_do_handshake(listener.ssl.get());
		ERR_clear_error();
	}
	EXPECT_FALSE(dialer.done);
	EXPECT_FALSE(dialer.proved());
	EXPECT_NE(dialer.refusal, RECON_TLS_NOT_REFUSED);
}

TEST(ReconTls, SaysWhatIsNotTls)
{
	Keys keys;
	const Tls a = keys.tls(kA), b = keys.tls(kB);
	const std::string nothing(64, '\0');

	for (const std::string &said : {std::string("GET / HTTP/1.0\r\n\r\n"), nothing,
		     unhex("64640001 00000001 00000008 00000010 00000020") + nothing,
		     std::string("\x16") + "garbage that goes on and on and on"}) {
		Side listener(recon_tls_listener(b.get())), dialer(recon_tls_dialer(a.get(), kB));

		listener.hear(said);
		EXPECT_EQ(listener.refusal, RECON_TLS_NOT_TLS) << said;
		dialer.hear("");
		dialer.hear(said);
		EXPECT_EQ(dialer.refusal, RECON_TLS_NOT_TLS) << said;
	}
}

/* Each byte of what the dialer says first, bent. */
TEST(ReconTls, ProvesNothingWhenAByteIsBent)
{
	Keys keys;
	const Tls a = keys.tls(kA), b = keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB));
	const std::string hello = dialer.hear("");

	for (size_t at = 0; at < hello.size(); at++) {
		Side listener(recon_tls_listener(b.get()));
		std::string bent = hello;

		bent[at] = char(bent[at] ^ 0x01);
		listener.hear(bent);
		EXPECT_FALSE(listener.proved()) << at;
		EXPECT_EQ(listener.peer(), "") << at;
	}
}

TEST(ReconTls, ExplainsAConnectionThatEnds)
{
	Keys keys;
	const Tls a = keys.tls(kA);
	Side dialer(recon_tls_dialer(a.get(), kB));

	BIO_set_mem_eof_return(SSL_get_rbio(dialer.ssl.get()), 0);
	dialer.hear("");
	EXPECT_EQ(dialer.refusal, RECON_TLS_CUT);
	EXPECT_EQ(recon_tls_explain(dialer.ssl.get(), 0), RECON_TLS_CUT);
}

TEST(ReconTls, FailsWhereNoKeyCanBeDerived)
{
	Keys a_keys, b_keys;
	const Tls a = a_keys.tls(kA), b = b_keys.tls(kB);
	Side dialer(recon_tls_dialer(a.get(), kB)), listener(recon_tls_listener(b.get()));

	b_keys.fails = true;
	EXPECT_EQ(meet(dialer, listener), (Outcome{false, RECON_TLS_BROKEN, RECON_TLS_BROKEN}));
	a_keys.fails = true;
	Side other(recon_tls_dialer(a.get(), kB));
	EXPECT_EQ(other.hear("").substr(0, 1), "\x15") << "an alert, no ClientHello";
	EXPECT_EQ(other.refusal, RECON_TLS_BROKEN);
}

TEST(ReconTls, TakesOnlyNamesThatFit)
{
	Keys keys;
	const std::string longest(RECON_TLS_NAME_MAX, 'n');
	const Tls a = keys.tls(kA);

	EXPECT_TRUE(keys.tls(longest));
	EXPECT_FALSE(keys.tls(longest + "n"));
	EXPECT_FALSE(keys.tls(""));
	EXPECT_FALSE(keys.tls("a\tb"));
	EXPECT_TRUE(Ssl(recon_tls_dialer(a.get(), longest.c_str())));
	EXPECT_FALSE(Ssl(recon_tls_dialer(a.get(), (longest + "n").c_str())));
	EXPECT_FALSE(Ssl(recon_tls_dialer(a.get(), "")));
	EXPECT_FALSE(Ssl(recon_tls_dialer(a.get(), kA))) << "itself";
	recon_tls_free(nullptr);
}

TEST(ReconTls, NamesEachRefusal)
{
	for (int i = 0; i < RECON_TLS_N_REFUSALS; i++)
		EXPECT_GT(strlen(recon_tls_refusal_text(static_cast<recon_tls_refusal>(i))), 5u);
}

} // namespace
