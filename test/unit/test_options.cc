#include "tools/options.h"

#include "tools/tool.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

struct Settings {
	bool flag;
	const char *text;
	struct option_number number, size, rate;
	struct option_list list;
};

/* What run() was given, and how often. */
struct Ran {
	int times = 0;
	Settings settings = {};
	std::string operand;
};

Ran ran;

int run(const void *settings, const char *const *operands)
{
	ran.times++;
	ran.settings = *static_cast<const Settings *>(settings);
	ran.operand = operands[0];
	return 42;
}

const struct option kOptions[] = {
	{'f', "flag", nullptr, "a flag", OPTION_FLAG, offsetof(Settings, flag), 0, 0, 0},
	{'t', "text", "TEXT", "a text", OPTION_TEXT, offsetof(Settings, text), 0, 0, 0},
	{0, "number", "N", "a number", OPTION_NUMBER, offsetof(Settings, number), 1, 10, 7},
	{0, "size", "BYTES", "a size", OPTION_SIZE, offsetof(Settings, size), 1, UINT64_MAX,
		3 << 20},
	{0, "rate", "BYTES", "a rate", OPTION_RATE, offsetof(Settings, rate), 100, 200, 150},
	{0, "list", "ITEM", "a list", OPTION_LIST, offsetof(Settings, list), 0, 0, 0},
};

struct Outcome {
	int code;
	std::string out, err;
};

Outcome call(std::vector<std::string> words)
{
	struct subcommand c = {};
	std::vector<char *> argv;

	c.name = "try";
	c.operands = "WHAT";
	c.n_operands = 1;
	c.summary = "Try it.";
	c.options = kOptions;
	c.n_options = sizeof(kOptions) / sizeof(kOptions[0]);
	c.settings_size = sizeof(Settings);
	c.run = run;
	words.insert(words.begin(), "try");
	for (std::string &word : words)
		argv.push_back(&word[0]);
	ran = Ran();
	testing::internal::CaptureStdout();
	testing::internal::CaptureStderr();
	int code = options_run(&c, static_cast<int>(argv.size()), argv.data());
	return {code, testing::internal::GetCapturedStdout(),
		testing::internal::GetCapturedStderr()};
}

TEST(Options, ReachTheCommand)
{
	Outcome o = call({"-f", "--text=a b", "--number", "10", "here", "--list", "x", "--list=y"});

	EXPECT_EQ(o.code, 42);
	EXPECT_EQ(o.err, "");
	ASSERT_EQ(ran.times, 1);
	EXPECT_TRUE(ran.settings.flag);
	EXPECT_TRUE(ran.settings.number.given);
	EXPECT_EQ(ran.settings.number.value, 10u);
	EXPECT_FALSE(ran.settings.size.given);
	EXPECT_EQ(ran.settings.list.n, 2u);
	EXPECT_EQ(ran.operand, "here");
}

TEST(Options, ASizeMayHaveAUnit)
{
	const struct {
		const char *text;
		uint64_t value;
	} all[] = {{"7", 7}, {"2K", 2048}, {"3M", 3145728}, {"1G", 1073741824},
		{"17179869183G", UINT64_C(17179869183) << 30}};

	for (const auto &a : all) {
		EXPECT_EQ(call({"--size", a.text, "here"}).code, 42) << a.text;
		EXPECT_EQ(ran.settings.size.value, a.value) << a.text;
	}
	for (const char *text : {"", "K", "1KK", "1k", "17179869184G", "-1", "+1", " 1", "1 ",
		     "18446744073709551616"})
		EXPECT_EQ(call({"--size=" + std::string(text), "here"}).code, TOOL_EXIT_USAGE)
			<< text;
	EXPECT_EQ(call({"--rate", "0", "here"}).code, 42);
	EXPECT_EQ(call({"--rate", "99", "here"}).code, TOOL_EXIT_USAGE);
}

TEST(Options, WhatIsWrongIsSaidAndNothingRuns)
{
	const struct {
		std::vector<std::string> words;
		const char *says;
	} all[] = {
		{{"--numbr", "1", "here"}, "try: unknown option --numbr; did you mean --number?"},
		{{"--number", "11", "here"}, "try: --number 11: must be 1..10"},
		{{"--number", "1x", "here"}, "try: --number 1x: must be 1..10"},
		{{"--flag=1", "here"}, "try: --flag takes no value"},
		{{"here", "--text"}, "try: --text needs a value: --text TEXT"},
		{{"-t", "a", "-t", "b", "here"}, "try: --text is given twice"},
		{{"here", "there"}, "try: unexpected operand 'there'"},
		{{}, "try: needs WHAT"},
	};

	for (const auto &a : all) {
		Outcome o = call(a.words);

		EXPECT_EQ(o.code, TOOL_EXIT_USAGE) << a.says;
		EXPECT_NE(o.err.find(a.says), std::string::npos) << o.err;
		EXPECT_EQ(ran.times, 0) << a.says;
	}
}

TEST(Options, HelpIsPrintedInsteadOfRunning)
{
	Outcome o = call({"--help"});

	EXPECT_EQ(o.code, TOOL_EXIT_OK);
	EXPECT_EQ(ran.times, 0);
	EXPECT_NE(o.out.find("Usage: dyn-entropy try [OPTION]... WHAT\nTry it.\n"),
		std::string::npos);
	EXPECT_NE(o.out.find("  -t, --text TEXT"), std::string::npos) << o.out;
	for (const char *help : {"a number (default 7)\n", "a size (default 3M)\n",
		     "a rate (default 150)\n", "a list\n"})
		EXPECT_NE(o.out.find(help), std::string::npos) << help << o.out;
}

} // namespace
