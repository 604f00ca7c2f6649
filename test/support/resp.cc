#include "support/resp.h"

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

} // namespace support
