/*
 * What dyn-entropy takes from dynomite.yml, and how it shows its progress.
 */
#include "e2e/dataset.h"
#include "e2e/tool.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "tools/progress.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using support::Process;
using support::RedisServer;
using namespace tool;

namespace
{

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

/* What a channel that is off lacks is a warning, once for each, and not an error. */
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
	/* If that is too wide, the bar is left out, then figures that follow from others. */
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
