/* dyn-entropy: its command line, push and receive between them, keygen, conf, and its page. */
#include "e2e/dataset.h"
#include "support/net.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/wait.h"
#include "tools/progress.h"

#include <arpa/inet.h>
#include <chrono>
#include <dirent.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <regex.h>
#include <set>
#include <sstream>
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
using support::TempDir;
using Words = std::vector<std::string>;

namespace
{

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

Words command(const Words &args)
{
	Words argv = {support::dyn_entropy_program()};

	argv.insert(argv.end(), args.begin(), args.end());
	return argv;
}

int run(const Words &args, std::string *output = nullptr)
{
	return support::run(command(args), output);
}

Words operator+(Words a, const Words &b)
{
	a.insert(a.end(), b.begin(), b.end());
	return a;
}

Words lines(const std::string &text)
{
	std::istringstream in(text);
	Words all;

	for (std::string line; std::getline(in, line);)
		all.push_back(line);
	return all;
}

/* What an extended regular expression finds in a text, and its groups; empty when nothing. */
Words match(const std::string &text, const std::string &expression)
{
	regex_t e;
	regmatch_t groups[5];
	Words found;

	if (regcomp(&e, expression.c_str(), REG_EXTENDED) != 0)
		throw std::runtime_error("not an expression: " + expression);
	if (regexec(&e, text.c_str(), 5, groups, 0) == 0) {
		for (const regmatch_t &g : groups) {
			const size_t from = static_cast<size_t>(g.rm_so);

			found.push_back(g.rm_so < 0 ? ""
						    : text.substr(from,
							      static_cast<size_t>(g.rm_eo) - from));
		}
	}
	regfree(&e);
	return found;
}

/* The value of a field of the last object of an event; "" when there is none. */
std::string json(const std::string &out, const std::string &event, const std::string &field)
{
	std::string value;

	for (const std::string &line : lines(out)) {
		const Words m = match(line, "\"" + field + "\":(\"([^\"]*)\"|[^,}]*)");

		if (line.find("{\"event\":\"" + event + "\"") == 0 && !m.empty())
			value = m[1][0] == '"' ? m[2] : m[1];
	}
	return value;
}

/* Names in a directory. */
std::set<std::string> names(const std::string &path)
{
	std::set<std::string> all;
	DIR *d = opendir(path.c_str());

	for (struct dirent *e = readdir(d); e != nullptr; e = readdir(d))
		if (e->d_name[0] != '.')
			all.insert(e->d_name);
	closedir(d);
	return all;
}

std::string random_bytes(size_t n)
{
	std::ifstream in("/dev/urandom", std::ios::binary);
	std::string bytes(n, '\0');

	in.read(&bytes[0], static_cast<std::streamsize>(n));
	return bytes;
}

/* A receive with --json, and where it listens. */
class Receiver
{
      public:
	explicit Receiver(const Words &args)
	    : process(command(Words{"receive", "--listen", "127.0.0.1:0", "--json"} + args))
	{
		if (!process.wait_output("\"event\":\"listening\""))
			throw std::runtime_error("it does not listen: " + process.output());
		port = json(process.out(), "listening", "port");
	}
	std::string address() const
	{
		return "127.0.0.1:" + port;
	}

	Process process;
	std::string port;
};

class Tool : public testing::Test
{
      protected:
	TempDir dir_;
	Words keys_ = {"--key-file", dir_.file("key"), "--iv-file", dir_.file("iv")};

	void SetUp() override
	{
		ASSERT_EQ(kDone, run(Words{"keygen"} + keys_));
	}
};

/* ---- The command line ---- */

struct Wrong {
	Words args;
	std::string says;
};

TEST(ToolUsage, EveryMistakeIsNamedAndGivesTwo)
{
	const std::vector<Wrong> all = {
		{{}, "needs a command"},
		{{"pusch"}, "unknown command 'pusch'; did you mean push?"},
		{{"entirely-else"}, "unknown command 'entirely-else'"},
		{{"push", "--tp", "x"}, "unknown option --tp; did you mean --to?"},
		{{"push", "-x"}, "unknown option -x"},
		{{"push", "--to"}, "--to needs a value: --to HOST:PORT"},
		{{"push", "--to="}, "--to needs a value"},
		{{"push", "--plaintext=yes"}, "--plaintext takes no value"},
		{{"push", "stray"}, "unexpected operand 'stray'"},
		{{"push", "--plaintext"}, "needs one of --redis, --rdb and --file"},
		{{"push", "--plaintext", "--rdb", "a", "--file", "b"},
			"needs only one of --redis, --rdb and --file"},
		{{"push", "--plaintext", "--file", "/dev/null"}, "no peer to send to"},
		{{"push", "--plaintext", "--file", "/dev/null", "--to", "nowhere"},
			"'nowhere' is no address of a peer: write host:port"},
		{{"push", "--file", "/dev/null", "--to", "127.0.0.1:1"},
			"needs --key-file and --iv-file, or --plaintext"},
		{{"push", "--plaintext", "--file", "x", "--key-file", "x"}, "do not go together"},
		{{"push", "--plaintext", "--file", "x", "--source", "sync"},
			"does not go with --rdb or --file"},
		{{"push", "--plaintext", "--redis", "127.0.0.1:1", "--source", "aof"},
			"--source aof: must be scan or sync"},
		{{"push", "--plaintext", "--redis", "nowhere"},
			"'nowhere' is no address of a Redis"},
		{{"push", "--rate", "fast"}, "--rate fast: must be 0 or 131072..1099511627776"},
		{{"push", "--rate", "-1"}, "--rate -1: must be 0 or"},
		{{"push", "--rate", "131071"}, "--rate 131071: must be 0 or"},
		{{"push", "--buffer-size", "5242865"}, "--buffer-size 5242865: must be 1..5242864"},
		{{"push", "--plaintext", "--file", "x", "--to", "a:1", "--bind", "127.0.0.1:77"},
			"--bind 127.0.0.1:77: must be a host without a port"},
		{{"push", "--plaintext", "--file", "x", "--to", "a:1", "--bind", "a:b"},
			"--bind a:b: must be a host"},
		{{"push", "--rate", "99999999999999999999"},
			"--rate 99999999999999999999: must be"},
		{{"push", "--rate", "17179869184G"}, "--rate 17179869184G: must be"},
		{{"push", "--header-size", "7"}, "--header-size 7: must be 8..1024"},
		{{"push", "--header-size", "1025"}, "--header-size 1025: must be 8..1024"},
		{{"push", "--timeout", "0"}, "--timeout 0: must be 1.."},
		{{"push", "--timeout", "1K"}, "--timeout 1K: must be 1.."},
		{{"push", "--bind", "a", "--bind", "b"}, "--bind is there twice"},
		{{"receive", "--plaintext"}, "needs one of --redis, --out and --discard"},
		{{"receive", "--plaintext", "--discard", "--out", "x"}, "needs only one of"},
		{{"receive", "--plaintext", "--discard", "--accept", "all"},
			"--accept all: must be restore or data"},
		{{"receive", "--plaintext", "--discard", "--listen", "here"},
			"--listen 'here' is not host:port"},
		{{"receive", "--plaintext", "--discard", "--wait", "1"},
			"--wait has an effect only with a --count, or --out"},
		{{"receive", "--plaintext", "--discard", "--force"},
			"--force has an effect only with --out"},
		{{"receive", "--plaintext", "--discard", "--accept", "data"},
			"--accept has an effect only with a Redis"},
		{{"receive", "--plaintext", "--discard", "--count", "1", "--connections", "2"},
			"--connections has an effect only with no count"},
		{{"compare", "127.0.0.1:1"}, "needs A B"},
		{{"compare", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"}, "unexpected operand"},
		{{"compare", "127.0.0.1:1", "somewhere"}, "'somewhere' is no address of a Redis"},
		{{"compare", "--limit", "many", "a", "b"}, "--limit many: must be"},
		{{"keygen"}, "needs --key-file FILE and --iv-file FILE"},
		{{"conf"}, "needs -c FILE"},
	};

	for (const Wrong &w : all) {
		std::string output;

		EXPECT_EQ(kUsage, run(w.args, &output)) << w.says << "\n" << output;
		EXPECT_NE(std::string::npos, output.find(w.says)) << w.says << "\n" << output;
		EXPECT_EQ(0u, output.find("dyn-entropy: ")) << output;
		EXPECT_LE(lines(output).size(), 2u) << output;
	}
}

TEST(ToolUsage, HelpAndVersion)
{
	std::string output;

	EXPECT_EQ(kDone, run({"--help"}, &output));
	for (const char *name : {"push", "receive", "compare", "keygen", "conf", "status"}) {
		std::string help;

		EXPECT_NE(std::string::npos, output.find(std::string("  ") + name)) << output;
		EXPECT_EQ(kDone, run({name, "--help"}, &help));
		EXPECT_EQ(0u, help.find("Usage: dyn-entropy " + std::string(name))) << help;
		for (const std::string &line : lines(help))
			EXPECT_LE(line.size(), 100u) << line;
	}
	EXPECT_EQ(kDone, run({"--version"}, &output));
	EXPECT_FALSE(match(output, "^dyn-entropy [0-9.]+\n$").empty()) << output;
}

TEST(ToolUsage, AFullDiskIsNoSuccess)
{
	EXPECT_EQ(kFailed, support::run({"/bin/sh", "-c",
				   support::dyn_entropy_program() + " --help >/dev/full"}));
}

TEST(ToolUsage, APasswordIsNotCut)
{
	const TempDir dir;
	std::string output;
	const auto with = [&](size_t bytes) {
		return run({"compare", "127.0.0.1:1", "127.0.0.1:2", "--password-file",
				   dir.write("password", std::string(bytes, 'x') + "\n")},
			&output);
	};

	EXPECT_EQ(2, with(4095));
	EXPECT_NE(std::string::npos, output.find("a first line of more than 4094 bytes")) << output;
	EXPECT_EQ(2, with(4094)) << "nobody is at home";
	EXPECT_EQ(std::string::npos, output.find("first line")) << output;
}

/* An option as "-x --name VALUE", the letter and the value where there are any. */
std::set<std::string> help_options(const std::string &name)
{
	const std::string e = "^  ((-.), |    )(--[a-z-]+)( [A-Z:]+)?($|  )";
	std::set<std::string> all;
	std::string help;

	EXPECT_EQ(kDone, run({name, "--help"}, &help));
	for (const std::string &line : lines(help)) {
		const Words m = match(line, e);

		if (line.find("  -") != 0 && line.find("      --") != 0)
			continue;
		EXPECT_FALSE(m.empty()) << line;
		if (!m.empty())
			all.insert(m[2] + " " + m[3] + m[4]);
	}
	return all;
}

/* The options of each subsection of the page, the same way. */
std::map<std::string, std::set<std::string>> page_options()
{
	const std::string e = "^[.]It Fl ((.) , Fl )?-([a-z-]+)( Ar [A-Z:]+)?$";
	std::map<std::string, std::set<std::string>> all;
	std::string section;

	for (const std::string &line :
		lines(read_file(support::source_file("man/dyn-entropy.1")))) {
		const Words m = match(line, e);

		if (line.find(".Ss ") == 0)
			section = line.substr(4);
		else if (line.find(".Sh ") == 0)
			section.clear();
		else if (line.find(".It Fl ") == 0 && !section.empty()) {
			EXPECT_FALSE(m.empty()) << line;
			if (!m.empty())
				all[section].insert((m[2].empty() ? "" : "-" + m[2]) + " --" +
						    m[3] + (m[4].empty() ? "" : m[4].substr(3)));
		}
	}
	return all;
}

TEST(ToolPage, HasExactlyTheOptionsOfHelp)
{
	const auto page = page_options();

	for (const std::string name : {"push", "receive", "compare", "keygen", "conf", "status"}) {
		std::set<std::string> expected = page.at(name);
		const auto &every = page.at("Options of every command");

		expected.insert(every.begin(), every.end());
		if (name == "push" || name == "receive") {
			const auto &both = page.at("Options of push and receive");
			expected.insert(both.begin(), both.end());
		}
		EXPECT_EQ(expected, help_options(name)) << name;
		EXPECT_GE(expected.size(), 4u);
	}
}

TEST(ToolPage, HasEveryFieldOfJson)
{
	const std::string page = read_file(support::source_file("man/dyn-entropy.1"));
	RedisServer a, b;
	std::string output, more;

	a.connect().set("key", "x");
	EXPECT_EQ(1, run({"compare", "--json", "--limit", "1", a.address(), b.address()}, &output));
	Receiver r({"--plaintext", "--redis", b.address(), "--count", "1"});
	EXPECT_EQ(kDone,
		run({"push", "--json", "--plaintext", "--redis", a.address(), "--to", r.address()},
			&more));
	ASSERT_EQ(kDone, r.process.wait());
	output += more + r.process.out();

	size_t fields = 0;
	for (Words m; !(m = match(output, "\"([a-z_]+)\":(.*)")).empty(); output = m[2], fields++)
		EXPECT_FALSE(match(page, "(^|[^a-z_])" + m[1] + "([^a-z_]|$)").empty()) << m[1];
	EXPECT_GT(fields, 50u);
}

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

/* A peer that takes what it is sent and says nothing. */
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

/* ---- dynomite.yml ---- */

class ToolConf : public Tool
{
      protected:
	std::string write_conf(const std::string &redis, const std::string &listen,
		const std::string &peer, const std::string &more = "")
	{
		return dir_.write("dynomite.yml",
			"dyn_o_mite:\n"
			"  listen: 127.0.0.1:8102\n"
			"  dyn_listen: 127.0.0.1:8101\n"
			"  servers:\n  - " +
				redis + ":1\n" + "  recon_enabled: true\n  recon_key_file: " +
				dir_.file("key") + "\n  recon_iv_file: " + dir_.file("iv") +
				"\n  recon_listen: " + listen + "\n  recon_peers:\n  - " + peer +
				"\n" + more);
	}
};

TEST_F(ToolConf, DrivesBothEnds)
{
	RedisServer from, to;
	from.connect().set("key", "value");
	const std::string receiver =
		write_conf(to.address(), "127.0.0.1:0", "127.0.0.1:1", "  recon_max_rate: 0\n");
	Process r(command({"receive", "-c", receiver, "--json"}));
	ASSERT_TRUE(r.wait_output("\"event\":\"listening\"")) << r.output();
	const std::string peer = json(r.out(), "listening", "address");
	const std::string sender = write_conf(from.address(), "127.0.0.1:0", peer);
	std::string output;

	EXPECT_EQ(kDone, run({"push", "-c", sender, "--json"}, &output)) << output;
	EXPECT_EQ(peer, json(output, "peer", "peer"));
	EXPECT_EQ("value", to.connect().get("key"));
	/* The file's password is for the file's server alone. */
	const std::string other =
		write_conf(to.address(), "127.0.0.1:0", peer, "  requirepass: of another Redis\n");
	EXPECT_EQ(kFailed, run({"push", "-c", other}, &output)) << output;
	EXPECT_EQ(kDone, run({"push", "-c", other, "--redis", from.address()}, &output)) << output;
	/* An option wins. */
	EXPECT_EQ(kFailed, run({"push", "-c", sender, "--plaintext"}, &output)) << output;
}

TEST_F(ToolConf, ConfSaysWhatTheChannelWouldDo)
{
	const std::string conf = write_conf(
		"127.0.0.1:6379", "127.0.0.1:8105", "10.1.2.3:8105", "  requirepass: hush\n");
	std::string output;

	EXPECT_EQ(kDone, run({"conf", "-c", conf}, &output)) << output;
	for (const char *words : {"is on", "listens on     127.0.0.1:8105", "every 300 s",
		     "to           10.1.2.3:8105: every key", "127.0.0.1:6379, by scan",
		     "key material   loaded"})
		EXPECT_NE(std::string::npos, output.find(words)) << words << "\n" << output;
	EXPECT_EQ(std::string::npos, output.find("hush")) << output;
	EXPECT_EQ(kDone, run({"conf", "-c", conf, "--json"}, &output)) << output;
	EXPECT_EQ("loaded", json(output, "conf", "key_material"));
	EXPECT_EQ("10.1.2.3:8105", json(output, "peer", "peer"));
	EXPECT_EQ("true", json(output, "result", "ok"));
}

TEST_F(ToolConf, ConfFailsOnErrors)
{
	std::string output;

	EXPECT_EQ(kFailed, run({"conf", "-c", dir_.file("missing.yml")}, &output));
	EXPECT_NE(std::string::npos, output.find("missing.yml")) << output;
	EXPECT_EQ(kFailed, run({"conf", "-c",
				       write_conf("127.0.0.1:6379", "127.0.0.1:8105",
					       "10.1.2.3:8105", "  recon_sauce: scan\n")},
				   &output));
	EXPECT_NE(std::string::npos, output.find("recon_source")) << output;
	ASSERT_EQ(0, unlink(dir_.file("iv").c_str()));
	const std::string conf = write_conf("127.0.0.1:6379", "127.0.0.1:8105", "10.1.2.3:8105");
	EXPECT_EQ(kFailed, run({"conf", "-c", conf}, &output));
	EXPECT_NE(std::string::npos, output.find(dir_.file("iv"))) << output;
	EXPECT_NE(std::string::npos, output.find("not usable")) << output;
}

/* What a channel that is off would lack is told, each thing once, and is no error. */
TEST_F(ToolConf, ConfSaysWhatAChannelThatIsOffLacks)
{
	const std::string file = "dyn_o_mite:\n  dyn_listen: 127.0.0.1:8101\n";
	const std::string key = "  recon_key_file: " + dir_.file("key") + "\n";
	const auto missing = [](const std::string &output, const std::string &name) {
		size_t n = 0;

		for (const std::string &line : lines(output))
			n += line.find("warning: with recon_enabled: ") != std::string::npos &&
			     line.find(": " + name + ": is missing: ") != std::string::npos;
		return n;
	};
	std::string output;

	EXPECT_EQ(kDone, run({"conf", "-c", dir_.write("off.yml", file + key)}, &output)) << output;
	EXPECT_EQ(0u, missing(output, "recon_key_file")) << output;
	EXPECT_EQ(1u, missing(output, "recon_iv_file")) << output;
	EXPECT_EQ(kDone, run({"conf", "-c", dir_.write("off.yml", file)}, &output)) << output;
	EXPECT_EQ(1u, missing(output, "recon_key_file")) << output;
	EXPECT_EQ(1u, missing(output, "recon_iv_file")) << output;
	EXPECT_NE(std::string::npos, output.find("is off")) << output;
	/* To push it they are needed. */
	EXPECT_EQ(
		kFailed, run({"push", "-c", dir_.file("off.yml"), "--to", "127.0.0.1:1"}, &output));
	EXPECT_NE(std::string::npos, output.find("off.yml: recon_iv_file: is missing")) << output;
}

/* ---- Progress ---- */

TEST(Progress, ALineHasRateAndTimeLeft)
{
	struct progress p;
	struct progress_state s = {};
	char text[256];

	progress_begin(&p, PROGRESS_QUIET, "push x");
	s.keys = 1500000;
	s.keys_expected = 6000000;
	s.bytes = 3 * 1024 * 1024;
	EXPECT_STREQ("push x [######------------------]  25%  1,500,000 keys (150,000/s)  3.0 MiB "
		     "(307.2 KiB/s)  0:30 left",
		progress_line(&p, &s, 10, 0, true, text, sizeof(text)));
	/* Where that is too wide the bar gives way, then what can be told from the rest. */
	EXPECT_STREQ("push x [##--------]  25%  1,500,000 keys (150,000/s)  3.0 MiB "
		     "(307.2 KiB/s)  0:30 left",
		progress_line(&p, &s, 10, 86, true, text, sizeof(text)));
	EXPECT_STREQ("push x [##------]  25%  1,500,000 keys  307.2 KiB/s  0:30 left",
		progress_line(&p, &s, 10, 62, true, text, sizeof(text)));
	EXPECT_STREQ("push x  25%  1,500,000 keys",
		progress_line(&p, &s, 10, 27, true, text, sizeof(text)));
	s.keys = s.keys_expected = 0;
	EXPECT_STREQ("push x  3.0 MiB (3.0 MiB/s)",
		progress_line(&p, &s, 1, 0, false, text, sizeof(text)));
	s.bytes_expected = s.bytes / 2; /* a guess that was too low */
	EXPECT_STREQ("push x 100%  3.0 MiB (3.0 MiB/s)  0:00 left",
		progress_line(&p, &s, 1, 0, false, text, sizeof(text)));
	s = {};
	EXPECT_STREQ("push x", progress_line(&p, &s, 0, 0, true, text, sizeof(text)));
}

TEST(Progress, Texts)
{
	char text[PROGRESS_TEXT_MAX];

	EXPECT_STREQ("0", progress_count(0, text));
	EXPECT_STREQ("999", progress_count(999, text));
	EXPECT_STREQ("18,446,744,073,709,551,615", progress_count(UINT64_MAX, text));
	EXPECT_STREQ("1023 B", progress_bytes(1023, text));
	EXPECT_STREQ("1.0 KiB", progress_bytes(1024, text));
	EXPECT_STREQ("4.0 GiB", progress_bytes(4294967294.0, text));
	EXPECT_STREQ("0:59", progress_duration(59.4, text));
	EXPECT_STREQ("2:00:01", progress_duration(7201, text));
}

/* On a terminal there is a bar, over itself, and nothing of it stays. */
TEST_F(Tool, OnATerminalThereIsABar)
{
	const std::string in = dir_.write("in", std::string(600000, 'x'));
	Receiver r({"--plaintext", "--discard"});
	Process p(
		{"/usr/bin/script", "-qec",
			support::dyn_entropy_program() + " push --plaintext --rate 300000 --file " +
				in + " --to " + r.address(),
			"/dev/null"},
		{"TERM=xterm"});
	EXPECT_EQ(kDone, p.wait());
	const std::string output = p.output();

	EXPECT_NE(std::string::npos, output.find("\rpush " + r.address() + " [####")) << output;
	EXPECT_NE(std::string::npos, output.find(" left\x1b[K\r\x1b[Kpushed to ")) << output;
}

} // namespace
