/*
 * stats_listen: what a node tells of its entropy channel, who may ask for what, the bounds of the
 * server, and dyn-entropy status.
 */
#include "e2e/pair.h"
#include "support/http.h"
#include "support/json_at.h"
#include "support/node.h"
#include "support/text.h"
#include "support/wait.h"

#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <sys/resource.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

constexpr size_t kGuestsMax = 64; /* connections that the server has at a time */
const char kPing[] = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n";

/* The samples of a page of metrics: name and labels to value. */
std::map<std::string, double> samples(const std::string &page)
{
	std::map<std::string, double> all;
	std::istringstream lines(page);
	std::string line;

	while (std::getline(lines, line)) {
		if (line.rfind("# ", 0) == 0)
			continue;
		const support::Match m =
			support::match_of(line, "([a-z_]+(\\{[^ ]*\\})?) ([0-9.]+)");
		EXPECT_FALSE(m.empty()) << line;
		if (!m.empty()) {
			EXPECT_TRUE(all.emplace(m[1], std::stod(m[3])).second) << "twice: " << line;
		}
	}
	return all;
}

/* ---- What it tells ---- */

TEST(Stats, BothSidesTellOfARound)
{
	constexpr int kKeys = 500, kThere = 20;
	Pair pair;

	fill(pair.a_redis, kKeys);
	fill(pair.b_redis, kThere);
	pair.a.set("recon_interval_seconds", "300");
	pair.b.set("recon_interval_seconds", "300").peers({});
	pair.b.start();
	pair.a.start();
	ASSERT_TRUE(pair.a.wait_rounds(1));
	ASSERT_TRUE(wait_keys(pair.b_redis, kKeys));

	const std::string sent = http(stats_port(pair.a), "/entropy").body;
	EXPECT_EQ(json_at(sent, {"enabled"}), "true");
	EXPECT_EQ(json_number_at(sent, {"rounds"}), 1u);
	EXPECT_EQ(json_at(sent, {"peers", "0", "peer"}), pair.b.address());
	EXPECT_EQ(json_at(sent, {"peers", "0", "outcome"}), "closed");
	EXPECT_EQ(json_at(sent, {"peers", "0", "last_ok"}), "true");
	EXPECT_EQ(json_at(sent, {"peers", "0", "error"}), "null");
	EXPECT_EQ(json_number_at(sent, {"peers", "0", "keys_sent"}), uint64_t(kKeys));
	EXPECT_GT(json_number_at(sent, {"peers", "0", "bytes_sent"}), uint64_t(kKeys));
	EXPECT_NEAR(std::stod(json_at(sent, {"next_round"})), 290, 10.5);
	EXPECT_EQ(json_at(sent, {"peers", "1"}), "(none)");
	EXPECT_EQ(json_at(sent, {"senders", "0"}), "(none)");

	/* The receiver reports a connection a moment after closing it. */
	std::string got;
	ASSERT_TRUE(wait_until([&] {
		got = http(stats_port(pair.b), "/entropy").body;
		return json_at(got, {"senders", "0"}) != "(none)";
	})) << got;
	EXPECT_EQ(json_at(got, {"senders", "0", "sender"}), "127.0.0.1");
	EXPECT_EQ(json_number_at(got, {"senders", "0", "applied"}), uint64_t(kKeys - kThere));
	EXPECT_EQ(json_number_at(got, {"senders", "0", "kept"}), uint64_t(kThere));
	EXPECT_EQ(json_number_at(got, {"senders", "0", "failed"}), 0u);
	EXPECT_EQ(json_number_at(got, {"senders", "0", "bytes_received"}),
		json_number_at(sent, {"peers", "0", "bytes_sent"}));
	EXPECT_EQ(json_at(got, {"next_round"}), "null") << "it has no peer";

	const std::string info = http(stats_port(pair.a), "/info").body;
	EXPECT_EQ(json_at(info, {"service"}), "dynomite");
	EXPECT_EQ(json_at(info, {"dc"}), "localdc");
	EXPECT_EQ(json_number_at(info, {"entropy", "keys_sent"}), uint64_t(kKeys));
	EXPECT_EQ(json_at(info, {"state"}), "(none)") << "there is no proxy to have one";

	auto figures = samples(http(stats_port(pair.a), "/metrics").body);
	const std::string peer = "{peer=\"" + pair.b.address() + "\"}";
	EXPECT_EQ(figures["dynomite_entropy_rounds_total"], 1);
	EXPECT_EQ(figures["dynomite_entropy_peer_sent_keys_total" + peer], kKeys);
	EXPECT_EQ(figures["dynomite_entropy_peer_last_round_ok" + peer], 1);
	EXPECT_GT(figures["dynomite_resident_memory_bytes"], 1 << 20);
	figures = samples(http(stats_port(pair.b), "/metrics").body);
	EXPECT_EQ(figures["dynomite_entropy_sender_applied_commands_total{sender=\"127.0.0.1\"}"],
		kKeys - kThere);
	EXPECT_EQ(figures.count("dynomite_entropy_next_round_seconds"), 0u);
}

TEST(Stats, AFailedPeerIsToldWithTheReason)
{
	const uint16_t nobody = node_port();
	RedisServer redis;
	Node node(redis.address(), nullptr);

	fill(redis, 1);
	node.set("recon_interval_seconds", "300").peers({loopback(nobody)}).start();
	ASSERT_TRUE(node.wait_rounds(1));
	const std::string said = http(stats_port(node), "/entropy").body;
	EXPECT_EQ(json_at(said, {"peers", "0", "outcome"}), "unreached");
	EXPECT_EQ(json_at(said, {"peers", "0", "last_ok"}), "false");
	EXPECT_TRUE(holds(json_at(said, {"peers", "0", "error"}), "refused")) << said;
	EXPECT_EQ(json_number_at(said, {"peers", "0", "rounds_failed"}), 1u);
}

TEST(Stats, ARoundIsStartedOnRequest)
{
	RedisServer from, to;
	Node node(from.address(), nullptr), other(to.address(), nullptr);

	other.start();
	node.set("recon_interval_seconds", "300").peers({other.address()}).start();
	ASSERT_TRUE(node.wait_rounds(1));
	fill(from, 10);
	EXPECT_EQ(http(stats_port(node), "/entropy/run").code, 200);
	EXPECT_TRUE(wait_keys(to, 10));
	ASSERT_TRUE(node.wait_rounds(2));

	/* One that cannot end yet: the peer's Redis does not answer. */
	to.pause();
	fill(from, 20);
	EXPECT_EQ(http(stats_port(node), "/entropy/run").code, 200);
	const Http again = http(stats_port(node), "/entropy/run");
	EXPECT_EQ(again.code, 409);
	EXPECT_TRUE(holds(again.body, "running already")) << again.body;
	EXPECT_EQ(json_at(http(stats_port(node), "/entropy").body, {"running"}), "true");
	to.resume();
	EXPECT_TRUE(node.wait_rounds(3));

	const Http nobody = http(stats_port(other), "/entropy/run");
	EXPECT_EQ(nobody.code, 409);
	EXPECT_TRUE(holds(nobody.body, "no target")) << nobody.body;
}

TEST(Stats, WithoutChannelOrProxyItSaysSo)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.set("recon_enabled", "false").start();
	const uint16_t port = stats_port(node);
	EXPECT_EQ(http(port, "/entropy").body, "{\"enabled\":false}\n");
	EXPECT_EQ(json_at(http(port, "/info").body, {"entropy", "enabled"}), "false");
	samples(http(port, "/metrics").body);
	for (const char *path : {"/entropy/run", "/cluster_describe", "/get_consistency",
		     "/set_consistency/read/dc_one", "/peer/up/all", "/state/get_state",
		     "/state/normal"}) {
		const Http answer = http(port, path);

		EXPECT_EQ(answer.code, 409) << path;
		EXPECT_TRUE(holds(answer.body, "the configuration has no")) << answer.body;
	}
	EXPECT_EQ(http(port, "/entropy/run").code, 409);
	for (const char *path : {"/entropy/pause", "/entropy/resume", "/entropy/reconcile/all",
		     "/entropy/conflicts"}) {
		const Http answer = http(port, path);

		EXPECT_EQ(answer.code, 409) << path;
		EXPECT_TRUE(holds(answer.body, "this node has no sessions")) << answer.body;
	}
}

/* ---- Paths ---- */

TEST(Stats, HelpNamesThePathsAndNoOtherIsThere)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	const uint16_t port = stats_port(node);
	const Http help = http(port, "/help");
	ASSERT_EQ(help.code, 200);
	std::istringstream lines(help.body);
	std::string line;
	size_t n = 0;
	while (std::getline(lines, line)) {
		if (line[0] != '/')
			continue;
		EXPECT_NE(http(port, line.substr(0, line.find_first_of("{N"))).code, 404) << line;
		n++;
	}
	EXPECT_EQ(n, 19u);
	EXPECT_EQ(http(port, "/ping").body, "OK\n");
	EXPECT_EQ(http(port, "/ping?x=y").body, "OK\n");
	EXPECT_EQ(http(port, "/").body.substr(0, 11), "{\"service\":");
	EXPECT_EQ(http(port, "/ping", "", "127.0.0.1", "POST").code, 200);
	for (const char *path : {"/nope", "/ping/", "/ping/x", "/pingx", "/PING", "/info%00",
		     "/entropy/run/now", "/..", "/%2e%2e/etc/passwd", "/entropyrun"})
		EXPECT_EQ(http(port, path).code, 404) << path;
	for (const char *method : {"PUT", "DELETE", "HEAD", "OPTIONS", "X"})
		EXPECT_GE(http(port, "/ping", "", "127.0.0.1", method).code, 400) << method;
}

TEST(Stats, TheLogLevelIsChanged)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	const uint16_t port = stats_port(node);
	EXPECT_EQ(http(port, "/setloglevel/8").code, 200);
	EXPECT_TRUE(node.wait_log("log level is now 8, set by 127.0.0.1"));
	EXPECT_EQ(http(port, "/loglevelup").code, 200);
	EXPECT_TRUE(node.wait_log("log level is now 9"));
	EXPECT_EQ(http(port, "/logleveldown").code, 200);
	EXPECT_TRUE(node.wait_log("log level is now 8", 2));
	EXPECT_EQ(http(port, "/setloglevel/11").code, 200);
	for (const char *bad :
		{"12", "-1", "+1", "x", "", "1x", " 1", "99999999999999999999", "%0a"}) {
		const Http answer = http(port, std::string("/setloglevel/") + bad);

		EXPECT_EQ(answer.code, 400) << bad;
	}
	EXPECT_TRUE(holds(http(port, "/setloglevel/12").body, "allowed: 0..11"));
	EXPECT_EQ(node.logged("log level is now"), 4u);
}

/* ---- Who may change something ---- */

TEST(Stats, OnlyThisMachineChangesAnything)
{
	const std::string own = address_beyond_loopback();
	RedisServer redis;
	Node node(redis.address(), nullptr);

	if (own.empty())
		GTEST_SKIP() << "this machine has no address but loopback";
	/* A connection to that address also comes from it. */
	node.set("stats_listen", "0.0.0.0:0").start();
	EXPECT_EQ(http(stats_port(node), "/info", "", own).code, 200);
	for (const char *path :
		{"/setloglevel/11", "/loglevelup", "/logleveldown", "/peer/down/all",
			"/state/standby", "/set_consistency/read/dc_one", "/entropy/run",
			"/entropy/pause", "/entropy/reconcile/all", "/entropy/conflicts"}) {
		const Http answer = http(stats_port(node), path, "", own);

		EXPECT_EQ(answer.code, 403) << path;
		EXPECT_TRUE(holds(answer.body, "stats_admin: any")) << answer.body;
	}
	EXPECT_EQ(http(stats_port(node), "/state/get_state", "", own).code, 409) << "it only tells";
	EXPECT_EQ(node.logged("log level is now"), 0u);
	EXPECT_EQ(node.logged("control: refused to " + own + ": /loglevelup"), 1u);
	EXPECT_EQ(http(stats_port(node), "/loglevelup").code, 200);
	EXPECT_EQ(node.stop(), 0);

	node.set("stats_admin", "any").start();
	EXPECT_EQ(http(stats_port(node), "/loglevelup", "", own).code, 200);
}

TEST(Stats, AWebPageChangesNothing)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.set("stats_admin", "any").start();
	const uint16_t port = stats_port(node);
	for (const char *header : {"Origin: http://evil.example\r\n", "Origin: null\r\n",
		     "Referer: http://evil.example/x\r\n", "Sec-Fetch-Site: cross-site\r\n",
		     "sec-fetch-site: same-origin\r\n"}) {
		EXPECT_EQ(http(port, "/loglevelup", header).code, 403) << header;
		EXPECT_EQ(http(port, "/loglevelup", header, "127.0.0.1", "POST").code, 403);
		EXPECT_EQ(http(port, "/ping", header).code, 200) << header;
	}
	EXPECT_EQ(node.logged("log level is now"), 0u);
	EXPECT_EQ(http(port, "/loglevelup", "Sec-Fetch-Site: none\r\n").code, 200)
		<< "an address that was typed in";
}

/* ---- Bounds ---- */

TEST(Stats, MoreConnectionsThanThereIsRoomForWait)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	const uint16_t port = stats_port(node);
	EXPECT_EQ(http(port, "/ping").code, 200);
	const size_t before = node.descriptors();
	std::vector<std::unique_ptr<Socket>> silent;
	for (size_t i = 0; i < 2 * kGuestsMax; i++)
		silent.push_back(std::make_unique<Socket>(port));
	/* The first one's may have counted before. */
	EXPECT_TRUE(wait_until([&] { return node.descriptors() >= before + kGuestsMax - 1; }));
	/* It waits in the kernel's queue, with those that the node has not taken either. */
	Socket last(port);
	ASSERT_TRUE(last.send(kPing));
	EXPECT_LE(node.descriptors(), before + kGuestsMax + 4);
	silent.clear();
	EXPECT_EQ(read_http(last).code, 200);
	EXPECT_TRUE(wait_until([&] { return node.descriptors() <= before; }))
		<< node.descriptors() << " descriptors, " << before << " before";
	EXPECT_EQ(node.stop(), 0);
}

/* It rests, and goes on when there are descriptors again. */
TEST(Stats, WithoutDescriptorsItWaits)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	const uint16_t port = stats_port(node);
	EXPECT_EQ(http(port, "/ping").code, 200);
	const rlim_t some = node.descriptors() + 10;
	struct rlimit before, low;
	ASSERT_EQ(prlimit(node.process().pid(), RLIMIT_NOFILE, nullptr, &before), 0);
	low = {some, before.rlim_max};
	ASSERT_EQ(prlimit(node.process().pid(), RLIMIT_NOFILE, &low, nullptr), 0);
	std::vector<std::unique_ptr<Socket>> silent;
	for (size_t i = 0; i < 20; i++)
		silent.push_back(std::make_unique<Socket>(port));
	EXPECT_TRUE(node.wait_log("statistics: cannot accept: Too many open files", 2));
	silent.clear();
	EXPECT_EQ(http(port, "/ping").code, 200);
	EXPECT_EQ(node.stop(), 0);
}

TEST(Stats, ALongRequestIsRefused)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	const uint16_t port = stats_port(node);
	EXPECT_EQ(http(port, "/ping", "X: " + std::string(4000, 'x') + "\r\n").code, 200);
	EXPECT_EQ(http(port, "/ping", "X: " + std::string(100000, 'x') + "\r\n").code / 100, 4);
	EXPECT_EQ(http(port, "/" + std::string(100000, 'x')).code / 100, 4);
	Socket s(port);
	ASSERT_TRUE(s.send("POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"));
	EXPECT_EQ(read_http(s).code / 100, 4);
	for (const char *raw :
		{"GET\r\n\r\n", "\r\n\r\n", "GET /ping\r\n\r\n", "*1\r\n$4\r\nPING\r\n"}) {
		Socket bad(port);

		ASSERT_TRUE(bad.send(raw));
		EXPECT_NE(read_http(bad).code, 200) << raw;
	}
	EXPECT_EQ(http(port, "/ping").code, 200);
}

/* A byte now and then is activity, but the connection has only so long for all of it. */
TEST(Stats, ASlowRequestIsGivenUp)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	Socket slow(stats_port(node)), idle(stats_port(node));
	slow.send("GET /ping HTTP/1.1\r\nX: ");
	EXPECT_TRUE(wait_until(
		[&] {
			slow.send("x");
			return slow.ends(milliseconds(200));
		},
		seconds(30)));
	EXPECT_TRUE(idle.ends(milliseconds(1000)));
	EXPECT_EQ(http(stats_port(node), "/ping").code, 200);
}

TEST(Stats, APortThatIsTakenIsAFailureToStart)
{
	RedisServer redis;
	Node first(redis.address(), nullptr), second(redis.address(), nullptr);

	first.start();
	const std::string address = loopback(stats_port(first));
	second.set("stats_listen", address).launch();
	EXPECT_EQ(second.process().wait(), 1);
	EXPECT_EQ(second.logged("cannot start: statistics on " + address), 1u) << second.log();
	EXPECT_EQ(second.logged("stats_listen of its own"), 1u) << second.log();
	EXPECT_EQ(second.logged("started, pid"), 0u);
	EXPECT_EQ(http(stats_port(first), "/ping").code, 200);
}

TEST(Stats, StopsWithARequestUnderWay)
{
	RedisServer redis;
	Node node(redis.address(), nullptr);

	node.start();
	Socket half(stats_port(node)), silent(stats_port(node));
	ASSERT_TRUE(half.send("GET /in"));
	EXPECT_EQ(http(stats_port(node), "/ping").code, 200);
	EXPECT_EQ(node.stop(15, seconds(5)), 0) << node.log();
	EXPECT_TRUE(half.ends(milliseconds(1000)) && silent.ends(milliseconds(1000)));
}

} // namespace
} // namespace e2e
