#include "support/text.h"

#include <cctype>

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

} // namespace support
