/*
 * text - what tests ask of texts, and bytes as hexadecimal digits.
 */
#ifndef TEST_SUPPORT_TEXT_H
#define TEST_SUPPORT_TEXT_H

#include <string>

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

} // namespace support

#endif
