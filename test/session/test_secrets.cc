/* Memory that is given back holds no secret any more. */
#include "entropy/dynentropy.h"
#include "entropy/material.h"
#include "entropy/snapshot.h"
#include "session/alloc.h"
#include "support/redis_server.h"
#include "support/status.h"
#include "support/tempdir.h"

#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

const std::string kSecret = "9f3c-a-secret-of-its-own-71b2"; /* and its first 16 bytes the key */
const std::string kKey = kSecret.substr(0, DYN_ENTROPY_BLOCK_SIZE);

class Secrets : public testing::Test
{
      protected:
	Error err_;

	void look_for(const std::string &secret)
	{
		/* Of what free() does the compiler must not know, or it drops the bytes that are
		 * written just before it. */
		void (*volatile give_back)(void *) = free;
		void *p = malloc(100);

		alloc::look_for(secret);
		/* That it would be found. */
		ASSERT_NE(p, nullptr);
		memcpy(p, secret.c_str(), secret.size());
		give_back(p);
		ASSERT_EQ(alloc::found(), 1u);
		alloc::look_for(secret);
	}
	void TearDown() override
	{
		EXPECT_EQ(alloc::found(), 0u) << "a secret was left behind";
		alloc::look_for("");
	}
};

TEST_F(Secrets, OfKeyMaterialAreWiped)
{
	support::TempDir dir;
	const std::string file = dir.write("key", kSecret + "\n");
	dyn_entropy_material *m = nullptr;
	const auto *bytes = reinterpret_cast<const uint8_t *>(kSecret.data());

	look_for(kKey);
	ASSERT_TRUE(succeeds(dyn_entropy_material_new(bytes, bytes, &m, err_), err_));
	dyn_entropy_material_free(m);
	ASSERT_TRUE(
		succeeds(dyn_entropy_material_load(file.c_str(), file.c_str(), &m, err_), err_));
	EXPECT_EQ(memcmp(m->key, kKey.data(), kKey.size()), 0) << "it was there";
	dyn_entropy_material_free(m);
	EXPECT_TRUE(fails(dyn_entropy_material_load(file.c_str(), "/none", &m, err_), err_,
		DYN_ENTROPY_ERR_KEY_MATERIAL));
}

/* Right or wrong, of the sink and of both sources. */
TEST_F(Secrets, PasswordsOfRedisAreWiped)
{
	support::RedisServer server({"--requirepass", kSecret});

	for (const bool right : {true, false}) {
		const std::string password = right ? kSecret : kSecret + "!";
		const std::string address = server.address();
		struct dyn_entropy_redis redis = {};
		struct dyn_entropy_source source = {};
		struct dyn_entropy_sink sink = {};
		struct dyn_entropy_apply_result result;
		dyn_entropy_snapshot snapshot = {};
		const std::string command =
			"*4\r\n$7\r\nRESTORE\r\n$1\r\nk\r\n$1\r\n0\r\n$1\r\nx\r\n";

		redis.address = address.c_str();
		redis.user = "default";
		redis.password = password.c_str();
		ASSERT_TRUE(succeeds(spool_new(nullptr, 1000, &snapshot.spool, err_), err_));
		ASSERT_TRUE(succeeds(
			spool_append(snapshot.spool, command.data(), command.size(), err_), err_));
		snapshot.len = static_cast<uint32_t>(command.size());
		look_for(kSecret);
		EXPECT_EQ(dyn_entropy_source_scan(&redis, nullptr, &source, err_) == DYN_ENTROPY_OK,
			right)
			<< err_.text();
		dyn_entropy_source_free(&source);
		EXPECT_EQ(dyn_entropy_source_sync(&redis, nullptr, &source, err_) == DYN_ENTROPY_OK,
			right)
			<< err_.text();
		dyn_entropy_source_free(&source);
		ASSERT_TRUE(succeeds(
			dyn_entropy_sink_redis(&redis, nullptr, &sink, err_),
			err_));
		EXPECT_TRUE(fails(sink.ops->apply(sink.self, &snapshot, &result, err_), err_,
			DYN_ENTROPY_ERR_SINK, right ? "payload version" : "WRONGPASS"));
		dyn_entropy_sink_free(&sink);
		spool_free(snapshot.spool);
		EXPECT_EQ(alloc::found(), 0u) << "a secret was left behind";
	}
}

} // namespace
