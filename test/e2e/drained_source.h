/*
 * drained_source - a source of Redis data read to its end, and the commands that it gave.
 */
#ifndef TEST_E2E_DRAINED_SOURCE_H
#define TEST_E2E_DRAINED_SOURCE_H

#include "entropy/dynentropy.h"
#include "support/redis_server.h"
#include "support/resp.h"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace support
{

struct DrainedSource {
	struct dyn_entropy_source source = {};
	struct dyn_entropy_error err = {};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	std::vector<RedisClient::Args> commands;
	int segments = 0;
	struct dyn_entropy_source_totals totals = {};

	~DrainedSource()
	{
		dyn_entropy_source_free(&source);
	}
	void sync(const std::string &address, uint32_t segment_bytes = 0,
		const char *user = nullptr, const char *password = nullptr,
		uint32_t timeout_ms = 10000, dyn_entropy_cancel *cancel = nullptr)
	{
		struct dyn_entropy_redis redis = {};
		struct dyn_entropy_source_options options = {};

		redis.address = address.c_str();
		redis.user = user;
		redis.password = password;
		redis.timeout_ms = timeout_ms;
		redis.cancel = cancel;
		options.segment_bytes = segment_bytes;
		status = dyn_entropy_source_sync(&redis, &options, &source, &err);
		drain();
	}
	void rdb(const std::string &path, uint32_t segment_bytes = 0)
	{
		struct dyn_entropy_source_options options = {};

		options.segment_bytes = segment_bytes;
		status = dyn_entropy_source_rdb(path.c_str(), &options, &source, &err);
		drain();
	}
	/* Every segment to its end; the commands of those that came whole. */
	void drain()
	{
		uint32_t len;

		if (status != DYN_ENTROPY_OK)
			return;
		while ((status = source.ops->next(source.self, &len, &err)) == DYN_ENTROPY_OK) {
			std::string all(len, '\0');
			size_t at = 0, n = 1;

			segments++;
			while (n > 0 && at < len) {
				ASSERT_EQ(
					source.ops->read(source.self, &all[at], len - at, &n, &err),
					DYN_ENTROPY_OK);
				at += n;
			}
			ASSERT_EQ(at, len);
			for (RedisClient::Args &command : parse_commands(all))
				commands.push_back(std::move(command));
		}
		source.ops->totals(source.self, &totals);
	}
	std::string message() const
	{
		return err.message;
	}
	void expect_end() const
	{
		EXPECT_EQ(status, DYN_ENTROPY_END) << err.message;
		EXPECT_EQ(totals.keys, commands.size());
	}
	void expect_error(const std::string &words) const
	{
		EXPECT_EQ(status, DYN_ENTROPY_ERR_SOURCE);
		EXPECT_NE(message().find(words), std::string::npos) << message();
		EXPECT_TRUE(commands.empty());
	}
};

} // namespace support

#endif
