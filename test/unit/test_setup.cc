/*
 * The options of the proxy from a dynomite.yml.
 */
#include "node/setup.h"
#include "unit/conf_loading.h"

#include <gtest/gtest.h>

using namespace conf_loading;

namespace
{

const char kServes[] = "  listen: 127.0.0.1:1\n  dyn_listen: 127.0.0.1:2\n"
		       "  servers: [127.0.0.1:3:1]\n";

proxy_options options_of(const Loaded &l)
{
	EXPECT_EQ(l.errors, Lines());
	return setup_proxy_options(l.conf.get());
}

TEST(Setup, TheProxyIsToldWhatTheFileSays)
{
	const Loaded l = load_keys(kServes + std::string(R"(  requirepass: secret
  backlog: 7
  client_connections: 8
  dyn_connections: 9
  datastore_connections: 10
  local_peer_connections: 11
  remote_peer_connections: 12
  server_retry_timeout: 13
  server_failure_limit: 14
  timeout: 15
  max_msgs: 100016
  preconnect: false
  auto_eject_hosts: false
  pem_key_file: some.pem
  read_consistency: dc_quorum
  write_consistency: DC_EACH_SAFE_QUORUM
)"));
	const proxy_options o = options_of(l);

	EXPECT_STREQ(o.listen, "127.0.0.1:1");
	EXPECT_STREQ(o.dyn_listen, "127.0.0.1:2");
	EXPECT_STREQ(o.datastore, "127.0.0.1:3");
	EXPECT_STREQ(o.requirepass, "secret");
	EXPECT_STREQ(o.pem_key_file, "some.pem");
	EXPECT_EQ(o.backlog, 7);
	EXPECT_EQ(o.client_connections, 8u);
	EXPECT_EQ(o.dyn_connections, 9u);
	EXPECT_EQ(o.datastore_connections, 10u);
	EXPECT_EQ(o.local_peer_connections, 11u);
	EXPECT_EQ(o.remote_peer_connections, 12u);
	EXPECT_EQ(o.server_retry_timeout_ms, 13);
	EXPECT_EQ(o.server_failure_limit, 14u);
	EXPECT_EQ(o.timeout_ms, 15);
	EXPECT_EQ(o.max_msgs, 100016u);
	EXPECT_FALSE(o.preconnect);
	EXPECT_FALSE(o.auto_eject_hosts);
	EXPECT_EQ(o.read_consistency, CONSISTENCY_DC_QUORUM);
	EXPECT_EQ(o.write_consistency, CONSISTENCY_DC_EACH_SAFE_QUORUM);
	EXPECT_EQ(o.hooks.node_back, nullptr);
}

TEST(Setup, TheProxyEncryptsAsSecureServerOptionSays)
{
	const struct {
		const char *word;
		proxy_encryption encryption;
	} cases[] = {
		{"none", PROXY_ENCRYPT_NONE},
		{"rack", PROXY_ENCRYPT_RACK},
		{"datacenter", PROXY_ENCRYPT_DATACENTER},
		{"all", PROXY_ENCRYPT_ALL},
	};

	for (const auto &t : cases)
		EXPECT_EQ(options_of(load_keys(kServes + std::string("  secure_server_option: ") +
					       t.word + "\n"))
				  .encryption,
			t.encryption)
			<< t.word;
}

/* A connection of the channel has one to Redis beside it. */
TEST(Setup, TheProxyLeavesDescriptorsToTheChannel)
{
	const std::string channel = "  recon_encrypt: false\n  recon_max_connections: 100\n";
	const size_t without = options_of(load_keys(kServes + channel)).descriptors_kept;
	const size_t with = options_of(load_keys(kServes + channel + "  recon_enabled: true\n"))
				    .descriptors_kept;

	EXPECT_GE(without, 64u);
	EXPECT_EQ(with, without + 200);
}

} // namespace
