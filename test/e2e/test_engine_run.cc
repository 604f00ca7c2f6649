/*
 * How dynomite starts and stops, in the foreground and in the background, and what it tells.
 */
#include "e2e/dataset.h"
#include "e2e/wire_client.h"
#include "support/node.h"
#include "support/resp.h"
#include "support/text.h"
#include "support/wait.h"

#include <csignal>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace e2e
{
namespace
{

using std::chrono::seconds;
using namespace support;

/* ---- Starting and stopping ---- */

/* The words are in the log in this order. */
void expect_order(const Node &node, const std::vector<std::string> &words)
{
	const std::string log = node.log();
	size_t at = 0;

	for (const std::string &w : words) {
		const size_t found = log.find(w, at);
		EXPECT_NE(found, std::string::npos) << "'" << w << "' is not in its place in\n"
						    << log;
		at = found == std::string::npos ? at : found;
	}
}

TEST(EngineRun, StartsAndStopsInAVisibleOrder)
{
	const KeyFiles keys;
	const RedisServer redis;
	Node node(redis.address(), &keys);

	node.peers({loopback(node_port())}).start();
	EXPECT_EQ(read_file(node.dir().file("pid")), std::to_string(node.process().pid()) + "\n");
	ASSERT_TRUE(node.wait_rounds(1)) << node.log();
	EXPECT_EQ(node.stop(), 0);
	expect_order(node,
		{"configuration " + node.conf_file(), "receiving on port", "a round to 1 targets now",
			"started, pid", "round 1:", "stopping on", "no round runs any more",
			"the receiver has stopped", "counted: ", "stopped"});
	EXPECT_FALSE(std::filesystem::exists(node.dir().file("pid")));
	EXPECT_GE(node.counted("rounds"), 1u);
}

/* ---- Signals, log and pid file ---- */

TEST(EngineSignals, HupReopensARenamedLog)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);
	const std::string path = node.dir().file("log");

	node.start();
	std::filesystem::rename(path, path + ".1");
	node.process().signal(SIGHUP);
	ASSERT_TRUE(wait_until([&] {
		return std::filesystem::exists(path) &&
		       holds(read_file(path), "the log was reopened");
	}));
	const std::string before = read_file(path + ".1");
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(read_file(path + ".1"), before);
	EXPECT_TRUE(holds(read_file(path), "stopped"));
}

TEST(EngineSignals, TtinAndTtouChangeTheLevel)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);

	node.arguments({"-v", "5"}).start();
	node.process().signal(SIGTTIN);
	EXPECT_TRUE(node.wait_log("log level is now 6")) << node.log();
	node.process().signal(SIGTTIN);
	EXPECT_TRUE(node.wait_log("log level is now 7")) << node.log();
	node.process().signal(SIGTTOU);
	EXPECT_TRUE(node.wait_log("log level is now 6", 2)) << node.log();
	EXPECT_EQ(node.stop(), 0);
}

TEST(EngineRun, ASecondOneWithTheSamePidFileIsRefused)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys), second("127.0.0.1:1", &keys);
	const std::string pid_file = node.dir().file("pid");

	node.start();
	second.arguments({"-p", pid_file}).launch();
	EXPECT_EQ(second.process().wait(), 1) << second.log();
	EXPECT_EQ(second.logged(pid_file + " is held by a running dynomite"), 1u) << second.log();
	EXPECT_EQ(read_file(pid_file), std::to_string(node.process().pid()) + "\n");
	EXPECT_EQ(node.stop(), 0);
	second.start();
	EXPECT_EQ(second.stop(), 0);
}

TEST(EngineRun, APidFileOfOneThatWasKilledIsNoHindrance)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);

	node.start();
	node.kill9();
	ASSERT_TRUE(std::filesystem::exists(node.dir().file("pid")));
	node.start();
	EXPECT_EQ(node.stop(), 0);
}

TEST(EngineRun, AFileOfSomethingElseIsNoPidFile)
{
	const KeyFiles keys;
	const TempDir dir;

	for (const char *text : {"dyn_o_mite:\n", "12 34\n", "-1\n", "12\n\n"}) {
		Node node("127.0.0.1:1", &keys);
		const std::string file = dir.write("precious", text);

		node.arguments({"-p", file}).launch();
		EXPECT_EQ(node.process().wait(), 1) << text;
		EXPECT_EQ(node.logged(file + " is not a pid file"), 1u) << node.log();
		EXPECT_EQ(read_file(file), text);
	}
	for (const char *text : {"", "1234567\n", "1234567"}) {
		Node node("127.0.0.1:1", &keys);
		const std::string file = dir.write("old", text);

		node.arguments({"-p", file}).start();
		EXPECT_EQ(read_file(file), std::to_string(node.process().pid()) + "\n");
		EXPECT_EQ(node.stop(), 0);
		EXPECT_FALSE(std::filesystem::exists(file));
	}
}

TEST(EngineRun, ATakenPortIsSaidAndEndsTheStart)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys), second("127.0.0.1:1", &keys, node.port());

	node.start();
	second.launch();
	EXPECT_EQ(second.process().wait(), 1);
	EXPECT_EQ(second.logged("cannot listen on " + second.address()), 1u) << second.log();
	EXPECT_TRUE(holds(second.process().err(), second.dir().file("log")))
		<< second.process().err();
	EXPECT_FALSE(std::filesystem::exists(second.dir().file("pid")));
}

/* ---- In the background ---- */

/* A process that is not our child: by its pid file. */
class Daemon
{
      public:
	explicit Daemon(const std::string &pid_file)
	    : pid_(static_cast<pid_t>(std::stol(read_file(pid_file))))
	{
	}
	~Daemon()
	{
		if (runs())
			kill(pid_, SIGKILL);
	}
	pid_t pid() const
	{
		return pid_;
	}
	/* Not as a zombie: its new parent may take its time. */
	bool runs() const
	{
		const std::string stat = "/proc/" + std::to_string(pid_) + "/stat";

		return kill(pid_, 0) == 0 && !holds(read_file(stat), ") Z ");
	}
	bool stop() const
	{
		kill(pid_, SIGTERM);
		return wait_until([this] { return !runs(); });
	}

      private:
	pid_t pid_;
};

TEST(EngineDaemon, ReturnsWhenItIsUpAndRunsOn)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys);

	node.arguments({"-d"}).launch();
	ASSERT_EQ(node.process().wait(), 0) << node.log();
	const Daemon daemon(node.dir().file("pid"));
	EXPECT_NE(daemon.pid(), node.process().pid());
	EXPECT_EQ(node.logged("started, pid " + std::to_string(daemon.pid())), 1u) << node.log();
	EXPECT_NE(getsid(daemon.pid()), getsid(0));
	EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(daemon.pid()) + "/fd/2"),
		"/dev/null");
	WireClient client(node.port()); /* it serves */
	EXPECT_TRUE(daemon.stop());
	EXPECT_EQ(node.logged("stopped"), 2u) << node.log();
	EXPECT_FALSE(std::filesystem::exists(node.dir().file("pid")));
}

TEST(EngineDaemon, AFailedStartShowsInStatusAndOnStandardError)
{
	const KeyFiles keys;
	Node node("127.0.0.1:1", &keys), second("127.0.0.1:1", &keys, node.port());

	node.start();
	second.arguments({"-d"}).launch();
	EXPECT_EQ(second.process().wait(), 1);
	EXPECT_TRUE(holds(second.process().err(), second.dir().file("log")));
	Process unlogged({dynomite_program(), "-d", "-c", second.conf_file()});
	EXPECT_EQ(unlogged.wait(), 1);
	EXPECT_TRUE(holds(unlogged.err(), "cannot listen on " + second.address()))
		<< unlogged.err();
	EXPECT_TRUE(holds(unlogged.err(), "-d without -o")) << unlogged.err();
	EXPECT_FALSE(holds(second.process().err(), "-d without -o")) << second.process().err();
}

/* ---- Whom it runs as, and what it keeps to itself ---- */

/* The program and its library where any user may read them. */
std::string readable_copy(const TempDir &to)
{
	namespace fs = std::filesystem;
	const fs::path program = dynomite_program();
	const fs::path libs = program.parent_path() / ".libs";
	const bool in_build_tree = fs::exists(libs / "dynomite");

	chmod(to.path().c_str(), 0755);
	if (in_build_tree)
		for (const auto &entry : fs::directory_iterator(libs))
			if (holds(entry.path().filename().string(), ".so."))
				fs::copy_file(fs::canonical(entry.path()),
					fs::path(to.path()) / entry.path().filename(),
					fs::copy_options::overwrite_existing);
	fs::copy_file(in_build_tree ? libs / "dynomite" : program, to.file("dynomite"));
	return to.file("dynomite");
}

TEST(EngineRun, AsAnOrdinaryUser)
{
	const std::string nobody = "65534";
	const TempDir dir;
	const std::string program = readable_copy(dir);
	const std::string key = dir.write("key", "a key of an ordinary user\n");
	const std::string conf = dir.write("dynomite.yml",
		yaml({
			{"servers", yaml_list({"127.0.0.1:1:1"})},
			{"recon_enabled", "true"},
			{"recon_listen", loopback(node_port())},
			{"recon_peers", "[]"},
			{"recon_key_file", key},
			{"recon_iv_file", key},
			{"recon_spool_dir", "/tmp"},
		}),
		0644);
	std::vector<std::string> argv = {program, "-c", conf};

	if (getuid() == 0) {
		ASSERT_EQ(chown(key.c_str(), 65534, 65534), 0);
		argv.insert(argv.begin(),
			{"setpriv", "--reuid=" + nobody, "--regid=" + nobody, "--clear-groups"});
	}
	Process process(argv, {"LD_LIBRARY_PATH=" + dir.path()});
	ASSERT_TRUE(process.wait_output("started, pid")) << process.output();
	process.signal(SIGTERM);
	EXPECT_EQ(process.wait(), 0) << process.output();
	EXPECT_TRUE(holds(process.err(), "the receiver has stopped")) << process.err();
}

/* At the highest level, through success and failure. */
TEST(EngineRun, TheLogTellsNoSecret)
{
	const std::string password = "corr3ct-h0rse";
	const KeyFiles keys;
	RedisServer redis({"--requirepass", password}), other_redis({"--requirepass", password});
	RedisClient client = redis.connect(), other_client = other_redis.connect();
	Node node(redis.address(), &keys), other(other_redis.address(), &keys);

	write_every_type(client);
	write_strings(other_client, 10, 20);
	for (Node *n : {&node, &other})
		n->set("requirepass", password).arguments({"-v", "11"});
	node.peers({other.address()});
	other.peers({node.address()}).start();
	node.start();
	ASSERT_TRUE(node.wait_log("keys in", 2)) << node.log();
	ASSERT_TRUE(other.wait_log("keys in", 2)) << other.log();
	/* Refused: not the right key; not the right command; a payload that Redis refuses. */
	const KeyFiles wrong;
	const std::string secret = std::string(kDatasetPrefix) + kDatasetSecret;
	send_whole(node.port(), whole_stream(&wrong, secret));
	send_whole(node.port(), whole_stream(&keys, secret));
	send_whole(node.port(), whole_stream(&keys, resp({"SET", secret, secret})));
	send_whole(
		node.port(), whole_stream(&keys, resp({"RESTORE", secret, "0", secret, "ABSTTL"})));
	ASSERT_TRUE(node.wait_log("not applied", 4)) << node.log();
	EXPECT_EQ(node.stop(), 0);
	EXPECT_EQ(other.stop(), 0);
	for (const Node *n : {&node, &other})
		for (const std::string &never :
			{password, std::string(kDatasetPrefix), std::string(kDatasetSecret),
				keys.key(), keys.key().substr(0, 16), keys.iv().substr(0, 16)})
			EXPECT_EQ(n->logged(never), 0u) << n->log_lines(never).at(0);
}

} // namespace
} // namespace e2e
