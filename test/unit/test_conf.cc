/*
 * dynomite.yml: what loads, each key of the table, and keys against each other.
 */
#include "entropy/dynentropy.h"
#include "support/tempdir.h"
#include "unit/conf_loading.h"

#include <gtest/gtest.h>
#include <set>

using namespace conf_loading;

namespace
{

/* ---- What loads ---------------------------------------------------------------------------- */

TEST(Conf, AFileOfDynomiteLoads)
{
	Loaded l = load_text(kDynomiteFile);

	ASSERT_EQ(l.errors, Lines());
	const conf &c = *l.conf;
	EXPECT_STREQ(c.path, "t.yml");
	EXPECT_STREQ(c.root, "dyn_o_mite");
	EXPECT_STREQ(c.datacenter, "us-east-1");
	EXPECT_STREQ(c.rack, "rack1");
	EXPECT_STREQ(c.listen, "127.0.0.1:8102");
	EXPECT_STREQ(c.dyn_listen, "127.0.0.1:8101");
	EXPECT_STREQ(c.stats_listen, "0.0.0.0:22222");
	EXPECT_STREQ(c.tokens, "101134286");
	EXPECT_EQ(c.secure_server_option, CONF_SECURE_DATACENTER);
	EXPECT_EQ(c.read_consistency, CONSISTENCY_DC_QUORUM);
	EXPECT_EQ(c.write_consistency, CONSISTENCY_DC_ONE);
	EXPECT_EQ(c.mbuf_size, 32768);
	EXPECT_EQ(c.max_msgs, 300000);
	EXPECT_EQ(c.timeout, 5000) << "0 stands for the default";
	ASSERT_EQ(c.n_servers, 1u);
	EXPECT_STREQ(c.servers[0].address, "127.0.0.1:22122");
	EXPECT_EQ(c.servers[0].weight, 1u);
	ASSERT_EQ(c.n_seeds, 2u);
	EXPECT_STREQ(c.seeds[1].addr.host, "node3.example");
	EXPECT_EQ(c.seeds[1].addr.port, 8101);
	EXPECT_STREQ(c.seeds[1].rack, "rack3");
	EXPECT_STREQ(c.seeds[1].datacenter, "eu-west-1");
	EXPECT_STREQ(c.seeds[1].tokens, "101134286,2147483647");
	EXPECT_FALSE(c.recon_enabled);
	EXPECT_STREQ(c.recon_listen, "127.0.0.1:8105");
	EXPECT_EQ(lines_of(c.recon_peers), Lines({"127.0.0.2:8105", "node3.example:8105"}));
}

TEST(Conf, OneWarningNamesAllThatNothingUses)
{
	Loaded l = load_text(kDynomiteFile);

	EXPECT_EQ(
		l.warnings, Lines({"t.yml: accepted, but nothing uses these keys yet: mbuf_size"}));
	EXPECT_EQ(load_keys("  recon_timeout: 1000\n  dyn_listen: a:1\n").warnings, Lines());
}

TEST(Conf, WhatThisEngineLacksIsAcceptedWithTheWarning)
{
	Loaded l = load_keys("  gos_interval: 1\n  env: network\n  read_repairs_enabled: true\n");

	ASSERT_EQ(l.errors, Lines());
	EXPECT_EQ(l.warnings, Lines({"t.yml: accepted, but nothing uses these keys yet: "
				     "env, gos_interval, read_repairs_enabled"}));
	EXPECT_STREQ(l.conf->env, "network");
	EXPECT_EQ(l.conf->gos_interval, 1);
	EXPECT_TRUE(l.conf->read_repairs_enabled);
}

TEST(Conf, Defaults)
{
	Loaded l = load_text("any_name: {}\n");

	ASSERT_EQ(l.errors, Lines());
	EXPECT_EQ(l.warnings, Lines());
	const conf &c = *l.conf;
	EXPECT_FALSE(c.recon_enabled);
	EXPECT_TRUE(c.recon_encrypt);
	EXPECT_EQ(c.recon_interval_seconds, 300);
	EXPECT_EQ(c.recon_source, CONF_SOURCE_SCAN);
	EXPECT_EQ(c.recon_buffer_size, 16384);
	EXPECT_EQ(c.recon_header_size, 1024);
	EXPECT_EQ(c.recon_segment_bytes, 16 * 1024 * 1024);
	EXPECT_EQ(c.recon_max_rate, 10000000);
	EXPECT_EQ(c.recon_max_snapshot_bytes, 0xFFFFFFFE);
	EXPECT_EQ(c.recon_max_connections, 8);
	EXPECT_EQ(c.recon_timeout, 30000);
	EXPECT_EQ(c.recon_allow, CONF_ALLOW_PEERS);
	EXPECT_EQ(c.recon_accept, CONF_ACCEPT_RESTORE);
	EXPECT_EQ(c.recon_protocol, CONF_PROTOCOL_AUTO);
	for (const char *none : {c.recon_key_file, c.recon_iv_file, c.recon_listen,
		     c.recon_send_bind, c.recon_spool_dir, c.recon_state_dir, c.listen,
		     c.dyn_listen, c.tokens, c.requirepass, c.hash_tag})
		EXPECT_EQ(none, nullptr);
	EXPECT_EQ(c.recon_peers.n + c.n_servers + c.n_seeds, 0u);
	EXPECT_EQ(c.hash, CONF_HASH_MURMUR);
	EXPECT_STREQ(c.stats_listen, "127.0.0.1:22222") << "not for other machines";
	EXPECT_EQ(c.stats_admin, CONF_ADMIN_LOOPBACK);
	EXPECT_EQ(c.read_consistency, CONSISTENCY_DC_ONE);
	EXPECT_EQ(c.mbuf_size, 16384);
	EXPECT_EQ(c.gos_interval, 30000);
	EXPECT_TRUE(c.preconnect);
}

TEST(Conf, ServersAreAddressesOrSockets)
{
	struct {
		const char *text, *address;
		unsigned weight;
		const char *name;
	} const cases[] = {
		{"127.0.0.1:6379:1", "127.0.0.1:6379", 1, ""},
		{"redis.example:6379:7 first", "redis.example:6379", 7, "first"},
		{"'[::1]:6379:1'", "[::1]:6379", 1, ""},
		{"'::1:6379:1'", "[::1]:6379", 1, ""},
		{"/run/redis.sock", "/run/redis.sock", 1, ""},
		{"/run/redis.sock:3", "/run/redis.sock", 3, ""},
		{"/run/redis.sock:3 here", "/run/redis.sock", 3, "here"},
	};

	for (const auto &t : cases) {
		Loaded l = load_keys(std::string("  servers:\n  - ") + t.text + "\n");

		ASSERT_EQ(l.errors, Lines()) << t.text;
		ASSERT_EQ(l.conf->n_servers, 1u) << t.text;
		EXPECT_STREQ(l.conf->servers[0].address, t.address);
		EXPECT_EQ(l.conf->servers[0].weight, t.weight);
		EXPECT_STREQ(l.conf->servers[0].name ? l.conf->servers[0].name : "", t.name);
	}
	EXPECT_EQ(load_keys("  servers: 127.0.0.1:6379:1\n").errors, Lines())
		<< "one value is a list of one";
	for (const char *bad : {"127.0.0.1:6379", "127.0.0.1:0:1", "127.0.0.1:65536:1", "a:b:1",
		     ":6379:1", "127.0.0.1:6379:x", "127.0.0.1:6379:-1", "6379", "/run/r.sock:x"})
		EXPECT_NE(error_of(std::string("  servers:\n  - '") + bad + "'\n")
				  .find("; allowed: one entry"),
			std::string::npos)
			<< bad;
}

TEST(Conf, SeedsHaveFiveParts)
{
	Loaded l = load_keys("  dyn_seeds: ['[::1]:1:r:d:0', '::2:8101:r:d:4294967295,7 name']\n");

	ASSERT_EQ(l.errors, Lines());
	ASSERT_EQ(l.conf->n_seeds, 2u);
	EXPECT_STREQ(l.conf->seeds[0].addr.host, "::1");
	EXPECT_STREQ(l.conf->seeds[1].addr.host, "::2");
	EXPECT_EQ(l.conf->seeds[1].addr.port, 8101);
	EXPECT_STREQ(l.conf->seeds[1].tokens, "4294967295,7");
	for (const char *bad : {"a:1:r:0", "a:1:r:d:", "a:1:r:d:x", "a:1:r:d:1,",
		     "a:1:r:d:4294967296", "a:1::d:1", "a:1:r::1", "a:0:r:d:1", "a:70000:r:d:1",
		     ":1:r:d:1", "a:1:r:d:-1", "a:1:r:d:18446744073709551617"})
		EXPECT_NE(error_of(std::string("  dyn_seeds:\n  - '") + bad + "'\n")
				  .find("t.yml:3: dyn_seeds: \""),
			std::string::npos)
			<< bad;
}

TEST(Conf, TokensAreOneTextOrAList)
{
	EXPECT_STREQ(load_keys("  tokens: '1,4294967295'\n").conf->tokens, "1,4294967295");
	EXPECT_STREQ(load_keys("  tokens:\n  - 1\n  - 2,3\n").conf->tokens, "1,2,3");
	EXPECT_EQ(error_of("  tokens: 4294967296\n"),
		"t.yml:2: tokens: \"4294967296\" is not a list of tokens; allowed: decimals of "
		"0..4294967295, separated by commas");
	EXPECT_NE(
		error_of("  tokens: '1,,2'\n").find("is not a list of tokens"), std::string::npos);
}

TEST(Conf, AnAddressToSendFromHasNoPort)
{
	const std::string allowed = "; allowed: host, without a port: several connections share it";

	EXPECT_STREQ(
		load_keys("  recon_send_bind: 10.0.0.1\n").conf->recon_send_bind, "10.0.0.1:0");
	EXPECT_STREQ(
		load_keys("  recon_send_bind: 10.0.0.1:0\n").conf->recon_send_bind, "10.0.0.1:0");
	EXPECT_STREQ(load_keys("  recon_send_bind: '[::1]'\n").conf->recon_send_bind, "[::1]:0");
	for (const char *port : {"10.0.0.1:77", "[::1]:5"})
		EXPECT_EQ(error_of(std::string("  recon_send_bind: '") + port + "'\n"),
			std::string("t.yml:2: recon_send_bind: \"") + port + "\" has a port" +
				allowed);
	EXPECT_EQ(error_of("  recon_send_bind: 10.0.0.1:x\n"),
		"t.yml:2: recon_send_bind: \"10.0.0.1:x\" is not a host" + allowed);
}

TEST(Conf, AnyListenAddressMayBeASocketOrNot)
{
	EXPECT_STREQ(load_keys("  listen: /run/dyn.sock\n  servers: [a:1:1]\n").conf->listen,
		"/run/dyn.sock");
	EXPECT_NE(error_of("  listen: /" + std::string(108, 'x') + "\n").find("too long"),
		std::string::npos);
	EXPECT_NE(error_of("  dyn_listen: /run/dyn.sock\n").find("is not host:port"),
		std::string::npos);
	EXPECT_NE(error_of("  listen: 127.0.0.1:0\n").find("has port 0"), std::string::npos);
	EXPECT_STREQ(load_keys("  recon_listen: 127.0.0.1:0\n").conf->recon_listen, "127.0.0.1:0");
}

TEST(Conf, ByteOrderMarkAndCarriageReturnsAreFine)
{
	Loaded l =
		load_text("\xef\xbb\xbf%YAML 1.1\r\n---\r\nr:\r\n  rack: caf\xc3\xa9\r\n...\r\n");

	ASSERT_EQ(l.errors, Lines());
	EXPECT_STREQ(l.conf->rack, "caf\xc3\xa9");
}

/* ---- Each key of the table ------------------------------------------------------------------ */

TEST(Conf, EveryNumberKeepsToItsBounds)
{
	size_t numbers = 0;

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		if (!is_number(k))
			continue;
		numbers++;
		const auto with = [&k](const std::string &value) { /* nobody is served by it */
			return load_keys("  recon_encrypt: false\n  " + std::string(k.name) + ": " +
					 value + "\n");
		};
		const auto refused = [&](const std::string &value, const std::string &why) {
			EXPECT_EQ(with(value).errors,
				Lines({std::string("t.yml:3: ") + k.name + ": \"" + value + "\" " +
					why + "; allowed: " + allowed(k)}));
		};
		for (int64_t good : {k.min, k.max}) {
			Loaded l = with(std::to_string(good));
			ASSERT_EQ(l.errors, Lines()) << k.name;
			EXPECT_EQ(number_in(l.conf.get(), k), good) << k.name;
		}
		refused(std::to_string(k.max + 1), "is out of range");
		refused("99999999999999999999999", "is out of range");
		if (k.flags & CONF_ZERO_DEFAULT) {
			Loaded l = with("0");
			ASSERT_EQ(l.errors, Lines()) << k.name;
			EXPECT_EQ(number_in(l.conf.get(), k), number_in(with("0").conf.get(), k));
			EXPECT_EQ(number_in(l.conf.get(), k), k.def_number) << k.name;
		} else if (k.flags & CONF_OR_UNLIMITED) {
			ASSERT_EQ(with("0").errors, Lines()) << k.name;
			EXPECT_EQ(number_in(with("0").conf.get(), k), 0) << k.name;
			refused("1", "is out of range");
			refused(std::to_string(k.min - 1), "is out of range");
		} else if (k.min > 0) {
			refused(std::to_string(k.min - 1), "is out of range");
		}
		const char *kind = k.type == CONF_TYPE_SIZE
					   ? "is not a size, such as 16384 or 16 KiB"
					   : "is not a number";
		for (const char *bad : {"-1", "+1", "0x10", "1.5", "ten", "1 000", "true"})
			refused(bad, kind);
	}
	EXPECT_GE(numbers, 20u);
}

TEST(Conf, SizesHaveUnits)
{
	EXPECT_EQ(load_keys("  recon_segment_bytes: 64 KiB\n").conf->recon_segment_bytes, 65536);
	EXPECT_EQ(load_keys("  recon_segment_bytes: 64KiB\n").conf->recon_segment_bytes, 65536);
	EXPECT_EQ(load_keys("  recon_segment_bytes: 3 MiB\n").conf->recon_segment_bytes, 3145728);
	EXPECT_EQ(load_keys("  recon_max_rate: 2 GiB\n").conf->recon_max_rate, INT64_C(2147483648));
	for (const char *bad :
		{"64 KB", "64 kib", "64  KiB", "KiB", "1.5 MiB", "64 KiB/s", "'64 '"})
		EXPECT_NE(error_of(std::string("  recon_segment_bytes: ") + bad + "\n")
				  .find("is not a size"),
			std::string::npos)
			<< bad;
	EXPECT_NE(error_of("  recon_max_rate: 18014398509481984 KiB\n").find("is out of range"),
		std::string::npos)
		<< "must not wrap around";
	EXPECT_NE(error_of("  recon_max_snapshot_bytes: 4 GiB\n")
			  .find("allowed: 1..4294967294 bytes"),
		std::string::npos);
}

TEST(Conf, EveryChoiceTakesItsWordsAlone)
{
	size_t choices = 0;

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		if (k.type != CONF_TYPE_CHOICE)
			continue;
		choices++;
		ASSERT_GE(k.n_words, 2u) << k.name;
		for (size_t w = 0; w < k.n_words; w++) {
			ASSERT_NE(k.words[w], nullptr) << k.name << " has no word " << w;
			Loaded l = load_keys(std::string("  ") + k.name + ": " + k.words[w] + "\n");
			ASSERT_EQ(l.errors, Lines()) << k.name;
			EXPECT_EQ(number_in(l.conf.get(), k), int64_t(w)) << k.name;
			EXPECT_STREQ(conf_key_word(conf_key_id(i), unsigned(w)), k.words[w]);
			EXPECT_NE(printed(l.conf.get())
					  .find(std::string("\n") + k.name + ": " + k.words[w] +
						  "\n"),
				std::string::npos);
		}
		for (const char *bad : {"other", "scan sync", "murmu"})
			EXPECT_EQ(error_of(std::string("  ") + k.name + ": " + bad + "\n"),
				std::string("t.yml:2: ") + k.name + ": \"" + bad +
					"\" is not one of them; allowed: " + allowed(k));
	}
	EXPECT_GE(choices, 8u);
	EXPECT_NE(
		error_of("  recon_source: SCAN\n").find("allowed: scan, sync"), std::string::npos);
}

TEST(Conf, EveryBooleanIsTrueOrFalse)
{
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		if (k.type != CONF_TYPE_BOOL || std::string(k.name) == "recon_enabled")
			continue;
		for (bool value : {true, false}) {
			Loaded l = load_keys(std::string("  ") + k.name + ": " +
					     (value ? "true" : "false") + "\n");
			ASSERT_EQ(l.errors, Lines()) << k.name;
			EXPECT_EQ(*reinterpret_cast<bool *>(
					  reinterpret_cast<char *>(l.conf.get()) + k.offset),
				value)
				<< k.name;
		}
		for (const char *bad : {"yes", "1", "True", "on"})
			EXPECT_EQ(error_of(std::string("  ") + k.name + ": " + bad + "\n"),
				std::string("t.yml:2: ") + k.name + ": \"" + bad +
					"\" is not a boolean; allowed: " + allowed(k));
	}
}

TEST(Conf, EveryKeyIsRefusedWithoutAValueAndAsAMapping)
{
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		const std::string at = std::string("t.yml:2: ") + k.name + ": ";

		for (const char *null : {"", " ~", " null"})
			EXPECT_EQ(error_of(std::string("  ") + k.name + ":" + null + "\n"),
				at + "has no value: write one, or remove the key; allowed: " +
					allowed(k));
		EXPECT_EQ(error_of(std::string("  ") + k.name + ": {a: [b, c]}\n"),
			at + "has a mapping as its value; allowed: " + allowed(k));
		if (!conf_key_is_list(&k))
			EXPECT_EQ(error_of(std::string("  ") + k.name + ": [a, {b: c}]\n"),
				at + "has a list as its value; allowed: " + allowed(k));
		else
			EXPECT_EQ(error_of(std::string("  ") + k.name + ":\n  - [a]\n"),
				std::string("t.yml:3: ") + k.name +
					": an entry is itself a list or a mapping; allowed: " +
					allowed(k));
		EXPECT_EQ(
			error_of(std::string("  ") + k.name + ": \"\"\n").compare(0, at.size(), at),
			0)
			<< k.name << " took an empty text";
	}
}

TEST(Conf, TheTableIsInOrder)
{
	std::set<std::string> names;
	std::set<size_t> offsets;

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		const std::string help = k.help;

		ASSERT_NE(k.name, nullptr) << "key " << i << " has no row";
		EXPECT_TRUE(names.insert(k.name).second) << k.name;
		EXPECT_TRUE(offsets.insert(k.offset).second) << k.name << " shares its place";
		EXPECT_FALSE(help.empty()) << k.name;
		EXPECT_EQ(help.find('\n'), std::string::npos) << k.name;
		EXPECT_LE(help.size(), 90u) << k.name;
		EXPECT_LT(allowed(k).size() + 1, size_t(CONF_WORDS_MAX)) << k.name;
		EXPECT_EQ(conf_key_find(k.name), &k);
		/* A letter too few, and one too many. */
		EXPECT_EQ(conf_key_nearest((std::string(k.name) + "x").c_str()), &k);
		EXPECT_EQ(conf_key_nearest((std::string("x") + k.name).c_str()), &k);
	}
	for (const char *known : {"listen", "dyn_listen", "stats_listen", "stats_admin", "servers",
		     "data_store", "datacenter", "rack", "tokens", "dyn_seeds", "dyn_seed_provider",
		     "hash", "hash_tag", "timeout", "backlog", "client_connections", "preconnect",
		     "auto_eject_hosts", "server_retry_timeout", "server_failure_limit",
		     "dyn_read_timeout", "dyn_write_timeout", "dyn_port", "dyn_connections",
		     "gos_interval", "enable_gossip", "conn_msg_rate", "secure_server_option",
		     "pem_key_file", "env", "read_consistency", "write_consistency",
		     "read_repairs_enabled", "stats_interval", "mbuf_size", "max_msgs",
		     "datastore_connections", "local_peer_connections", "remote_peer_connections",
		     "distribution", "server_connections", "requirepass", "recon_enabled",
		     "recon_key_file", "recon_iv_file", "recon_encrypt", "recon_listen",
		     "recon_peers", "recon_send_bind", "recon_interval_seconds", "recon_source",
		     "recon_buffer_size", "recon_header_size", "recon_segment_bytes",
		     "recon_max_rate", "recon_max_snapshot_bytes", "recon_spool_dir",
		     "recon_state_dir", "recon_journal_max_bytes", "recon_max_connections",
		     "recon_timeout", "recon_allow", "recon_accept", "recon_protocol"})
		EXPECT_EQ(names.count(known), 1u) << known;
}

} // namespace
