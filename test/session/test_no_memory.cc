/*
 * Every allocation of the library fails once: each time the operation ends in an error that can be
 * read, leaves nothing behind, and works the next time.
 */
#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "conf/conf_load.h"
#include "entropy/cipher.h"
#include "entropy/material.h"
#include "entropy/resp.h"
#include "entropy/snapshot.h"
#include "entropy/spool.h"
#include "entropy/wire.h"
#include "session/alloc.h"
#include "session/channel.h"
#include "session/fail_each.h"
#include "support/redis_server.h"
#include "support/tempdir.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using session::fail_each;
using session::Node;
using session::Source;
using support::Error;
using support::noise;

TEST(NoMemory, ForMaterial)
{
	support::TempDir dir;
	const std::string raw = dir.write("raw", "0123456789abcdef");
	const std::string armour = dir.write(
		"armour", "-----BEGIN X-----\nMDEyMzQ1Njc4OWFiY2RlZg==\n-----END X-----\n");

	EXPECT_EQ(fail_each("load",
			  [&](Error &err) {
				  dyn_entropy_material *m = nullptr;
				  const auto status = dyn_entropy_material_load(
					  raw.c_str(), armour.c_str(), &m, err);

				  dyn_entropy_material_free(m);
				  return status;
			  }),
		3u);
	EXPECT_EQ(fail_each("cipher",
			  [&](Error &err) {
				  struct cipher *c = nullptr;
				  const auto status =
					  cipher_new(session::sample_material(), &c, err);

				  cipher_free(c);
				  return status;
			  }),
		1u);
}

TEST(NoMemory, ForTheWire)
{
	support::WireBytes w;
	w.encrypt_flag = 0;
	const std::string wire = w.session(noise(1000));

	EXPECT_GE(fail_each("in",
			  [&](Error &err) {
				  const struct wire_in_options options = {
					  nullptr, 1000000, nullptr, nullptr};
				  struct wire_in *in = nullptr;
				  auto status = wire_in_new(&options, &in, err);

				  for (size_t at = 0; at < wire.size() && !status; at++)
					  status = wire_in_feed(in,
						  reinterpret_cast<const uint8_t *>(&wire[at]), 1,
						  err);
				  if (!status)
					  status = wire_in_finish(in, err);
				  wire_in_free(in);
				  return status;
			  }),
		2u);
	EXPECT_EQ(fail_each("out",
			  [&](Error &err) {
				  const struct wire_out_options options = {16384, 1024, nullptr};
				  struct wire_out *out = nullptr;
				  const auto status = wire_out_new(&options, &out, err);

				  wire_out_free(out);
				  return status;
			  }),
		2u);
}

TEST(NoMemory, ForASpool)
{
	support::TempDir dir;
	const std::string bytes = noise(600000);

	EXPECT_GE(fail_each("spool",
			  [&](Error &err) {
				  struct spool *a = nullptr, *b = nullptr;
				  auto status = spool_new(dir.path().c_str(), 1000000, &a, err);

				  if (!status)
					  status = spool_append(a, bytes.data(), bytes.size(), err);
				  if (!status)
					  status = spool_new(nullptr, 300000, &b, err);
				  if (!status)
					  status = spool_append_spool(b, a, bytes.size(), err);
				  spool_free(a);
				  spool_free(b);
				  return status;
			  }),
		10u);
}

TEST(NoMemory, ForASourceAndASink)
{
	EXPECT_EQ(fail_each("static",
			  [](Error &err) {
				  struct dyn_entropy_source s = {};
				  const auto status =
					  dyn_entropy_source_static("content", 7, &s, err);

				  dyn_entropy_source_free(&s);
				  return status;
			  }),
		1u);
	EXPECT_EQ(fail_each("sink",
			  [](Error &err) {
				  struct dyn_entropy_sink s = {};
				  void *bytes = nullptr;
				  size_t len;
				  auto status = dyn_entropy_sink_memory(&s, err);

				  if (!status)
					  status = dyn_entropy_sink_memory_copy(
						  &s, &bytes, &len, err);
				  if (!status)
					  alloc::release(bytes);
				  dyn_entropy_sink_free(&s);
				  return status;
			  }),
		2u);
}

/* A source, a receiver with its threads, a push to it, the sink: all of it, from nothing to
 * nothing. */
enum dyn_entropy_status exchange(
	const std::string &snapshot, const std::string &spool_dir, Error &err)
{
	struct dyn_entropy_config config;
	struct dyn_entropy_source source = {};
	struct dyn_entropy_sink sink = {};
	struct dyn_entropy_push_result result = {};
	dyn_entropy_receiver *receiver = nullptr;
	std::string to;

	dyn_entropy_config_init(&config);
	config.listen_addr = "127.0.0.1:0";
	config.max_rate = 0;
	config.spool_dir = spool_dir.c_str();
	auto status = dyn_entropy_source_static(snapshot.data(), snapshot.size(), &source, err);
	if (!status)
		status = dyn_entropy_sink_memory(&sink, err);
	if (!status)
		status = dyn_entropy_receiver_new(
			&config, session::sample_material(), &sink, nullptr, &receiver, err);
	if (!status)
		status = dyn_entropy_receiver_start(receiver, err);
	if (!status) {
		to = "127.0.0.1:" + std::to_string(dyn_entropy_receiver_port(receiver));
		config.peer_endpoint = to.c_str();
		status = dyn_entropy_push(
			&config, session::sample_material(), &source, nullptr, &result, err);
	}
	if (!status) {
		void *bytes = nullptr;
		size_t len = 0;
		Error copy_err;

		EXPECT_EQ(result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
		if (dyn_entropy_sink_memory_copy(&sink, &bytes, &len, copy_err) == DYN_ENTROPY_OK) {
			EXPECT_TRUE(std::string(static_cast<char *>(bytes), len) == snapshot);
			alloc::release(bytes);
		}
	} else {
		EXPECT_NE(result.outcome, DYN_ENTROPY_OUTCOME_CLOSED);
	}
	dyn_entropy_receiver_free(receiver);
	dyn_entropy_sink_free(&sink);
	dyn_entropy_source_free(&source);
	return status;
}

TEST(NoMemory, ForAnExchange)
{
	const size_t descriptors = session::open_descriptors();
	support::TempDir dir;

	EXPECT_GE(fail_each(
			  "exchange",
			  [&](Error &err) { return exchange(noise(600000), dir.path(), err); },
			  false),
		12u);
	EXPECT_EQ(session::open_descriptors(), descriptors);
}

TEST(NoMemory, ForARound)
{
	support::TempDir dir;
	Node a, b;
	const std::string addresses[] = {a.address(), b.address()};

	EXPECT_GE(fail_each(
			  "round",
			  [&](Error &err) {
				  const char *const peers[] = {
					  addresses[0].c_str(), addresses[1].c_str()};
				  struct dyn_entropy_config config;
				  struct dyn_entropy_driver_options options = {};
				  struct dyn_entropy_round round = {};
				  dyn_entropy_driver *driver = nullptr;

				  dyn_entropy_config_init(&config);
				  options.targets = peers;
				  options.n_targets = 2;
				  options.open_source = [](void *, size_t,
								struct dyn_entropy_source *out,
								struct dyn_entropy_error *e) {
					  return dyn_entropy_source_static("content", 7, out, e);
				  };
				  auto status = dyn_entropy_driver_new(&config,
					  session::sample_material(), &options, &driver, err);
				  if (!status)
					  status = dyn_entropy_driver_round(driver, &round, err);
				  if (!status) {
					  EXPECT_EQ(round.attempted, 2u);
					  EXPECT_EQ(round.exchanged + round.failed, 2u);
					  EXPECT_LE(round.failed, 1u) << "one allocation, one peer";
				  }
				  dyn_entropy_driver_free(driver);
				  support::wait_until([&] {
					  return a.counters().active + b.counters().active == 0;
				  });
				  return status;
			  },
			  false),
		10u);
}

TEST(NoMemory, ForASearchOfAName)
{
	struct addr_resolved out[ADDR_RESOLVED_MAX];
	struct addr a;

	ASSERT_TRUE(addr_parse(&a, "localhost:1"));
	EXPECT_EQ(fail_each("resolve",
			  [&](Error &err) {
				  const char *why = nullptr;

				  if (addr_resolve(&a, clock_deadline_ms(10000), -1, out, &why) > 0)
					  return DYN_ENTROPY_OK;
				  snprintf(err.e.message, sizeof(err.e.message), "%s", why);
				  return err.e.status = DYN_ENTROPY_ERR_NO_MEMORY;
			  }),
		1u);
}

TEST(NoMemory, TheScannerOfCommandsNeedsNone)
{
	struct resp_scanner scanner;
	const std::string commands =
		"*2\r\n$3\r\nDEL\r\n$1000000\r\n" + std::string(1000000, 'k') + "\r\n";

	alloc::fail_nth(1);
	resp_scanner_init(
		&scanner, [](void *, const struct resp_command *) { return true; }, nullptr);
	EXPECT_TRUE(resp_scan(&scanner, commands.data(), commands.size()));
	EXPECT_TRUE(resp_finish(&scanner));
	EXPECT_FALSE(alloc::has_failed());
	alloc::fail_nth(0);
}

TEST(NoMemory, ForABuffer)
{
	struct buf b = {};

	alloc::fail_nth(2);
	ASSERT_TRUE(buf_append(&b, "kept", 4));
	EXPECT_FALSE(buf_append(&b, noise(10000).data(), 10000));
	EXPECT_EQ(std::string(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b)), "kept");
	alloc::fail_nth(2);
	EXPECT_TRUE(buf_append(&b, noise(10000).data(), 10000));
	EXPECT_FALSE(buf_printf(&b, "%100000d", 1));
	EXPECT_EQ(buf_len(&b), 10004u);
	alloc::fail_nth(0);
	buf_fini(&b);
}

TEST(NoMemory, ForALog)
{
	support::TempDir dir;

	alloc::fail_nth(1);
	EXPECT_FALSE(log_open(dir.file("log").c_str(), LOG_LEVEL_NOTICE));
	EXPECT_EQ(errno, ENOMEM);
	alloc::fail_nth(0);
	log_close();
}

TEST(NoMemory, ForAConfigurationFile)
{
	support::TempDir dir;
	const std::string path = dir.write("t.yml",
		"dyn_o_mite:\n  listen: 127.0.0.1:8102\n  dyn_listen: 127.0.0.1:8101\n"
		"  tokens: '101134286'\n  dyn_seeds:\n  - 127.0.0.2:8101:rack1:dc1:1383429731\n"
		"  servers:\n  - 127.0.0.1:22122:1\n  recon_peers: [ '127.0.0.3:8105' ]\n");

	EXPECT_GE(fail_each("conf",
			  [&](Error &err) {
				  struct conf_report report = {};
				  struct conf *c = conf_load(path.c_str(), &report);

				  if (!c) {
					  err.e.status = DYN_ENTROPY_ERR_NO_MEMORY;
					  snprintf(err.e.message, sizeof(err.e.message), "%s",
						  report.errors.n ? report.errors.items[0]
								  : "out of memory");
				  }
				  const auto status =
					  c ? DYN_ENTROPY_OK : DYN_ENTROPY_ERR_NO_MEMORY;
				  conf_free(c);
				  conf_report_fini(&report);
				  return status;
			  }),
		10u);
}

} // namespace
