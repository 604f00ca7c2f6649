/*
 * resp - commands and replies in RESP, implemented a second time: shares nothing with the parsers
 * under test.
 */
#ifndef TEST_SUPPORT_RESP_H
#define TEST_SUPPORT_RESP_H

#include <string>
#include <vector>

namespace support
{

/* A bulk string. */
std::string bulk(const std::string &text);

/* A command. */
std::string resp(const std::vector<std::string> &args);

template <typename... A> std::string resp(const A &...args)
{
	return resp(std::vector<std::string>{std::string(args)...});
}

/* Take apart commands that must be arrays of bulk strings, and nothing else; throws when they are
 * not. */
std::vector<std::vector<std::string>> parse_commands(const std::string &bytes);

} // namespace support

#endif
