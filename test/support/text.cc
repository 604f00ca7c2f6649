#include "support/text.h"

#include <cctype>
#include <regex>

namespace support
{

std::string unhex(const std::string &digits)
{
	std::string out, pair;

	for (const char c : digits) {
		if (isxdigit(static_cast<unsigned char>(c)))
			pair += c;
		if (pair.size() == 2) {
			out += static_cast<char>(std::stoi(pair, nullptr, 16));
			pair.clear();
		}
	}
	return out;
}

static Match groups_of(const std::smatch &m)
{
	return Match(m.begin(), m.end());
}

Match match_of(const std::string &text, const std::string &expression)
{
	std::smatch m;

	return std::regex_match(text, m, std::regex(expression)) ? groups_of(m) : Match();
}

std::vector<Match> matches_in(const std::string &text, const std::string &expression)
{
	const std::regex e(expression);
	std::vector<Match> all;

	for (std::sregex_iterator m(text.begin(), text.end(), e), end; m != end; ++m)
		all.push_back(groups_of(*m));
	return all;
}

std::string replaced(
	const std::string &text, const std::string &expression, const std::string &with)
{
	return std::regex_replace(text, std::regex(expression), with);
}

} // namespace support
