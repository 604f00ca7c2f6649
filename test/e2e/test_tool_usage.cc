/*
 * The command line of dyn-entropy, and its page.
 */
#include "e2e/dataset.h"
#include "e2e/tool.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "tools/progress.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <map>
#include <netinet/in.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using support::read_file;
using support::RedisServer;
using support::TempDir;
using namespace tool;

namespace
{

/* ---- The command line ---- */

struct Wrong {
	Words args;
	std::string says;
};

/* Each is named, with exit status 2. */
void expect_named(const std::vector<Wrong> &all)
{
	for (const Wrong &w : all) {
		std::string output;

		EXPECT_EQ(kUsage, run(w.args, &output)) << w.says << "\n" << output;
		EXPECT_NE(std::string::npos, output.find(w.says)) << w.says << "\n" << output;
		EXPECT_EQ(0u, output.find("dyn-entropy: ")) << output;
		EXPECT_LE(lines(output).size(), 2u) << output;
	}
}

TEST(ToolUsage, EveryMistakeOfAPushIsNamedAndGivesTwo)
{
	expect_named({
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
		{{"push", "--plaintext", "--file", "/dev/null"}, "no target to push to"},
		{{"push", "--plaintext", "--file", "/dev/null", "--to", "nowhere"},
			"'nowhere' is not the address of a target: write host:port"},
		{{"push", "--file", "/dev/null", "--to", "127.0.0.1:1"},
			"needs --key-file and --iv-file, or --plaintext"},
		{{"push", "--plaintext", "--file", "x", "--key-file", "x"}, "do not go together"},
		{{"push", "--plaintext", "--file", "x", "--source", "sync"},
			"does not go with --rdb or --file"},
		{{"push", "--plaintext", "--redis", "127.0.0.1:1", "--source", "aof"},
			"--source aof: must be scan or sync"},
		{{"push", "--plaintext", "--redis", "nowhere"},
			"'nowhere' is not the address of a Redis"},
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
		{{"push", "--bind", "a", "--bind", "b"}, "--bind is given twice"},
	});
}

TEST(ToolUsage, EveryMistakeOfTheOthersIsNamedAndGivesTwo)
{
	expect_named({
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
		{{"compare", "127.0.0.1:1", "somewhere"},
			"'somewhere' is not the address of a Redis"},
		{{"compare", "--limit", "many", "a", "b"}, "--limit many: must be"},
		{{"keygen"}, "needs --key-file FILE and --iv-file FILE"},
		{{"conf"}, "needs -c FILE"},
	});
}

TEST(ToolUsage, HelpAndVersion)
{
	std::string output;

	EXPECT_EQ(kDone, run({"--help"}, &output));
	for (const char *name : {"push", "receive", "compare", "keygen", "conf", "status",
		     "reconcile", "conflicts", "pause", "resume"}) {
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

	for (const std::string name : {"push", "receive", "compare", "keygen", "conf", "status",
		     "reconcile", "conflicts", "pause", "resume"}) {
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

} // namespace
