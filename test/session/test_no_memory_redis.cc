/*
 * Without memory, what works with a Redis or its files fails in good order.
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
#include "support/wire_bytes.h"

#include <cerrno>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using session::drain;
using session::fail_each;
using support::Error;
using support::noise;

TEST(NoMemory, ForTheRdbSource)
{
	support::TempDir dir;
	size_t files = 0;

	for (const auto &entry :
		std::filesystem::directory_iterator(support::source_file("test/corpus/rdb"))) {
		/* The first byte of a seed is not of the RDB but for the fuzz target. */
		const std::string seed = support::read_file(entry.path().string());
		const std::string path = dir.write("rdb", seed.substr(1));
		struct dyn_entropy_source_options options = {};
		const auto read = [&](Error &err) {
			struct dyn_entropy_source s = {};
			auto status = dyn_entropy_source_rdb(path.c_str(), &options, &s, err);

			if (!status)
				status = drain(&s, err);
			dyn_entropy_source_free(&s);
			return status;
		};

		options.segment_bytes = 4096;
		options.spool_dir = dir.path().c_str();
		Error err;
		if (read(err) != DYN_ENTROPY_OK)
			continue; /* an RDB that is refused has its own tests */
		EXPECT_GE(fail_each(entry.path().filename().string(), read), 3u);
		files++;
	}
	EXPECT_GE(files, 3u);
}

/* A Redis with a password, small keys and a few larger ones. */
struct Redis {
	support::RedisServer server{{"--requirepass", "password", "--repl-diskless-sync", "yes",
		"--repl-diskless-sync-delay", "0", "--rdbcompression", "no"}};
	support::RedisClient client = server.connect();
	const std::string address = server.address();
	struct dyn_entropy_redis endpoint = {};

	Redis()
	{
		for (int i = 0; i < 20; i++)
			client.set("key" + std::to_string(i), "value");
		for (int i = 0; i < 3; i++)
			client.set("large" + std::to_string(i), std::string(700000, 'v'));
		endpoint.address = address.c_str();
		endpoint.user = "default";
		endpoint.password = "password";
		endpoint.timeout_ms = 20000;
	}
};

TEST(NoMemory, ForTheSourcesOfARedis)
{
	support::TempDir dir;
	Redis redis;
	struct dyn_entropy_source_options options = {};

	options.segment_bytes = 1000000;
	options.spool_dir = dir.path().c_str();
	for (const auto open : {dyn_entropy_source_scan, dyn_entropy_source_sync})
		EXPECT_GE(fail_each(open == dyn_entropy_source_scan ? "scan" : "sync",
				  [&](Error &err) {
					  struct dyn_entropy_source s = {};
					  auto status = open(&redis.endpoint, &options, &s, err);

					  if (!status)
						  status = drain(&s, err);
					  dyn_entropy_source_free(&s);
					  return status;
				  }),
			15u);
}

TEST(NoMemory, ForTheSinkOfARedis)
{
	Redis redis;
	std::string commands;

	for (int i = 0; i < 3000; i++)
		commands += "*3\r\n$3\r\nSET\r\n$4\r\nsunk\r\n$100\r\n" + noise(100) + "\r\n";
	EXPECT_GE(fail_each("sink",
			  [&](Error &err) {
				  struct dyn_entropy_sink sink = {};
				  struct dyn_entropy_apply_result result = {};
				  dyn_entropy_snapshot snapshot = {};
				  dyn_entropy_sink_redis_options options = {};

				  options.accept = DYN_ENTROPY_ACCEPT_DATA;
				  auto status = dyn_entropy_sink_redis(
					  &redis.endpoint, &options, &sink, err);

				  if (!status)
					  status =
						  spool_new(nullptr, 1000000, &snapshot.spool, err);
				  if (!status)
					  status = spool_append(snapshot.spool, commands.data(),
						  commands.size(), err);
				  snapshot.len = static_cast<uint32_t>(commands.size());
				  if (!status)
					  status = sink.ops->apply(
						  sink.self, &snapshot, &result, err);
				  spool_free(snapshot.spool);
				  dyn_entropy_sink_free(&sink);
				  return status;
			  }),
		10u);
}

} // namespace
