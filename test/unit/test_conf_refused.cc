/*
 * dynomite.yml: what is refused, in which words, and at what cost; secrets.
 */
#include "unit/conf_loading.h"

#include "support/owned.h"
#include "support/tempdir.h"

#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

using namespace conf_loading;

namespace
{

/* ---- What is refused ------------------------------------------------------------------------ */

TEST(Conf, AllErrorsAreReportedAtOnce)
{
	Loaded l = load_keys(
		"  recon_enable: true\n  recon_timeout: 99\n  rack: r\n  rack: s\n  listen: x\n");

	EXPECT_EQ(l.conf, nullptr);
	EXPECT_EQ(l.errors,
		Lines({
			"t.yml:2: \"recon_enable\": unknown key; the nearest known one is "
			"recon_enabled (--help-conf lists all)",
			"t.yml:3: recon_timeout: \"99\" is out of range; allowed: "
			"100..3600000 ms",
			"t.yml:5: rack: is given a second time; the first is in line 4: "
			"remove one",
			"t.yml:6: listen: \"x\" is not host:port; allowed: host:port with a "
			"port of 1..65535, or the path of a Unix socket",
		}));
}

TEST(Conf, TheNearestKeyIsNamed)
{
	struct {
		const char *wrong, *right;
	} const cases[] = {{"recon_intervall_seconds", "recon_interval_seconds"}, {"Rack", "rack"},
		{"dyn_seed", "dyn_seeds"}, {"data-center", "datacenter"},
		{"recon_max_snapshot_byte", "recon_max_snapshot_bytes"}, {"server", "servers"},
		{"recon_interval", "recon_interval_seconds"}, {"gossip", "enable_gossip"},
		{"recon_intervals", "recon_interval_seconds"}, {"stat_listen", "stats_listen"},
		{"dny_listen", "dyn_listen"}, {"consistency", "read_consistency"}};

	for (const auto &t : cases)
		EXPECT_STREQ(conf_key_nearest(t.wrong)->name, t.right);
	EXPECT_NE(conf_key_nearest(std::string(100000, 'x').c_str()), nullptr);
	EXPECT_NE(conf_key_nearest(""), nullptr);
}

TEST(Conf, AMissingPartIsNamed)
{
	const auto says = [](const std::string &keys, const char *part) {
		EXPECT_NE(error_of(keys).find(part), std::string::npos) << error_of(keys);
	};
	const char *weight = "has no weight behind the port, such as the 1 of 127.0.0.1:6379:1";
	const char *tokens = "has no tokens, which stand at the end, as in "
			     "10.0.0.2:8101:rack2:dc1:0";

	says("  servers: 127.0.0.1:1\n", weight);
	says("  servers: '[::1]:1 name'\n", weight);
	says("  dyn_seeds: ['a:1:r:d']\n", tokens);
	says("  dyn_seeds: ['a:1:r:d:']\n", tokens);
	says("  dyn_seeds:\n  - a:1:r:d:\n",
		"t.yml:3: dyn_seeds: an entry has no tokens behind its last colon; allowed: ");
	says("  dyn_seeds: ['a:1:r']\n", "has too few parts");
}

/* Other checks go on with what is good. */
TEST(Conf, APartlyGoodFileIsLoadedPartly)
{
	const char text[] = "r:\n  listen: nonsense\n  rack: here\n  dyn_seeds:\n"
			    "  - b:1:r:d:1\n  - c:1:r:d:x\n  - d:1:r:d:3\n";
	conf_report report = {};
	support::Owned<struct conf, conf_free> c(conf_load_text_partly(
		"t.yml", reinterpret_cast<const uint8_t *>(text), sizeof(text) - 1, &report));

	ASSERT_NE(c, nullptr);
	EXPECT_EQ(report.errors.n, 2u);
	EXPECT_TRUE(c->places[CONF_KEY_LISTEN].bad);
	EXPECT_FALSE(c->places[CONF_KEY_RACK].bad);
	EXPECT_TRUE(c->places[CONF_KEY_DYN_SEEDS].bad);
	EXPECT_EQ(c->places[CONF_KEY_RACK].line, 3u);
	EXPECT_EQ(c->places[CONF_KEY_TOKENS].line, 0u);
	EXPECT_STREQ(c->rack, "here");
	ASSERT_EQ(c->n_seeds, 2u);
	EXPECT_EQ(c->seeds[1].line, 7u);
	conf_report_fini(&report);
	c.reset(conf_load_text_partly(
		"t.yml", reinterpret_cast<const uint8_t *>("r:\n  rack: \"a"), 13, &report));
	EXPECT_EQ(c, nullptr) << "what follows is not known";
	conf_report_fini(&report);
}

TEST(Conf, WordsOfOthersHaveTheirLineAndAnEnd)
{
	Loaded l = load_keys("  rack: r\n");
	conf_report report = {};

	conf_report_error(&report, conf_at(l.conf.get(), CONF_KEY_RACK), "%s", "is none");
	conf_report_error(&report, conf_at(l.conf.get(), CONF_KEY_TOKENS), "are none");
	conf_report_error(&report, conf_at_line(l.conf.get(), CONF_KEY_TOKENS, 7), "are none");
	conf_report_warning(&report, conf_at_file(l.conf.get()), "mind");
	EXPECT_EQ(
		lines_of(report.errors), Lines({"t.yml:2: rack: is none", "t.yml: tokens: are none",
						 "t.yml:7: tokens: are none"}));
	EXPECT_EQ(lines_of(report.warnings), Lines({"t.yml: mind"}));
	for (int i = 0; i < 1000; i++)
		conf_report_error(&report, conf_at(l.conf.get(), CONF_KEY_RACK), "%d", i);
	ASSERT_EQ(report.errors.n, size_t(CONF_ERRORS_MAX) + 1);
	EXPECT_STREQ(report.errors.items[CONF_ERRORS_MAX],
		"t.yml: 100 errors: what else is wrong is not told");
	EXPECT_FALSE(conf_report_is_good(&report));
	conf_report_fini(&report);
	EXPECT_TRUE(conf_report_is_good(&report));
}

TEST(Conf, AReportThatLostALineIsNotGood)
{
	conf_report report = {};

	report.no_memory = true;
	EXPECT_FALSE(conf_report_is_good(&report));
}

TEST(Conf, ABrokenTextGetsOneClearLine)
{
	const std::string bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c]\n";
	struct {
		std::string text, error;
	} const cases[] = {
		{"", "t.yml: the file is empty: write a root key such as \"dyn_o_mite:\" and the "
		     "keys below it"},
		{"# a comment\n\n", "t.yml: the file is empty"},
		{"---\n", "t.yml: the file is empty"},
		{"\xef\xbb\xbf", "t.yml: the file is empty"},
		{"just words\n", "t.yml:1: the file does not begin with a root key"},
		{"- a\n- b\n", "t.yml:1: the file does not begin with a root key"},
		{"dyn_o_mite:\n", "t.yml:1: \"dyn_o_mite\": the root key has no keys below it"},
		{"dyn_o_mite: [a]\n", "t.yml:1: \"dyn_o_mite\": the root key has no keys below it"},
		{"listen: a:1\nrack: r\n", "t.yml:1: \"listen\": stands at the root: begin the "
					   "file with a line \"dyn_o_mite:\""},
		{"r:\n  rack: a\nother:\n  rack: b\n",
			"t.yml:3: \"other\": is a second root key; a file has one, here \"r\""},
		{"r:\n  rack: a\nlisten: b\n",
			"t.yml:3: \"listen\": stands beside the root key \"r\": indent it"},
		{"r:\n  rack: a\n---\nr:\n  rack: b\n", "t.yml:3: a second document begins"},
		{"r:\n\track: a\n",
			"t.yml:2: broken YAML: found character that cannot start any token"},
		{"r:\n  rack: \"a\n", "t.yml:3: broken YAML: found unexpected end of stream, while "
				      "scanning a quoted scalar that began in line 2"},
		{"r:\n  rack: a\n rack: b\n", "t.yml:3: broken YAML: "},
		{"r:\n  tokens: [1\n", "t.yml:3: broken YAML: "},
		{"r:\n  rack: caf\xe9\n", "t.yml:2: not a text in UTF-8: "},
		{std::string("r:\n  rack: a\0b\n", 14),
			"t.yml:2: not a text in UTF-8: control characters are not allowed (0x00)"},
		{"\xff\xfer\0:\0", "t.yml:1: not a text in UTF-8: "},
		{"r:\n  rack: \"\\0\"\n", "t.yml:2: rack: the value holds a NUL character"},
		{"r:\n  rack: \"a\\nb\"\n", "t.yml:2: rack: \"a\\x0ab\" holds a control character"},
		{"r:\n  rack: \"\\x9b\"\n", "t.yml:2: rack: \"\\x9b\" holds a control character"},
		{bomb, "t.yml:1: \"a\": the value begins with '&', an anchor"},
		{"r: &x\n  rack: a\n", "t.yml:1: \"r\": the value begins with '&', an anchor"},
		{"r:\n  rack: *x\n", "t.yml:2: rack: the value begins with '*', an alias, which is "
				     "not followed"},
		{"r:\n  rack: &x a\n", "t.yml:2: rack: the value begins with '&', an anchor"},
		{"r:\n  rack: !!str a\n", "t.yml:2: rack: the value begins with '!', a tag"},
		{"r:\n  recon_peers: !x [a]\n",
			"t.yml:2: recon_peers: the value begins with '!', a tag"},
		{"r:\n  ? [a, b]\n  : {c: [d]}\n  rack: x\n",
			"t.yml:2: a key is not a word but a list or a mapping"},
		{"? [a]\n: b\n", "t.yml:1: the root key is not a word"},
		{"r:\n  rack: " + std::string(300, 'x') + "\n", "t.yml:2: rack: \"xxx"},
	};

	for (const auto &t : cases) {
		Loaded l = load_text(t.text);

		EXPECT_EQ(l.conf, nullptr) << t.text.substr(0, 80);
		ASSERT_EQ(l.errors.size(), 1u) << t.text.substr(0, 80);
		EXPECT_EQ(l.errors[0].substr(0, t.error.size()), t.error);
		EXPECT_EQ(l.errors[0].find('\n'), std::string::npos);
		EXPECT_LT(l.errors[0].size(), 400u);
		EXPECT_EQ(l.warnings, Lines());
	}
}

TEST(Conf, NestingEndsTheReadingEarly)
{
	const std::string deep =
		": lists or mappings nested more than 32 deep; a configuration has "
		"three levels";

	for (const char *open : {"[", "{a: ", "- "}) {
		std::string text = "r:\n  foo:\n    ";
		while (text.size() < 1000000)
			text += open;
		Loaded l = load_text(text);

		ASSERT_EQ(l.errors.size(), 2u) << open;
		EXPECT_NE(l.errors[0].find("\"foo\": unknown key"), std::string::npos);
		EXPECT_EQ(l.errors[1], "t.yml:3" + deep);
	}
}

TEST(Conf, AFileThatIsNoneGetsOneClearLine)
{
	support::TempDir dir;
	const auto only = [](const std::string &path) {
		Loaded l = load_path(path);

		EXPECT_EQ(l.conf, nullptr) << path;
		EXPECT_EQ(l.errors.size(), 1u) << path;
		return l.errors.empty() ? "" : l.errors[0];
	};

	EXPECT_EQ(only(dir.file("none")),
		dir.file("none") +
			": cannot be opened: No such file or directory; -c names another file");
	EXPECT_EQ(only(dir.path()), dir.path() + ": is a directory; name a file in it");
	EXPECT_EQ(only("/dev/zero"), "/dev/zero: is not a regular file; name one");
	ASSERT_EQ(mkfifo(dir.file("fifo").c_str(), 0600), 0);
	EXPECT_EQ(only(dir.file("fifo")), dir.file("fifo") + ": is not a regular file; name one");
	EXPECT_EQ(only(dir.write("empty", "")).rfind(dir.file("empty") + ": the file is empty", 0),
		0u);
	if (geteuid() != 0) { /* whom nothing is forbidden */
		EXPECT_EQ(only(dir.write("locked", "r: {}", 0)),
			dir.file("locked") + ": cannot be opened: Permission denied");
	}
}

TEST(Conf, AFileHasAtMostOneMebibyte)
{
	support::TempDir dir;
	std::string text = "r:\n  rack: a\n#";

	text.append((1 << 20) - text.size(), 'x');
	EXPECT_EQ(load_path(dir.write("largest", text)).errors, Lines());
	text += 'x';
	EXPECT_EQ(load_path(dir.write("larger", text)).errors,
		Lines({dir.file("larger") + ": is larger than 1 MiB, which is no configuration"}));
}

TEST(Conf, AFileOfErrorsIsNotReadToItsEnd)
{
	std::string text = "r:\n";

	while (text.size() < 1000000)
		text += "  nonsense: x\n";
	Loaded l = load_text(text);

	ASSERT_EQ(l.errors.size(), size_t(CONF_ERRORS_MAX) + 1);
	EXPECT_EQ(l.errors.back(), "t.yml: 100 errors: the rest of the file was not read");
}

TEST(Conf, LongListsCostLittle)
{
	std::string tokens = "r:\n  tokens:\n", seeds = "r:\n  dyn_seeds:\n";

	while (tokens.size() < 1000000)
		tokens += "  - 1\n";
	while (seeds.size() < 1000000)
		seeds += "  - a:1:r:d:1\n";
	EXPECT_NE(load_text(tokens).errors[0].find("makes the list of tokens too long"),
		std::string::npos);
	Loaded l = load_text(seeds);
	ASSERT_EQ(l.errors, Lines());
	EXPECT_EQ(l.conf->n_seeds, l.conf->recon_peers.n);
	EXPECT_GT(l.conf->n_seeds, 70000u);
}

/* Damage anywhere is an error or another value, never a crash (sanitizers look on). */
TEST(Conf, AFileCutOrDamagedAnywhereIsReadOrRefused)
{
	const std::string good =
		std::string("dyn_o_mite:\n") + kGood + "  dyn_seeds:\n  - a:1:r:d:1\n";
	size_t loaded = 0, refused = 0;
	const auto judge = [&](const std::string &text) {
		Loaded l = load_text(text);

		EXPECT_EQ(l.conf == nullptr, !l.errors.empty());
		++(l.conf ? loaded : refused);
	};

	ASSERT_EQ(load_text(good).errors, Lines());
	for (size_t i = 0; i < good.size(); i++) {
		judge(good.substr(0, i));
		for (char c :
			{'\0', '\n', ':', ' ', '"', '[', '{', '*', '&', '!', '#', '-', '\xff'}) {
			std::string text = good;
			text[i] = c;
			judge(text);
		}
	}
	EXPECT_GT(loaded, 100u);
	EXPECT_GT(refused, 1000u);
}

/* ---- Secrets -------------------------------------------------------------------------------- */

TEST(Conf, APasswordIsNeverShown)
{
	Loaded l = load_keys("  requirepass: hunter2\n");

	ASSERT_EQ(l.errors, Lines());
	EXPECT_STREQ(l.conf->requirepass, "hunter2");
	EXPECT_EQ(printed(l.conf.get()).find("hunter2"), std::string::npos);
	EXPECT_NE(printed(l.conf.get()).find("requirepass: (set)\n"), std::string::npos);
	EXPECT_NE(printed(load_keys("  rack: r\n").conf.get()).find("requirepass: (none)\n"),
		std::string::npos);
	for (const char *bad : {"*hunter2", "&hunter2 x", "!hunter2 x", "[hunter2]", "{hunter2: x}",
		     "\"hunter2\\0\"", "hunter2\n  requirepass: hunter2", "\"hunter2", "'hunter2",
		     "%hunter2", "@hunter2", "`hunter2", "hunter2: x", "|hunter2", ">hunter2"}) {
		Loaded refused = load_keys(std::string("  requirepass: ") + bad + "\n");

		EXPECT_EQ(refused.conf, nullptr) << bad;
		ASSERT_EQ(refused.errors.size(), 1u) << bad;
		EXPECT_EQ(refused.errors[0].find("hunter2"), std::string::npos)
			<< refused.errors[0];
	}
	std::string longest = "hunter2";
	longest.append(5000, 'x');
	EXPECT_EQ(error_of("  requirepass: " + longest + "\n"),
		"t.yml:2: requirepass: the value is too long; allowed: 1..4095 bytes");
}

} // namespace
