/* dyn-entropy: its command line, push and receive between them, keygen, conf, and its page. */
#include "e2e/dataset.h"
#include "e2e/tool.h"
#include "support/net.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/wait.h"
#include "tools/progress.h"

#include <arpa/inet.h>
#include <chrono>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using std::chrono::seconds;
using support::Process;
using support::read_file;
using support::RedisClient;
using support::RedisServer;
using namespace tool;

namespace
{

/* ---- keygen ---- */

TEST_F(Tool, KeygenMakesPrivateFilesAndNeverOverwrites)
{
	for (const char *name : {"key", "iv"}) {
		struct stat st;

		ASSERT_EQ(0, stat(dir_.file(name).c_str(), &st));
		EXPECT_EQ(0600u, st.st_mode & 0777);
	}
	const std::string key = read_file(dir_.file("key"));
	std::string output;

	EXPECT_NE(key, read_file(dir_.file("iv")));
	EXPECT_EQ(kFailed, run(Words{"keygen"} + keys_, &output));
	EXPECT_NE(std::string::npos, output.find(dir_.file("key"))) << output;
	EXPECT_EQ(key, read_file(dir_.file("key")));
	EXPECT_EQ(kFailed, run({"keygen", "--key-file", dir_.file("new"), "--iv-file",
				       dir_.file("iv"), "--json"},
				   &output));
	EXPECT_EQ("false", json(output, "result", "ok")) << output;
}

/* ---- A file to a file ---- */

TEST_F(Tool, AFileArrivesByteForByte)
{
	const std::string bytes = random_bytes(3000017);
	const std::string in = dir_.write("in", bytes), out = dir_.file("out");

	for (const Words &how : {keys_, Words{"--plaintext"}}) {
		Receiver r(Words{"--out", out, "--force"} + how);
		std::string output;

		EXPECT_EQ(kDone, run(Words{"push", "--json", "--rate", "0", "--file", in, "--to",
					     r.address(), "--buffer-size", "4K", "--header-size",
					     "8", "--bind", "127.0.0.1:0"} +
						 how,
					 &output))
			<< output;
		EXPECT_EQ(kDone, r.process.wait()) << r.process.output();
		EXPECT_EQ(bytes, read_file(out));
		EXPECT_EQ("closed", json(output, "peer", "outcome"));
		EXPECT_EQ("3000017", json(output, "result", "bytes"));
		EXPECT_EQ("3000017", json(r.process.out(), "result", "bytes"));
	}
	EXPECT_EQ((std::set<std::string>{"in", "out", "key", "iv"}), names(dir_.path()));
}

TEST_F(Tool, OutIsNotReplacedUnlessForced)
{
	const std::string out = dir_.write("out", "precious");
	std::string output;

	EXPECT_EQ(kFailed,
		run({"receive", "--listen", "127.0.0.1:0", "--plaintext", "--out", out}, &output));
	EXPECT_NE(std::string::npos, output.find("--force")) << output;

	/* A file that appears while it waits is kept too, and the sender learns of it. */
	const std::string in = dir_.write("in", "bytes"), late = dir_.file("late");
	Receiver r({"--plaintext", "--out", late, "--wait", "60"});
	dir_.write("late", "precious");
	EXPECT_EQ(
		kFailed, run({"push", "--plaintext", "--file", in, "--to", r.address()}, &output));
	EXPECT_NE(std::string::npos, output.find("push: " + r.address() + ": ")) << output;
	r.process.signal(SIGTERM);
	EXPECT_EQ(kFailed, r.process.wait());
	EXPECT_EQ("precious", read_file(late));
	EXPECT_EQ("precious", read_file(out));
	EXPECT_EQ((std::set<std::string>{"in", "out", "late", "key", "iv"}), names(dir_.path()));
}

TEST_F(Tool, SeveralSnapshotsAreAppendedAndNamedWhenComplete)
{
	const std::string out = dir_.file("out");
	const Words push = {"push", "--plaintext", "--to"};
	Receiver r({"--plaintext", "--out", out, "--count", "3"});

	for (const char *text : {"one,", "two,", "three"}) {
		EXPECT_EQ(0u, names(dir_.path()).count("out"));
		EXPECT_EQ(kDone, run(push + Words{r.address(), "--file", dir_.write("in", text)}));
	}
	EXPECT_EQ(kDone, r.process.wait());
	EXPECT_EQ("one,two,three", read_file(out));
}

TEST_F(Tool, AKnockIsNoSnapshot)
{
	RedisServer empty;
	Receiver r(Words{"--plaintext", "--out", dir_.file("out")});

	EXPECT_EQ(kDone,
		run({"push", "--plaintext", "--redis", empty.address(), "--to", r.address()}));
	EXPECT_EQ(kDone, run({"push", "--plaintext", "--file", dir_.write("in", "bytes"), "--to",
				 r.address()}));
	EXPECT_EQ(kDone, r.process.wait());
	EXPECT_EQ("1", json(r.process.out(), "result", "snapshots"));
	EXPECT_EQ("bytes", read_file(dir_.file("out")));
}

TEST_F(Tool, WhatAnInterruptedReceiveHasTakenStays)
{
	Receiver r({"--plaintext", "--out", dir_.file("out"), "--count", "2"});

	EXPECT_EQ(kDone, run({"push", "--plaintext", "--to", r.address(), "--file",
				 dir_.write("in", "first")}));
	r.process.signal(SIGINT);
	EXPECT_EQ(kFailed, r.process.wait());
	const std::string err = r.process.err();
	const Words m = match(err, "received is in ([^ \n]+)");
	ASSERT_FALSE(m.empty()) << err;
	EXPECT_EQ("first", read_file(m[1]));
	EXPECT_NE(std::string::npos, err.find("interrupted after 1 of 2 snapshots")) << err;
}

TEST_F(Tool, ReceiveGivesUpWaiting)
{
	std::string output;

	EXPECT_EQ(kFailed, run({"receive", "--listen", "127.0.0.1:0", "--plaintext", "--discard",
				       "--count", "1", "--wait", "1"},
				   &output));
	EXPECT_NE(std::string::npos, output.find("gave up after 0 of 1 snapshots")) << output;
}

/* ---- Redis to Redis ---- */

class ToolHeals : public Tool, public testing::WithParamInterface<const char *>
{
};

TEST_P(ToolHeals, EveryTypeFromEachSource)
{
	const std::string source = GetParam();
	RedisServer from, to({"--requirepass", "secret of to"});
	RedisClient client = from.connect();
	e2e::write_every_type(client);
	to.connect().set("there already", "kept");
	const std::string password = dir_.write("password", "secret of to\n");
	Words what = {"--redis", from.socket_path(), "--source", source};
	if (source == "rdb") {
		client.cmd("SAVE");
		what = {"--rdb", from.dir() + "/dump.rdb"};
	}

	Receiver r(Words{"--redis", to.address(), "--password-file", password} + keys_);
	std::string output;
	EXPECT_EQ(kDone, run(Words{"push", "--json", "--rate", "0", "--segment-bytes", "100K",
				     "--to", r.address()} +
					 what + keys_,
				 &output))
		<< output << r.process.output();
	EXPECT_EQ(std::to_string(client.dbsize()), json(output, "result", "keys"));
	r.process.signal(SIGTERM);
	EXPECT_EQ(kDone, r.process.wait(seconds(1))) << r.process.output();
	EXPECT_EQ(
		json(output, "result", "snapshots"), json(r.process.out(), "result", "snapshots"));
	EXPECT_EQ("kept", to.connect().get("there already"));
	EXPECT_EQ(1, run({"compare", "--json", from.address(), to.address(), "--password-file-b",
				 password},
			     &output));
	EXPECT_EQ("1", json(output, "result", "differ")) << output;
	EXPECT_EQ("1", json(output, "result", "missing_in_a")) << output;
}

INSTANTIATE_TEST_SUITE_P(Sources, ToolHeals, testing::Values("scan", "sync", "rdb"),
	[](const testing::TestParamInfo<const char *> &p) { return std::string(p.param); });

TEST_F(Tool, DataCommandsAreTakenOnlyWhenAccepted)
{
	RedisServer to;
	const std::string in = dir_.write("in", "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n");

	for (const char *accept : {"restore", "data"}) {
		const bool data = std::string(accept) == "data";
		Receiver r({"--plaintext", "--redis", to.address(), "--accept", accept});

		EXPECT_EQ(data ? kDone : kFailed,
			run({"push", "--plaintext", "--file", in, "--to", r.address()}));
		EXPECT_EQ(data ? "value" : "(nil)", to.connect().get("key"));
	}
}

TEST_F(Tool, AnotherKeyIsRefusedAndAppliesNothing)
{
	RedisServer from, to;
	from.connect().set("key", "value");
	const Words others = {"--key-file", dir_.file("key2"), "--iv-file", dir_.file("iv2")};
	ASSERT_EQ(kDone, run(Words{"keygen"} + others));
	Receiver r(Words{"--redis", to.address()} + keys_);
	std::string output;

	EXPECT_EQ(kFailed,
		run(Words{"push", "--json", "--redis", from.address(), "--to", r.address()} +
				others,
			&output));
	EXPECT_EQ("refused", json(output, "peer", "outcome")) << output;
	EXPECT_EQ("false", json(output, "result", "ok")) << output;
	ASSERT_TRUE(r.process.wait_output("\"event\":\"snapshot\""));
	EXPECT_EQ("false", json(r.process.out(), "snapshot", "ok"));
	EXPECT_EQ(0, to.connect().dbsize());
}

TEST_F(Tool, EveryPeerIsServedThoughOneIsDown)
{
	RedisServer from;
	from.connect().set("key", "value");
	Receiver r({"--plaintext", "--discard"});
	const std::string nobody = "127.0.0.1:" + std::to_string(support::free_port());
	std::string output;

	EXPECT_EQ(kFailed, run({"push", "--json", "--plaintext", "--redis", from.address(), "--to",
				       nobody, "--to", r.address()},
				   &output));
	EXPECT_EQ("2", json(output, "result", "peers"));
	EXPECT_EQ("1", json(output, "result", "failed"));
	EXPECT_EQ(r.address(), json(output, "peer", "peer"));
	EXPECT_EQ("true", json(output, "peer", "ok"));
	EXPECT_NE(
		std::string::npos, output.find(nobody + "\",\"ok\":false,\"outcome\":\"unreached"))
		<< output;
}

TEST_F(Tool, TheSampleKeyGoesNowhereButToLoopback)
{
	const Words sample = {"--key-file", support::source_file("conf/recon_key.pem"), "--iv-file",
		support::source_file("conf/recon_iv.pem")};
	const std::string in = dir_.write("in", "bytes");
	std::string output;

	EXPECT_EQ(kFailed,
		run(Words{"push", "--file", in, "--to", "192.0.2.1:8105"} + sample, &output));
	EXPECT_NE(std::string::npos, output.find("sample key")) << output;
	EXPECT_EQ(kFailed,
		run(Words{"receive", "--discard", "--listen", "0.0.0.0:0"} + sample, &output));
	EXPECT_NE(std::string::npos, output.find("sample key")) << output;
	EXPECT_EQ(kFailed,
		run(Words{"push", "--file", in, "--to", "127.0.0.1:1", "--bind", "192.0.2.1"} +
				sample,
			&output));
	EXPECT_NE(std::string::npos, output.find("192.0.2.1:0 is beyond this machine")) << output;
	Receiver r(Words{"--discard", "--count", "1"} + sample);
	EXPECT_EQ(kDone, run(Words{"push", "--file", in, "--to", r.address()} + sample, &output))
		<< output;
	EXPECT_EQ(kDone, r.process.wait());
}

/* ---- Being interrupted ---- */

/* A peer that reads what it is sent and does not answer. */
class SilentPeer
{
      public:
	SilentPeer()
	{
		struct sockaddr_in sa = {};

		sa.sin_family = AF_INET;
		sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		socklen_t len = sizeof(sa);
		if (bind(fd_, reinterpret_cast<struct sockaddr *>(&sa), len) != 0 ||
			listen(fd_, 5) != 0 ||
			getsockname(fd_, reinterpret_cast<struct sockaddr *>(&sa), &len) != 0)
			throw std::runtime_error("cannot listen");
		port_ = ntohs(sa.sin_port);
	}
	~SilentPeer()
	{
		close(fd_);
		for (int fd : taken_)
			close(fd);
	}
	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port_);
	}
	/* Take a connection, and the first bytes on it. */
	bool take()
	{
		struct pollfd p = {fd_, POLLIN, 0};
		char bytes[20];

		if (poll(&p, 1, support::patient_ms(10000)) != 1)
			return false;
		taken_.push_back(accept(fd_, nullptr, nullptr));
		p.fd = taken_.back();
		return poll(&p, 1, support::patient_ms(10000)) == 1 &&
		       recv(p.fd, bytes, sizeof(bytes), 0) > 0;
	}

      private:
	int fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint16_t port_ = 0;
	std::vector<int> taken_;
};

TEST_F(Tool, AnInterruptEndsAPushWithinASecond)
{
	RedisServer from;
	SilentPeer peer;
	from.connect().set("key", "value");
	for (int signo : {SIGINT, SIGTERM}) {
		Process p(command({"push", "--json", "--plaintext", "--redis", from.address(),
			"--to", peer.address()}));
		ASSERT_TRUE(peer.take());
		p.signal(signo);
		EXPECT_EQ(kFailed, p.wait(seconds(1))) << p.output();
		EXPECT_EQ("false", json(p.out(), "result", "ok"));
	}
}

TEST_F(Tool, AnInterruptEndsAReceiveWithinASecondWhateverItsRedisDoes)
{
	RedisServer from, to;
	from.connect().set("key", "value");
	Receiver r({"--plaintext", "--redis", to.address()});
	RedisClient client = to.connect();
	ASSERT_EQ("OK", client.cmd("CLIENT", "PAUSE", 600000, "WRITE"));
	Process p(command({"push", "--plaintext", "--redis", from.address(), "--to", r.address()}));
	ASSERT_TRUE(support::wait_until([&] {
		return std::stoi(client.info("blocked_clients")) > 0;
	})) << p.output()
	    << r.process.output();
	r.process.signal(SIGTERM);
	EXPECT_EQ(kDone, r.process.wait(seconds(1))) << r.process.output();
	EXPECT_EQ("0", json(r.process.out(), "result", "snapshots"));
	EXPECT_EQ(kFailed, p.wait()) << p.output();
}

} // namespace
