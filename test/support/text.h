/*
 * text - what tests ask of texts, and bytes as hexadecimal digits.
 */
#ifndef TEST_SUPPORT_TEXT_H
#define TEST_SUPPORT_TEXT_H

#include <string>
#include <vector>

namespace support
{

inline bool holds(const std::string &text, const std::string &part)
{
	return text.find(part) != std::string::npos;
}

inline bool begins(const std::string &text, const std::string &with)
{
	return text.compare(0, with.size(), with) == 0;
}

/* What the digits stand for; all else between them is skipped. */
std::string unhex(const std::string &digits);

/*
 * Regular expressions of ECMAScript.  std::regex takes a compiler seconds, so only text.cc uses it.
 * A match is its groups, the whole of it first; a group that took no part is "".
 */
using Match = std::vector<std::string>;

/* The match of the text as a whole; empty when it is none. */
Match match_of(const std::string &text, const std::string &expression);

/* Every match in the text, in order. */
std::vector<Match> matches_in(const std::string &text, const std::string &expression);

inline bool has_match(const std::string &text, const std::string &expression)
{
	return !matches_in(text, expression).empty();
}

/* The text with another in place of every match. */
std::string replaced(
	const std::string &text, const std::string &expression, const std::string &with);

} // namespace support

#endif
