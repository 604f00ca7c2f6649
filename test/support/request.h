/*
 * request - a request of these arguments, parsed and understood.
 */
#ifndef TEST_SUPPORT_REQUEST_H
#define TEST_SUPPORT_REQUEST_H

#include "proto/request.h"
#include "support/resp.h"

#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace support
{

using Args = std::vector<std::string>;

/* The words of a line. */
inline Args words(const std::string &line)
{
	std::istringstream in(line);
	Args args;

	for (std::string word; in >> word;)
		args.push_back(word);
	return args;
}

class Request
{
      public:
	explicit Request(const Args &args) : Request(0, resp(args))
	{
	}
	explicit Request(const std::string &line) : Request(words(line))
	{
	}
	~Request()
	{
		request_parser_fini(&parser_);
	}
	Request(const Request &) = delete;
	Request &operator=(const Request &) = delete;

	/* As it is, RESP or inline. */
	static Request of_bytes(const std::string &bytes)
	{
		return Request(0, bytes);
	}

	const struct request *operator->() const
	{
		return &r_;
	}
	operator const struct request *() const
	{
		return &r_;
	}
	std::string arg(uint32_t i) const
	{
		return std::string(
			reinterpret_cast<const char *>(request_arg(&r_, i)), r_.args[i].len);
	}
	std::string key(uint32_t i) const
	{
		return arg(request_key(&r_, i));
	}
	/* All its keys, or those that it may change. */
	Args keys() const
	{
		return keys(0, r_.n_keys);
	}
	Args written() const
	{
		return keys(r_.first_written, r_.n_written);
	}

      private:
	std::string bytes_;
	request_parser parser_ = {};
	struct request r_ = {};

	Request(int, const std::string &bytes) : bytes_(bytes)
	{
		const auto *at = reinterpret_cast<const uint8_t *>(bytes_.data());

		EXPECT_EQ(REQUEST_DONE, request_parse(&parser_, at, bytes_.size()));
		r_ = request_of(&parser_, at);
		request_understand(&r_);
	}
	Args keys(uint32_t first, uint32_t n) const
	{
		Args keys;

		for (uint32_t i = first; i < first + n; i++)
			keys.push_back(key(i));
		return keys;
	}
};

} // namespace support

#endif
