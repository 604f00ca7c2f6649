#include "proxy/admit.h"
#include "support/request.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

using support::Args;
using support::Request;

const proxy_state states[] = {PROXY_NORMAL, PROXY_STANDBY, PROXY_WRITES_ONLY, PROXY_RESUMING};

/* The error for the asker; "" when the request is carried out. */
std::string told(const Request &r, admit_asker asker, proxy_state state = PROXY_NORMAL)
{
	char why[ADMIT_WHY_MAX] = "";

	return admit_request(state, r, asker, why) ? "" : why;
}

TEST(Admit, ReadsAndWritesByTheStateOfTheNode)
{
	for (const admit_asker asker : {ADMIT_CLIENT, ADMIT_NODE}) {
		EXPECT_EQ(told(Request("GET k"), asker), "");
		EXPECT_EQ(told(Request("SET k v"), asker), "");
		EXPECT_EQ(told(Request("GET k"), asker, PROXY_STANDBY),
			"dynomite: the node is in standby");
		EXPECT_EQ(told(Request("SET k v"), asker, PROXY_STANDBY),
			"dynomite: the node is in standby");
		for (const proxy_state state : {PROXY_WRITES_ONLY, PROXY_RESUMING}) {
			EXPECT_EQ(told(Request("GET k"), asker, state),
				"dynomite: the node takes writes only");
			EXPECT_EQ(told(Request("SORT k"), asker, state),
				"dynomite: the node takes writes only");
			EXPECT_EQ(told(Request("SORT k STORE d"), asker, state), "");
		}
	}
}

/* A client is answered whatever the state; a node has no use for it. */
TEST(Admit, WhatTheProxyAnswersItself)
{
	for (const proxy_state state : states) {
		EXPECT_EQ(told(Request("PING"), ADMIT_CLIENT, state), "");
		EXPECT_EQ(told(Request("PING"), ADMIT_NODE, state), "dynomite: not a data command");
	}
}

struct Refused {
	const char *line;
	const char *words;
	bool as_redis; /* errors for a client do not contain our name */
};

const Refused refused[] = {
	{"NOSUCH a b", "unknown command 'NOSUCH', with args beginning with: 'a' 'b' ", true},
	{"get", "wrong number of arguments for 'get' command", true},
	{"XGROUP CREATE k", "wrong number of arguments for 'xgroup|create' command", true},
	{"FLUSHALL", "it would empty a whole ring; flush each redis-server", false},
	{"CLIENT KILL x", "the proxy serves no such subcommand; connect to a redis-server directly",
		false},
	{"EVAL s x", "value is not an integer or out of range, or the keys are missing", true},
};

TEST(Admit, ClientsAndNodesAreToldTheSame)
{
	for (const Refused &r : refused)
		for (const proxy_state state : states) {
			const std::string words = r.words;

			EXPECT_EQ(told(Request(r.line), ADMIT_CLIENT, state),
				(r.as_redis ? "" : "dynomite: ") + words);
			EXPECT_EQ(told(Request(r.line), ADMIT_NODE, state), "dynomite: " + words);
		}
}

TEST(Admit, ShowsOnlyTheBeginningOfWhatItDoesNotKnow)
{
	for (const admit_asker asker : {ADMIT_CLIENT, ADMIT_NODE}) {
		const std::string said =
			told(Request(Args{std::string(1000, 'n'), std::string(100, 'a'),
				     std::string(1000, 'b'), "c"}),
				asker);

		EXPECT_NE(said.find("'" + std::string(128, 'n') + "'"), std::string::npos) << said;
		EXPECT_EQ(said.find(std::string(129, 'n')), std::string::npos);
		EXPECT_EQ(said.find(std::string(100, 'b')), std::string::npos);
		EXPECT_EQ(said.find("'c'"), std::string::npos);
		EXPECT_LT(said.size(), ADMIT_WHY_MAX - 1u) << "nothing is cut off";
	}
}

TEST(Admit, WhatIsNoRequestIsNoCommand)
{
	char why[ADMIT_WHY_MAX] = "";
	struct request nothing = {};

	nothing.fault = REQUEST_FAULT_UNKNOWN;
	EXPECT_FALSE(admit_request(PROXY_NORMAL, &nothing, ADMIT_NODE, why));
	EXPECT_STREQ(why, "dynomite: it is not a request");
}

} // namespace
