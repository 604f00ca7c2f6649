#include "support/resp.h"

#include <stdexcept>

namespace support
{

std::string bulk(const std::string &text)
{
	return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

std::string resp(const std::vector<std::string> &args)
{
	std::string bytes = "*" + std::to_string(args.size()) + "\r\n";

	for (const std::string &a : args)
		bytes += bulk(a);
	return bytes;
}

std::vector<std::vector<std::string>> parse_commands(const std::string &bytes)
{
	std::vector<std::vector<std::string>> all;
	size_t at = 0;
	const auto number = [&](char mark) {
		const size_t end = bytes.find("\r\n", at);

		if (at >= bytes.size() || bytes[at] != mark || end == std::string::npos)
			throw std::runtime_error("not RESP at " + std::to_string(at));
		const size_t n = std::stoul(bytes.substr(at + 1, end - at - 1));
		at = end + 2;
		return n;
	};

	while (at < bytes.size()) {
		std::vector<std::string> args(number('*'));

		for (std::string &a : args) {
			const size_t len = number('$');

			if (at + len + 2 > bytes.size() || bytes.compare(at + len, 2, "\r\n") != 0)
				throw std::runtime_error("no end of a bulk string");
			a = bytes.substr(at, len);
			at += len + 2;
		}
		all.push_back(args);
	}
	return all;
}

} // namespace support
