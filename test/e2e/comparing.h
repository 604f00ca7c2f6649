/*
 * comparing - two Redis, and dyn-entropy compare run over them.
 */
#ifndef TEST_E2E_COMPARING_H
#define TEST_E2E_COMPARING_H

#include "support/process.h"
#include "support/redis_server.h"

#include <chrono>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace comparing
{

using Args = support::RedisClient::Args;

constexpr int kEqual = 0, kDiffer = 1, kUnclear = 2;

struct Outcome {
	int code;
	std::string out; /* standard output */
	std::string err;

	/* A number of the result object; -1 when it is not there. */
	long number(const std::string &field) const
	{
		const size_t result = out.find("\"event\":\"result\"");
		const size_t at = out.find("\"" + field + "\":", result);

		if (result == std::string::npos || at == std::string::npos)
			return -1;
		return std::stol(out.substr(at + field.size() + 3));
	}
};

inline Outcome finish(support::Process &p)
{
	const int code = p.wait(std::chrono::seconds(120));

	return {code, p.out(), p.err()};
}

inline Outcome compare(const std::string &a, const std::string &b,
	std::vector<std::string> more = {}, std::vector<std::string> env = {})
{
	std::vector<std::string> argv = {support::dyn_entropy_program(), "compare", a, b, "--json"};

	argv.insert(argv.end(), more.begin(), more.end());
	support::Process p(argv, env);
	return finish(p);
}

inline std::string member(size_t i)
{
	return "member " + std::to_string(i);
}

/* Two Redis and a client of each. */
class Compare : public testing::Test
{
      protected:
	support::RedisServer a_{{"--enable-debug-command", "yes"}},
		b_{{"--enable-debug-command", "yes"}};
	support::RedisClient ca_ = a_.connect(), cb_ = b_.connect();

	Outcome compare_both(std::vector<std::string> more = {})
	{
		return compare(a_.address(), b_.address(), more);
	}

	void both(const Args &args)
	{
		for (support::RedisClient *c : {&ca_, &cb_}) {
			const support::RedisReply r = c->call(args);
			ASSERT_NE(REDIS_REPLY_ERROR, r->type) << args[0] << ": " << r->str;
		}
	}

	/* Bring each key of A to B, as DUMP and RESTORE do. */
	void copy_all()
	{
		for (const std::string &key : ca_.list("KEYS", "*")) {
			const std::string payload = ca_.cmd("DUMP", key);
			const std::string deadline = ca_.cmd("PEXPIRETIME", key);

			cb_.cmd("RESTORE", key, deadline == "-1" ? "0" : deadline, payload,
				"ABSTTL");
		}
	}
};

} // namespace comparing

#endif
