#include "support/json_at.h"

#include "base/json_view.h"

#include <cstring>
#include <stdexcept>

namespace support
{

std::string json_at(const std::string &text, const std::vector<std::string> &path)
{
	struct json_view v, next;
	char out[1024];

	if (!json_view_init(&v, text.data(), text.size()))
		throw std::runtime_error("not JSON: " + text);
	for (const std::string &name : path) {
		bool found = json_view_member(&v, name.c_str(), &next);

		if (!found && name.find_first_not_of("0123456789") == std::string::npos) {
			found = json_view_first(&v, &next);
			for (int i = std::stoi(name); found && i > 0; i--)
				found = json_view_next(&next);
		}
		if (!found)
			return "(none)";
		v = next;
	}
	if (json_view_text(&v, out, sizeof(out)))
		return out;
	return std::string(v.at, strcspn(v.at, ",}] \n"));
}

uint64_t json_number_at(const std::string &text, const std::vector<std::string> &path)
{
	const std::string value = json_at(text, path);

	if (value.empty() || value.find_first_not_of("0123456789") != std::string::npos)
		throw std::runtime_error(path.back() + " is no number but " + value + ": " + text);
	return std::stoull(value);
}

} // namespace support
