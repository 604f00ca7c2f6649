/* dyn-entropy compare: equal, different, and undecided. */
#include "e2e/comparing.h"
#include "e2e/dataset.h"
#include "support/net.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/sanitized.h"
#include "support/wait.h"
#include "tools/compare.h"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using support::Process;
using support::RedisServer;
using support::TempDir;
using namespace comparing;

namespace
{

TEST_F(Compare, EmptyIsEqual)
{
	const Outcome o = compare_both();

	EXPECT_EQ(kEqual, o.code) << o.err;
	EXPECT_EQ(0, o.number("keys_a"));
}

TEST_F(Compare, EveryTypeAndEncodingIsEqualToItsCopy)
{
	e2e::write_every_type(ca_);
	copy_all();
	const Outcome o = compare_both();

	EXPECT_EQ(kEqual, o.code) << o.out << o.err;
	EXPECT_EQ(ca_.dbsize(), o.number("keys_a"));
	EXPECT_EQ(ca_.dbsize(), o.number("keys_b"));
}

TEST_F(Compare, UnixSocketsAndText)
{
	both({"SET", "key", "value"});
	Process p({support::dyn_entropy_program(), "compare", a_.socket_path(), b_.socket_path()});
	const Outcome o = finish(p);

	EXPECT_EQ(kEqual, o.code) << o.err;
	EXPECT_EQ(0u, o.out.find("equal: 1 keys")) << o.out;
}

TEST_F(Compare, CountsEachKindOnce)
{
	both({"SET", "same", "x"});
	both({"SET", "deadline", "x", "PXAT", "4102444800000"});
	ca_.cmd("SET", "only a", "x");
	ca_.cmd("SET", "only a too", "x");
	cb_.cmd("SET", "only b", "x");
	ca_.cmd("SET", "type", "x");
	cb_.cmd("RPUSH", "type", "x");
	ca_.cmd("SET", "value", "x");
	cb_.cmd("SET", "value", "y");
	ca_.cmd("SET", "value and deadline", "x");
	cb_.cmd("SET", "value and deadline", "y", "EX", 1000);
	cb_.cmd("PEXPIREAT", "deadline", "4102444800001");
	const Outcome o = compare_both();

	EXPECT_EQ(kDiffer, o.code) << o.err;
	EXPECT_EQ(2, o.number("missing_in_b"));
	EXPECT_EQ(1, o.number("missing_in_a"));
	EXPECT_EQ(1, o.number("other_type"));
	EXPECT_EQ(2, o.number("other_value"));
	EXPECT_EQ(1, o.number("other_deadline"));
	EXPECT_EQ(7, o.number("differ"));
	EXPECT_EQ(0, o.number("settled"));
}

TEST_F(Compare, ADeadlineOnOneSideAloneDiffers)
{
	both({"SET", "key", "x"});
	cb_.cmd("EXPIRE", "key", 1000);
	const Outcome o = compare_both();

	EXPECT_EQ(kDiffer, o.code);
	EXPECT_EQ(1, o.number("other_deadline"));
}

TEST_F(Compare, ShowsKeysOnlyWhenAskedAndEscaped)
{
	ca_.cmd("SET", std::string("a\"b\\\n\x01\xff", 7), "x");
	ca_.cmd("SET", "plain", "x");

	const Outcome silent = compare_both();
	EXPECT_EQ(kDiffer, silent.code);
	EXPECT_EQ(std::string::npos, (silent.out + silent.err).find("plain"));

	const Outcome one = compare_both({"--limit", "1"});
	EXPECT_NE(std::string::npos,
		one.out.find("\"kind\":\"missing_in_b\",\"key\":\"a\\\\\\\"b\\\\\\\\\\\\n\\\\x01"
			     "\\\\xff\",\"key_len\":7"))
		<< one.out;
	EXPECT_EQ(std::string::npos, one.out.find("plain"));

	Process p({support::dyn_entropy_program(), "compare", "--limit=9", a_.address(),
		b_.address()});
	const Outcome text = finish(p);
	EXPECT_NE(std::string::npos,
		text.out.find(
			"missing in B: \"a\\\"b\\\\\\n\\x01\\xff\"\nmissing in B: \"plain\"\n"))
		<< text.out;
}

TEST_F(Compare, ManyKeysInAnotherOrderAreEqual)
{
	/* Small sets are hash tables, whose order is each server's own. */
	std::vector<Args> commands;

	for (size_t i = 0; i < 20000; i++)
		commands.push_back({"SADD", "set" + std::to_string(i), "a", "b", "c", member(i)});
	ca_.pipeline(commands);
	for (Args &args : commands)
		std::reverse(args.begin() + 2, args.end());
	cb_.pipeline(commands);
	const Outcome equal = compare_both();
	EXPECT_EQ(kEqual, equal.code) << equal.out << equal.err;

	cb_.cmd("SREM", "set19999", "a");
	const Outcome differ = compare_both();
	EXPECT_EQ(kDiffer, differ.code);
	EXPECT_EQ(1, differ.number("differ"));
}

#if !SANITIZED
TEST_F(Compare, LargeValuesAreNotHeldInMemory)
{
	const std::string value(100000000, 'x');

	cb_.cmd("CONFIG", "SET", "rdbcompression", "no");
	both({"SET", "key", value});
	std::string output;
	EXPECT_EQ(kEqual,
		support::run({"/bin/sh", "-c",
				     "ulimit -v 90000; exec " + support::dyn_entropy_program() +
					     " compare " + a_.address() + " " + b_.address()},
			&output))
		<< output;
}
#endif

/* ---- Keys that move ---- */

struct Hook {
	std::function<void()> once;
	uint64_t after = 0; /* keys seen in A */
	std::vector<std::string> differing;

	static void progress(void *arg, const struct compare_result *so_far)
	{
		Hook *h = static_cast<Hook *>(arg);

		if (h->once && so_far->keys[SIDE_A] >= h->after) {
			h->once();
			h->once = nullptr;
		}
	}
	static void difference(void *arg, enum compare_verdict verdict, const char *key, size_t len)
	{
		Hook *h = static_cast<Hook *>(arg);

		h->differing.push_back(std::string(key, len) + " " + compare_verdict_word(verdict));
	}
};

/* Compare in this process, with something done in the midst of it. */
struct compare_result run_with(const RedisServer &a, const RedisServer &b, Hook &hook)
{
	const std::string address_a = a.address(), address_b = b.address();
	struct dyn_entropy_redis ea = {sizeof(ea), address_a.c_str(), nullptr, nullptr, 10000, nullptr};
	struct dyn_entropy_redis eb = {sizeof(eb), address_b.c_str(), nullptr, nullptr, 10000, nullptr};
	struct compare_options options = {Hook::difference, &hook, Hook::progress, &hook};
	struct compare_result result;
	struct dyn_entropy_error err = {};

	EXPECT_EQ(DYN_ENTROPY_OK, compare_run(&ea, &eb, &options, &result, &err)) << err.message;
	return result;
}

TEST_F(Compare, WhatHasBecomeEqualByTheSecondLookDoesNotCount)
{
	both({"SET", "same", "x"});
	ca_.cmd("SET", "late", "x");
	ca_.cmd("SET", "stays", "x");
	Hook hook;
	hook.once = [&] { cb_.cmd("SET", "late", "x"); };
	hook.after = 3;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(2u, r.second_looks);
	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(1u, compare_differing(&r));
	EXPECT_EQ(std::vector<std::string>{"stays missing_in_b"}, hook.differing);
}

TEST_F(Compare, AKeyThatIsDeletedOnBothSidesMeanwhileDoesNotCount)
{
	ca_.cmd("SET", "gone", "x");
	Hook hook;
	hook.once = [&] { ca_.cmd("DEL", "gone"); };
	hook.after = 1;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(0u, compare_differing(&r));
}

TEST_F(Compare, AKeyThatTheScanOfBothSidesSuspectsCountsOnce)
{
	both({"SET", "key", "x"});
	cb_.cmd("SET", "key", "y");
	Hook hook;
	/* The scan of A finds another value; then the scan of B finds A without it. */
	hook.once = [&] { ca_.cmd("DEL", "key"); };
	hook.after = 1;
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(1u, r.second_looks);
	EXPECT_EQ(std::vector<std::string>{"key missing_in_a"}, hook.differing);
}

TEST_F(Compare, AKeyThatExpiresMeanwhileDoesNotCount)
{
	const int64_t deadline = std::stoll(ca_.list("TIME")[0]) * 1000 + 3000;
	ca_.cmd("SET", "short", "x", "PXAT", deadline);
	ca_.cmd("SET", "lasting", "x", "PXAT", deadline + 1000000);
	Hook hook;
	hook.after = 2;
	hook.once = [&] {
		ASSERT_TRUE(support::wait_until(
			[&] { return ca_.cmd("PEXPIRETIME", "short") == "-2"; }));
	};
	const struct compare_result r = run_with(a_, b_, hook);

	EXPECT_EQ(2u, r.second_looks);
	EXPECT_EQ(1u, r.verdicts[COMPARE_SAME]);
	EXPECT_EQ(std::vector<std::string>{"lasting missing_in_b"}, hook.differing);
}

/* ---- When it cannot tell ---- */

TEST_F(Compare, AnUnreachableRedisIsUnclear)
{
	const std::string nobody = "127.0.0.1:" + std::to_string(support::free_port());
	const Outcome o = compare(a_.address(), nobody);

	EXPECT_EQ(kUnclear, o.code);
	EXPECT_NE(std::string::npos, o.err.find(nobody)) << o.err;
	EXPECT_NE(std::string::npos, o.out.find("\"result\":\"unclear\"")) << o.out;
}

TEST_F(Compare, ARedisThatDiesIsUnclear)
{
	ca_.cmd("DEBUG", "POPULATE", 200000, "k", 32);
	cb_.cmd("DEBUG", "POPULATE", 200000, "k", 32);
	Process p(
		{support::dyn_entropy_program(), "compare", "--json", a_.address(), b_.address()});
	ASSERT_TRUE(
		support::wait_until([&] { return std::stoi(cb_.info("connected_clients")) >= 2; }));
	b_.kill9();
	const Outcome o = finish(p);

	EXPECT_EQ(kUnclear, o.code) << o.out;
	EXPECT_NE(std::string::npos, o.err.find("could not tell")) << o.err;
}

TEST_F(Compare, ARedisThatAnswersNothingIsGivenUp)
{
	b_.pause();
	const auto begun = std::chrono::steady_clock::now();
	const Outcome o = compare(a_.address(), b_.address(), {"--timeout", "300"});
	b_.resume();

	EXPECT_EQ(kUnclear, o.code);
	EXPECT_LT(std::chrono::steady_clock::now() - begun,
		support::patient(std::chrono::seconds(10)));
}

TEST_F(Compare, AnInterruptEndsItWithinASecond)
{
	for (int signo : {SIGINT, SIGTERM}) {
		b_.pause();
		Process p({support::dyn_entropy_program(), "compare", "--json", a_.address(),
			b_.address()});
		/* It has come to B when the kernel has taken its connection and A knows it. */
		ASSERT_TRUE(support::wait_until(
			[&] { return std::stoi(ca_.info("connected_clients")) >= 2; }));
		const auto begun = std::chrono::steady_clock::now();
		p.signal(signo);
		const Outcome o = finish(p);
		b_.resume();

		EXPECT_EQ(kUnclear, o.code) << o.out << o.err;
		EXPECT_LT(std::chrono::steady_clock::now() - begun,
			support::patient(std::chrono::seconds(1)));
		ASSERT_TRUE(support::wait_until(
			[&] { return std::stoi(ca_.info("connected_clients")) == 1; }));
	}
}

TEST(ComparePasswords, FromFilesAndFromTheEnvironment)
{
	RedisServer a({"--requirepass", "password-of-a"}), b({"--requirepass", "password-of-b"});
	TempDir dir;
	const std::string file_a = dir.write("a", "password-of-a\n");
	const std::string file_b = dir.write("b", "password-of-b\nand more\n");
	const std::string empty = dir.write("empty", "\n");
	const auto code = [&](std::vector<std::string> more, std::vector<std::string> env = {}) {
		const Outcome o = compare(a.address(), b.address(), more, env);
		EXPECT_EQ(std::string::npos, (o.out + o.err).find("password-of")) << o.err;
		return o.code;
	};

	EXPECT_EQ(kUnclear, code({}));
	EXPECT_EQ(kUnclear, code({"--password-file", file_a}));
	EXPECT_EQ(kUnclear, code({"--password-file-a", empty, "--password-file-b", file_b}));
	EXPECT_EQ(kUnclear, code({"--password-file", dir.file("missing")}));
	EXPECT_EQ(kEqual, code({"--password-file", file_a, "--password-file-b", file_b}));
	EXPECT_EQ(kEqual,
		code({"--password-file-a", file_a}, {"DYN_ENTROPY_REDIS_PASSWORD=password-of-b"}));
	EXPECT_EQ(kEqual, code({}, {"DYN_ENTROPY_REDIS_PASSWORD=password-of-a",
					   "DYN_ENTROPY_REDIS_PASSWORD_B=password-of-b"}));
}

} // namespace
