/*
 * tool - dyn-entropy as its tests run it, and what they find in what it says.
 */
#ifndef TEST_E2E_TOOL_H
#define TEST_E2E_TOOL_H

#include "support/process.h"
#include "support/tempdir.h"

#include <dirent.h>
#include <fstream>
#include <gtest/gtest.h>
#include <regex.h>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace tool
{

using Words = std::vector<std::string>;

constexpr int kDone = 0, kFailed = 1, kUsage = 2;

inline Words command(const Words &args)
{
	Words argv = {support::dyn_entropy_program()};

	argv.insert(argv.end(), args.begin(), args.end());
	return argv;
}

inline int run(const Words &args, std::string *output = nullptr)
{
	return support::run(command(args), output);
}

inline Words operator+(Words a, const Words &b)
{
	a.insert(a.end(), b.begin(), b.end());
	return a;
}

inline Words lines(const std::string &text)
{
	std::istringstream in(text);
	Words all;

	for (std::string line; std::getline(in, line);)
		all.push_back(line);
	return all;
}

/* What an extended regular expression finds in a text, and its groups; empty when nothing. */
inline Words match(const std::string &text, const std::string &expression)
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
inline std::string json(const std::string &out, const std::string &event, const std::string &field)
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
inline std::set<std::string> names(const std::string &path)
{
	std::set<std::string> all;
	DIR *d = opendir(path.c_str());

	for (struct dirent *e = readdir(d); e != nullptr; e = readdir(d))
		if (e->d_name[0] != '.')
			all.insert(e->d_name);
	closedir(d);
	return all;
}

inline std::string random_bytes(size_t n)
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

	support::Process process;
	std::string port;
};

class Tool : public testing::Test
{
      protected:
	support::TempDir dir_;
	Words keys_ = {"--key-file", dir_.file("key"), "--iv-file", dir_.file("iv")};

	void SetUp() override
	{
		ASSERT_EQ(kDone, run(Words{"keygen"} + keys_));
	}
};

} // namespace tool

#endif
