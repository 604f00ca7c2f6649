#include "support/status.h"

#include <functional>
#include <vector>
#include <gtest/gtest.h>

namespace
{

using support::Error;
using support::fails;
using support::succeeds;

struct dyn_entropy_config defaults()
{
	struct dyn_entropy_config c;

	dyn_entropy_config_init(&c);
	return c;
}

TEST(Config, DefaultsAreThoseOfTheWireAndAreValid)
{
	const struct dyn_entropy_config c = defaults();
	Error err;

	EXPECT_TRUE(succeeds(dyn_entropy_config_validate(&c, err), err));
	EXPECT_STREQ(c.listen_addr, "127.0.0.1:8105");
	EXPECT_STREQ(c.peer_endpoint, "127.0.0.1:8105");
	EXPECT_TRUE(c.encrypt);
	EXPECT_EQ(c.buffer_size, 16384u);
	EXPECT_EQ(c.header_size, 1024u);
	EXPECT_EQ(c.max_rate, 10000000u);
	EXPECT_EQ(c.max_snapshot_bytes, 0xFFFFFFFEu);
	EXPECT_EQ(c.max_connections, 8u);
	EXPECT_EQ(c.timeout_ms, 30000u);
	EXPECT_EQ(c.send_addr, nullptr);
	EXPECT_EQ(c.spool_dir, nullptr);
}

using C = struct dyn_entropy_config;

struct Change {
	std::function<void(C *)> make;
	const char *words; /* NULL: it is valid */
};

void expect_answers(const std::vector<Change> &cases)
{
	for (const auto &c : cases) {
		struct dyn_entropy_config config = defaults();
		Error err;

		c.make(&config);
		const auto status = dyn_entropy_config_validate(&config, err);
		if (c.words)
			EXPECT_TRUE(fails(status, err, DYN_ENTROPY_ERR_CONFIG, c.words));
		else
			EXPECT_TRUE(succeeds(status, err)) << &c - cases.data();
	}
}

TEST(Config, EveryNumberToItsLimitsAndNoFurther)
{
	expect_answers({
		{[](C *c) { c->buffer_size = 0; }, "buffer_size 0 is out of range"},
		{[](C *c) { c->buffer_size = 16; }, nullptr},
		{[](C *c) { c->buffer_size = 15; }, "buffer_size 15 must be a multiple of 16"},
		{[](C *c) { c->buffer_size = 16385; },
			"buffer_size 16385 must be a multiple of 16"},
		{[](C *c) { c->encrypt = false, c->buffer_size = 1; }, nullptr},
		{[](C *c) { c->encrypt = false, c->buffer_size = 16385; }, nullptr},
		{[](C *c) { c->buffer_size = 5 * 1024 * 1024 - 16; }, nullptr},
		{[](C *c) { c->buffer_size = 5 * 1024 * 1024; }, "(1..5242864)"},
		{[](C *c) { c->encrypt = false, c->buffer_size = 5 * 1024 * 1024 - 15; },
			"buffer_size 5242865"},
		{[](C *c) { c->header_size = 7; }, "header_size 7 is out of range (8..1024)"},
		{[](C *c) { c->header_size = 8; }, nullptr},
		{[](C *c) { c->header_size = 1025; }, "header_size 1025"},
		{[](C *c) { c->max_rate = 0; }, nullptr},
		{[](C *c) { c->max_rate = 1; }, "max_rate 1 is out of range"},
		{[](C *c) { c->max_rate = 131071; }, "max_rate 131071"},
		{[](C *c) { c->max_rate = 131072; }, nullptr},
		{[](C *c) { c->max_rate = UINT64_MAX; }, "max_rate 18446744073709551615"},
		{[](C *c) { c->max_snapshot_bytes = 0; }, nullptr},
		{[](C *c) { c->max_snapshot_bytes = 0xFFFFFFFF; }, "max_snapshot_bytes 4294967295"},
		{[](C *c) { c->max_connections = 0; }, "max_connections 0"},
		{[](C *c) { c->max_connections = 1024; }, nullptr},
		{[](C *c) { c->max_connections = 1025; }, "max_connections 1025"},
		{[](C *c) { c->timeout_ms = 0; }, "timeout_ms 0"},
		{[](C *c) { c->timeout_ms = 1; }, nullptr},
		{[](C *c) { c->timeout_ms = 86400001; }, "timeout_ms 86400001"},
	});
}

TEST(Config, EveryAddressIsOneOrIsRefused)
{
	expect_answers({
		{[](C *c) { c->listen_addr = "nowhere"; },
			"listen_addr 'nowhere' is not host:port"},
		{[](C *c) { c->listen_addr = "[::1]:0"; }, nullptr},
		{[](C *c) { c->listen_addr = nullptr; }, nullptr},
		{[](C *c) { c->send_addr = "10.0.0.1"; }, nullptr},
		{[](C *c) { c->send_addr = "host"; }, nullptr},
		{[](C *c) { c->send_addr = "::1"; }, nullptr},
		{[](C *c) { c->send_addr = "[::1]"; }, nullptr},
		{[](C *c) { c->send_addr = "[::1]:0"; }, nullptr},
		{[](C *c) { c->send_addr = "10.0.0.1:8105"; },
			"send_addr '10.0.0.1:8105': name the host alone"},
		{[](C *c) { c->send_addr = "[::1]:1"; }, "send_addr '[::1]:1': name the host"},
		{[](C *c) { c->send_addr = ""; }, "send_addr '' is not a host"},
		{[](C *c) { c->send_addr = "host:x"; }, "send_addr 'host:x' is not a host"},
		{[](C *c) { c->send_addr = "10.0.0.1:0"; }, nullptr},
		{[](C *c) { c->peer_endpoint = ":1"; }, "peer_endpoint ':1'"},
		{[](C *c) { c->peer_endpoint = nullptr; }, nullptr},
	});
}

TEST(Config, WhatIsMadeFromItRefusesItToo)
{
	struct dyn_entropy_config c = defaults();
	struct dyn_entropy_source source = {};
	struct dyn_entropy_sink sink = {};
	struct dyn_entropy_push_result result;
	dyn_entropy_receiver *receiver = nullptr;
	Error err;

	ASSERT_TRUE(succeeds(dyn_entropy_source_static("x", 1, &source, err), err));
	ASSERT_TRUE(succeeds(dyn_entropy_sink_memory(&sink, err), err));
	const struct {
		const char *listen, *peer;
		bool encrypt;
		const char *words;
	} cases[] = {
		{"127.0.0.1:0", "127.0.0.1:1", true, "no key material"},
		{nullptr, nullptr, false, "no "},
		{"bad", "bad", false, "not host:port"},
		{nullptr, "127.0.0.1:0", false, "no "},
	};
	for (const auto &k : cases) {
		c.listen_addr = k.listen;
		c.peer_endpoint = k.peer;
		c.encrypt = k.encrypt;
		EXPECT_TRUE(fails(dyn_entropy_push(&c, nullptr, &source, nullptr, &result, err),
			err, DYN_ENTROPY_ERR_CONFIG, k.words));
		EXPECT_EQ(result.outcome, DYN_ENTROPY_OUTCOME_FAILED);
		EXPECT_EQ(result.snapshots, 0u);
		EXPECT_TRUE(
			fails(dyn_entropy_receiver_new(&c, nullptr, &sink, nullptr, &receiver, err),
				err, DYN_ENTROPY_ERR_CONFIG, k.words));
		EXPECT_EQ(receiver, nullptr);
	}
	dyn_entropy_sink_free(&sink);
	dyn_entropy_source_free(&source);
}

TEST(Config, EveryStatusAndOutcomeHasAName)
{
	for (int s = DYN_ENTROPY_OK; s <= DYN_ENTROPY_ERR_CANCELLED; s++)
		EXPECT_STRNE(
			dyn_entropy_status_name(static_cast<enum dyn_entropy_status>(s)), "unknown")
			<< s;
	for (int o = DYN_ENTROPY_OUTCOME_NONE; o <= DYN_ENTROPY_OUTCOME_NO_RECEIVER; o++)
		EXPECT_STRNE(dyn_entropy_outcome_text(static_cast<enum dyn_entropy_outcome>(o)),
			"unknown")
			<< o;
	EXPECT_STREQ(dyn_entropy_version(), DYN_ENTROPY_VERSION);
}

} // namespace
