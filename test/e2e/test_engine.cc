/*
 * The command line of dynomite, its configuration and its key files.
 */
#include "support/node.h"
#include "support/text.h"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using namespace support;

size_t lines_with(const std::string &text, const std::string &part)
{
	size_t n = 0;

	for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
		n++;
	return n;
}

/* Run dynomite to its end. */
int dynomite(std::vector<std::string> args, std::string *output)
{
	args.insert(args.begin(), dynomite_program());
	return run(args, output);
}

/* ---- Flags ---- */

TEST(EngineFlags, HelpAndVersion)
{
	std::string said, same;

	EXPECT_EQ(dynomite({"-h"}, &said), 0);
	for (const char *flag :
		{"--help", "--version", "--test-conf", "--daemonize", "--describe-stats",
			"--verbosity", "--output", "--conf-file", "--pid-file", "--help-conf"})
		EXPECT_TRUE(holds(said, flag)) << flag;
	EXPECT_EQ(dynomite({"--help"}, &same), 0);
	EXPECT_EQ(said, same);
	EXPECT_EQ(dynomite({"-V"}, &said), 0);
	EXPECT_EQ(said.compare(0, 9, "dynomite "), 0) << said;
	EXPECT_EQ(dynomite({"--version"}, &same), 0);
	EXPECT_EQ(said, same);
}

TEST(EngineFlags, CountersAndKeysAreDescribed)
{
	std::string said, same;

	EXPECT_EQ(dynomite({"-D"}, &said), 0);
	for (const char *counter : {"rounds_skipped", "peers_failed", "snapshots_committed",
		     "connections_turned_away", "keys_kept"})
		EXPECT_TRUE(holds(said, counter)) << counter;
	EXPECT_EQ(dynomite({"--describe-stats"}, &same), 0);
	EXPECT_EQ(said, same);
	EXPECT_EQ(dynomite({"--help-conf"}, &said), 0);
	for (const char *key : {"dyn_seeds", "recon_key_file", "recon_max_rate", "16 MiB"})
		EXPECT_TRUE(holds(said, key)) << key;
}

TEST(EngineFlags, AFullDiskIsNoSuccess)
{
	for (const char *flag : {"--help-conf", "-D", "-h", "-V"})
		EXPECT_EQ(
			run({"/bin/sh", "-c", dynomite_program() + " " + flag + " >/dev/full"}), 1)
			<< flag;
}

TEST(EngineFlags, WrongOnesAreRefused)
{
	const std::vector<std::vector<std::string>> wrong = {{"-x"}, {"--nonsense"}, {"operand"},
		{"-c"}, {"-v", "12"}, {"-v", "-1"}, {"-v", ""}, {"-v", "5x"},
		{"-c", "/nonexistent/dynomite.yml"}, {"-c", "/"}};
	std::string said;

	for (const std::vector<std::string> &args : wrong) {
		EXPECT_EQ(dynomite(args, &said), 1) << args[0];
		EXPECT_FALSE(said.empty()) << args[0];
	}
}

/* ---- Configuration ---- */

TEST(EngineConf, TestReportsAllErrorsAtOnce)
{
	const TempDir dir;
	const std::string conf = dir.write("bad.yml", yaml({
							      {"dyn_listen", "nonsense"},
							      {"recon_enabled", "true"},
							      {"recon_sorce", "scan"},
							      {"recon_timeout", "1"},
							      {"recon_interval_seconds", "soon"},
						      }));
	std::string said;

	EXPECT_EQ(dynomite({"-t", "-c", conf}, &said), 1);
	EXPECT_TRUE(holds(said, "bad.yml:2: dyn_listen: \"nonsense\"")) << said;
	EXPECT_TRUE(holds(said, "recon_interval_seconds: \"soon\"")) << said;
	EXPECT_TRUE(holds(said, "unknown key; the nearest known one is recon_source")) << said;
	EXPECT_TRUE(holds(said, "recon_timeout: \"1\" is out of range")) << said;
	EXPECT_TRUE(holds(said, "has errors")) << said;
	EXPECT_EQ(dynomite({"--test-conf", "--conf-file", conf}, nullptr), 1);
}

/* The values, the ring, the links and the channel: what is wrong with one hides nothing of the
 * others. */
TEST(EngineConf, TestReportsTheErrorsOfEveryPartAtOnce)
{
	const TempDir dir;
	const std::string text = R"(dyn_o_mite:
  listen: 127.0.0.1:18102
  dyn_listen: 127.0.0.1:18101
  rack: r1
  tokens: 5
  timeout: soon
  hash: md5
  secure_server_option: all
  pem_key_file: /nonexistent/pem
  dyn_seeds:
  - 127.0.0.2:8101:r1:localdc:5
  recon_enabled: true
  recon_key_file: /nonexistent/key
  recon_iv_file: /nonexistent/iv
  stats_listen: 127.0.0.1:18105
)";
	const std::string conf = dir.write("bad.yml", text);
	const char *const errors[] = {"bad.yml:6: timeout: \"soon\"",
		"bad.yml:2: listen: needs servers", "bad.yml:7: hash: md5",
		"bad.yml:9: pem_key_file: /nonexistent/pem",
		"bad.yml:11: dyn_seeds: 127.0.0.1:18101 and 127.0.0.2:8101",
		"bad.yml:13: recon_key_file: /nonexistent/key",
		"bad.yml:14: recon_iv_file: /nonexistent/iv",
		"bad.yml:12: recon_enabled: true needs",
		"recon_listen: 127.0.0.1:18105 has the port of stats_listen"};
	std::string said, same;

	EXPECT_EQ(dynomite({"-t", "-c", conf}, &said), 1);
	for (const char *error : errors)
		EXPECT_TRUE(holds(said, error)) << error << "\n" << said;
	EXPECT_EQ(lines_with(said, "dynomite: error: "), std::size(errors)) << said;
	EXPECT_EQ(run({dyn_entropy_program(), "conf", "-c", conf}, &same), 1);
	for (const char *error : errors)
		EXPECT_TRUE(holds(same, error)) << error << "\n" << same;
	EXPECT_EQ(lines_with(same, "dyn-entropy: conf: "), std::size(errors)) << same;
}

TEST(EngineConf, ClientsWithoutADatastoreAreAnError)
{
	const TempDir dir;
	const std::string conf = dir.write("no.yml", yaml({{"listen", loopback(node_port())}}));

	for (const std::vector<std::string> &args :
		{std::vector<std::string>{"-c", conf}, {"-t", "-c", conf}}) {
		std::string said;

		EXPECT_EQ(dynomite(args, &said), 1) << said;
		EXPECT_TRUE(holds(said, "no.yml:2: listen: needs servers")) << said;
	}
}

TEST(EngineConf, TestOfAGoodFileStartsNothing)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);
	std::string said;

	node.arguments({"-t"}).launch();
	EXPECT_EQ(node.process().wait(), 0);
	EXPECT_TRUE(holds(node.log(), "is good")) << node.log();
	EXPECT_EQ(node.logged("receiving"), 0u);
	EXPECT_FALSE(std::filesystem::exists(node.dir().file("pid")));
}

/* An RSA key, as the nodes of a ring share it; returns its path. */
std::string write_rsa_key(const TempDir &dir)
{
	const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY *)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
	const std::string path = dir.write("dynomite.pem", "");
	const std::unique_ptr<FILE, int (*)(FILE *)> file(fopen(path.c_str(), "w"), fclose);

	if (!key || !file ||
		PEM_write_PrivateKey(
			file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
		throw std::runtime_error("no RSA key");
	return path;
}

/* As the field has them: every key of an older engine, nothing of ours. */
TEST(EngineConf, AnExistingDynomiteFileLoadsAndRuns)
{
	const TempDir dir;
	std::string text = R"(dyn_o_mite:
  auto_eject_hosts: true
  datacenter: dc1
  rack: rack1
  tokens: '1383429731'
  distribution: vnode
  dyn_listen: 127.0.0.1:18101
  dyn_seeds:
  - 127.0.0.2:8101:rack1:dc1:2147483648
  - 127.0.0.3:8101:rack2:dc1:1383429731
  dyn_seed_provider: simple_provider
  gos_interval: 10000
  hash: murmur
  listen: 127.0.0.1:18102
  preconnect: true
  server_retry_timeout: 200000
  servers:
  - 127.0.0.1:6379:1
  timeout: 10000
  secure_server_option: datacenter
  pem_key_file: conf/dynomite.pem
  data_store: 0
  stats_listen: 127.0.0.1:22222
  read_consistency: DC_ONE
  write_consistency: DC_ONE
  mbuf_size: 16384
  max_msgs: 300000
)";
	for (const char *own : {"18101", "18102", "22222"})
		text.replace(text.find(own), 5, std::to_string(node_port()));
	text.replace(text.find("conf/dynomite.pem"), 17, write_rsa_key(dir));
	const std::string conf = dir.write("redis_dc1.yml", text);
	Process process({dynomite_program(), "-c", conf});

	ASSERT_TRUE(process.wait_output("started, pid")) << process.output();
	EXPECT_TRUE(holds(process.err(), "entropy: not enabled (recon_enabled)"));
	EXPECT_EQ(lines_with(process.err(), "nothing uses these keys yet"), 1u) << process.err();
	process.signal(SIGTERM);
	EXPECT_EQ(process.wait(), 0);
}

/* ---- Key material ---- */

/* A node that must not start; its output. */
std::string refusal(Node &node)
{
	node.launch();
	EXPECT_EQ(node.process().wait(), 1) << node.log();
	EXPECT_EQ(node.logged("receiving"), 0u) << node.log();
	return node.log();
}

TEST(EngineKeys, BadMaterialIsRefusedWithFileAndRemedy)
{
	const TempDir dir;
	const std::string certificate = "-----BEGIN CERTIFICATE-----\n"
					"MDEyMzQ1Njc4OTAxMjM0NTY3ODk=\n"
					"-----END CERTIFICATE-----\n";
	const struct {
		const char *file;
		const char *says;
	} cases[] = {
		{"missing", "No such file"},
		{"short", "at least 16"},
		{"mislabelled", "CERTIFICATE"},
		{"directory", "directory"},
	};
	const KeyFiles keys;

	dir.write("short", "only 15 letters\n");
	dir.write("mislabelled", certificate);
	mkdir(dir.file("directory").c_str(), 0700);
	for (const auto &c : cases)
		for (const char *key : {"recon_key_file", "recon_iv_file"}) {
			Node node("127.0.0.1:1", &keys);
			const std::string said = refusal(node.set(key, dir.file(c.file)));
			EXPECT_TRUE(holds(said, dir.file(c.file))) << said;
			EXPECT_TRUE(holds(said, c.says)) << said;
			EXPECT_TRUE(holds(said, "keygen") || holds(said, "chmod")) << said;
		}
	Node both("127.0.0.1:1", &keys);
	both.set("recon_key_file", dir.file("short")).set("recon_iv_file", dir.file("missing"));
	const std::string said = refusal(both);
	EXPECT_TRUE(holds(said, dir.file("short")) && holds(said, dir.file("missing"))) << said;
}

TEST(EngineKeys, NoKeyFileAtAllIsRefused)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);
	const std::string said = refusal(node.set("recon_key_file", "").set("recon_iv_file", ""));

	EXPECT_TRUE(holds(said, "recon_key_file") && holds(said, "recon_iv_file")) << said;
	EXPECT_TRUE(holds(said, "recon_encrypt: false")) << said;
}

TEST(EngineKeys, TheSampleServesLoopbackAlone)
{
	const TempDir dir;
	const std::string sample = dir.write("sample.pem", "01234567890123456\n");
	Node node("127.0.0.1:1", nullptr);

	node.set("recon_encrypt", "").set("recon_key_file", sample).set("recon_iv_file", sample);
	node.peers({"127.0.0.1:1", "localhost:1", "'[::1]:1'"}).start();
	EXPECT_EQ(node.stop(), 0);
	node.peers({"127.0.0.1:1", "192.0.2.1:8105"});
	EXPECT_TRUE(holds(refusal(node), "sample key")) << node.log();
	EXPECT_EQ(node.logged("dyn-entropy keygen"), 1u) << node.log();
	node.peers({"127.0.0.1:1"}).set("recon_send_bind", "192.0.2.1");
	EXPECT_TRUE(holds(refusal(node), "sample key")) << node.log();
	node.set("recon_send_bind", "");
	node.peers({}).set("recon_listen", "0.0.0.0:" + std::to_string(node.port()));
	EXPECT_TRUE(holds(refusal(node), "sample key")) << node.log();
}

TEST(EngineKeys, AFileThatOthersMayReadIsWarnedOf)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);

	node.start();
	EXPECT_EQ(node.logged("chmod"), 0u) << node.log();
	EXPECT_EQ(node.stop(), 0);
	ASSERT_EQ(chmod(keys.key_file().c_str(), 0644), 0);
	node.start();
	EXPECT_EQ(node.logged("chmod o-rwx " + keys.key_file()), 1u) << node.log();
	EXPECT_EQ(node.logged("chmod"), 1u) << node.log();
}

} // namespace
} // namespace e2e
