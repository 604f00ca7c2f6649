/*
 * Keys of a configuration against each other, and against the library.
 */
#include "entropy/dynentropy.h"
#include "support/tempdir.h"
#include "support/text.h"
#include "unit/conf_loading.h"

#include <gtest/gtest.h>

using namespace conf_loading;

namespace
{

/* ---- Keys against each other ---------------------------------------------------------------- */

TEST(Conf, TheChannelNeedsWhatItNeeds)
{
	EXPECT_EQ(load_keys(kGood).errors, Lines());
	EXPECT_EQ(load_keys("  recon_enabled: true\n").errors.size(), 4u);
	const auto without = [](const std::string &key) {
		return error_of(support::replaced(kGood, "  " + key + ":.*\n", ""));
	};
	EXPECT_EQ(without("servers"),
		"t.yml:5: recon_enabled: true needs the datastore to heal: give "
		"servers, one entry host:port:weight");
	EXPECT_EQ(without("dyn_listen"),
		"t.yml:5: recon_enabled: true needs an address to receive at: give recon_listen, "
		"host:port, or dyn_listen");
	EXPECT_EQ(without("recon_key_file")
			  .rfind("t.yml:5: recon_enabled: true needs recon_key_file", 0),
		0u);
	EXPECT_EQ(without("recon_iv_file")
			  .rfind("t.yml:5: recon_enabled: true needs recon_iv_file", 0),
		0u);
	EXPECT_EQ(load_keys("  servers: [a:1:1]\n  recon_listen: 127.0.0.1:1\n"
			    "  recon_encrypt: false\n  recon_enabled: true\n")
			  .errors,
		Lines());
	EXPECT_EQ(load_keys("  recon_key_file: k\n").errors, Lines()) << "only where it is enabled";
}

TEST(Conf, ANodeHasOneDatastore)
{
	EXPECT_EQ(error_of("  servers:\n  - a:1:1\n  - b:1:1\n"),
		"t.yml:4: servers: \"b:1:1\" is a second entry: a node has one datastore; allowed: "
		"one "
		"entry host:port:weight [name], or /path/of/a/socket[:weight] [name]");
}

TEST(Conf, TheChannelsAddressesFollowTheNodes)
{
	Loaded l = load_keys(
		"  dyn_listen: '[::1]:65531'\n  dyn_seeds: ['[::2]:65531:r:d:1', 'b:1:r:d:2']\n");

	ASSERT_EQ(l.errors, Lines());
	EXPECT_STREQ(l.conf->recon_listen, "[::1]:65535");
	EXPECT_EQ(lines_of(l.conf->recon_peers), Lines({"[::2]:65535", "b:5"}));

	l = load_keys("  dyn_listen: a:1\n  dyn_seeds: ['b:1:r:d:2']\n  recon_listen: c:3\n"
		      "  recon_peers: ['d:4', '[::1]:5']\n");
	EXPECT_STREQ(l.conf->recon_listen, "c:3");
	EXPECT_EQ(lines_of(l.conf->recon_peers), Lines({"d:4", "[::1]:5"}));

	l = load_keys("  dyn_seeds: ['b:1:r:d:2']\n  recon_peers: []\n");
	EXPECT_EQ(l.conf->recon_peers.n, 0u) << "an empty list overrides too";
}

TEST(Conf, APortPastTheLastIsAnErrorOfTheChannelAlone)
{
	const std::string keys =
		"  dyn_listen: a:65532\n  dyn_seeds: ['b:65533:r:d:2', 'c:1:r:d:3']\n";
	Loaded l = load_keys(keys);

	ASSERT_EQ(l.errors, Lines()) << "a file of Dynomite loads whatever its ports";
	EXPECT_EQ(l.conf->recon_listen, nullptr);
	EXPECT_EQ(lines_of(l.conf->recon_peers), Lines({"c:5"}));
	l = load_keys(keys + "  servers: [a:1:1]\n  recon_encrypt: false\n  recon_enabled: true\n");
	EXPECT_EQ(l.errors,
		Lines({"t.yml:2: dyn_listen: a:65532 leaves no port for the entropy channel, "
		       "which takes the port + 4: give recon_listen",
			"t.yml:3: dyn_seeds: b:65533 leaves no port for the entropy channel, "
			"which takes the port + 4: give recon_peers"}));
}

TEST(Conf, AnEncryptedBufferIsAMultipleOf16)
{
	EXPECT_EQ(error_of("  recon_buffer_size: 100\n"),
		"t.yml:2: recon_buffer_size: 100 is not a multiple of 16, which recon_encrypt "
		"needs; the "
		"next is 112");
	EXPECT_EQ(load_keys("  recon_buffer_size: 100\n  recon_encrypt: false\n").errors, Lines());
	EXPECT_EQ(error_of("  mbuf_size: 520\n"), "t.yml:2: mbuf_size: \"520\" is not a multiple "
						  "of 16; allowed: 512..512000 bytes, a multiple "
						  "of 16, or 0 for the default");
}

TEST(Conf, Version2IsAlwaysEncrypted)
{
	const std::string plain = "  dyn_listen: a:1\n  servers: [a:1:1]\n  recon_enabled: true\n  "
				  "recon_encrypt: false\n";

	EXPECT_EQ(error_of(plain + "  recon_protocol: 2\n"),
		"t.yml:6: recon_protocol: 2 is always encrypted, with keys from recon_key_file: "
		"leave "
		"out recon_encrypt: false, or give 1");
	EXPECT_EQ(load_keys(plain + "  recon_protocol: 1\n").errors, Lines());
	EXPECT_EQ(load_keys(plain + "  recon_protocol: auto\n").errors, Lines());
	EXPECT_EQ(load_keys(std::string(kGood) + "  recon_protocol: 2\n").errors, Lines());
}

TEST(Conf, TheSpoolDirectoryMustBeOne)
{
	support::TempDir dir;
	const std::string with = std::string(kGood) + "  recon_spool_dir: ";

	EXPECT_EQ(load_keys(with + dir.path() + "\n").errors, Lines());
	EXPECT_EQ(error_of(with + dir.file("none") + "\n"),
		"t.yml:7: recon_spool_dir: \"" + dir.file("none") +
			"\": No such file or directory; give a directory that exists");
	EXPECT_EQ(error_of(with + dir.write("file", "") + "\n"),
		"t.yml:7: recon_spool_dir: \"" + dir.file("file") +
			"\" is not a directory; give one");
}

/* What the table allows the library takes, and what it refuses the library would refuse. */
TEST(Conf, TheLibraryHasTheSameLimits)
{
	const auto takes = [](uint64_t rate, uint32_t buffer) {
		dyn_entropy_config c;

		dyn_entropy_config_init(&c);
		c.max_rate = rate;
		c.buffer_size = buffer;
		c.encrypt = false;
		return dyn_entropy_config_validate(&c, nullptr) == DYN_ENTROPY_OK;
	};
	const conf_key &rate = *conf_key_find("recon_max_rate");
	const conf_key &buffer = *conf_key_find("recon_buffer_size");

	EXPECT_TRUE(takes(uint64_t(rate.min), 16384));
	EXPECT_TRUE(takes(uint64_t(rate.max), 16384));
	EXPECT_TRUE(takes(0, 16384));
	EXPECT_FALSE(takes(uint64_t(rate.min) - 1, 16384));
	EXPECT_TRUE(takes(0, uint32_t(buffer.max)));
	EXPECT_FALSE(takes(0, uint32_t(buffer.max) + 1));
}

TEST(Conf, ClientsNeedADatastore)
{
	EXPECT_EQ(error_of("  listen: a:1\n"),
		"t.yml:2: listen: needs servers, the datastore that the requests of clients go "
		"to: give one entry host:port:weight");
	EXPECT_EQ(load_keys("  listen: a:1\n  servers: x\n").errors.size(), 1u)
		<< "what is wrong is not missing, too";
	EXPECT_EQ(load_keys("  dyn_listen: a:1\n").errors, Lines())
		<< "only where there are clients";
}

TEST(Conf, EachListensOnAnAddressOfItsOwn)
{
	const std::string serves = "  servers: [a:1:1]\n";

	EXPECT_EQ(error_of(serves + "  listen: 127.0.0.1:1\n  dyn_listen: 127.0.0.1:1\n"),
		"t.yml:4: dyn_listen: 127.0.0.1:1 has the port of listen, 127.0.0.1:1; give each "
		"an address of its own");
	EXPECT_EQ(error_of(serves + "  listen: 0.0.0.0:1\n  stats_listen: 127.0.0.1:1\n"),
		"t.yml:4: stats_listen: 127.0.0.1:1 has the port of listen, 0.0.0.0:1; give each "
		"an address of its own");
	EXPECT_EQ(error_of(serves + "  listen: 127.0.0.1:22222\n"),
		"t.yml:3: stats_listen: 127.0.0.1:22222 has the port of listen, 127.0.0.1:22222; "
		"give each an address of its own")
		<< "a default counts, too";
	EXPECT_EQ(load_keys(kGood + std::string("  recon_listen: LOCALHOST:22\n"
						"  stats_listen: localhost:22\n"))
			  .errors.size(),
		1u);
	for (const char *apart : {"  listen: 127.0.0.1:1\n  dyn_listen: 127.0.0.2:1\n",
		     "  listen: 0.0.0.0:1\n  dyn_listen: '[::1]:1'\n",
		     "  listen: 127.0.0.1:1\n  dyn_listen: 127.0.0.1:2\n",
		     "  listen: 127.0.0.1:1\n  recon_listen: 127.0.0.1:1\n"})
		EXPECT_EQ(load_keys(serves + apart).errors, Lines()) << apart;
}

TEST(Conf, WhatIsKnownButNotServedIsRefusedToClientsAlone)
{
	const std::string serves = "  servers: [a:1:1]\n  listen: b:1\n";
	struct {
		const char *line, *error;
	} const cases[] = {
		{"hash: md5", "hash: md5 is known but not served; give murmur, in every node of "
			      "the ring"},
		{"data_store: 1",
			"data_store: 1 is known but not served; give 0, Redis (1 is memcache)"},
		{"dyn_seed_provider: florida_provider",
			"dyn_seed_provider: florida_provider is known but not served; give "
			"simple_provider, and the nodes in dyn_seeds"},
		{"enable_gossip: true", "enable_gossip: true is known but not served; give false, "
					"and all nodes in dyn_seeds"},
	};
	std::string all = serves;

	for (const auto &t : cases) {
		const std::string line = std::string("  ") + t.line + "\n";

		EXPECT_EQ(error_of(serves + line), std::string("t.yml:4: ") + t.error);
		EXPECT_EQ(load_keys(line).errors, Lines()) << "a file that only heals";
		all += line;
	}
	EXPECT_EQ(load_keys(all).errors.size(), 4u);
	EXPECT_EQ(error_of("  hash: foo\n"),
		"t.yml:2: hash: \"foo\" is not one of them; allowed: murmur; known but not served: "
		"one_at_a_time, md5, crc16, crc32, crc32a, fnv1_64, fnv1a_64, fnv1_32, fnv1a_32, "
		"hsieh, jenkins, murmur3");
}

/* Each choice is served or not, and told as one of the two. */
TEST(Conf, TheTableOfTheUnservedIsThatOfTheChoices)
{
	size_t unserved = 0;

	for (const conf_key &k : conf_keys) {
		if (!k.instead || k.type != CONF_TYPE_CHOICE)
			continue;
		const std::string text = allowed(k), mark = "; known but not served: ";
		const size_t at = text.find(mark);
		const std::string refused = ", " + text.substr(at + mark.size()) + ", ";

		unserved++;
		for (size_t w = 0; w < k.n_words; w++)
			EXPECT_NE(text.substr(0, at) == k.words[w],
				refused.find(std::string(", ") + k.words[w] + ", ") !=
					std::string::npos)
				<< k.words[w] << ": " << text;
	}
	EXPECT_EQ(unserved, 2u);
}

} // namespace
