/*
 * status - what the library returned, as a test asks for it.
 */
#ifndef TEST_SUPPORT_STATUS_H
#define TEST_SUPPORT_STATUS_H

#include "entropy/dynentropy.h"

#include <gtest/gtest.h>
#include <string>

namespace support
{

/* A place for an error that converts to what the library takes. */
struct Error {
	struct dyn_entropy_error e = {};

	operator struct dyn_entropy_error *()
	{
		return &e;
	}
	std::string text() const
	{
		return e.message;
	}
};

inline testing::AssertionResult succeeds(enum dyn_entropy_status status, const Error &err)
{
	if (status == DYN_ENTROPY_OK)
		return testing::AssertionSuccess();
	return testing::AssertionFailure() << dyn_entropy_status_name(status) << ": " << err.text();
}

/* It failed with this status, which the error has too, and with these words in the message. */
inline testing::AssertionResult fails(enum dyn_entropy_status status, const Error &err,
	enum dyn_entropy_status expected, const std::string &words = "")
{
	const std::string text = err.text();

	if (status != expected || err.e.status != expected)
		return testing::AssertionFailure()
		       << dyn_entropy_status_name(status) << " (" << text << ") instead of "
		       << dyn_entropy_status_name(expected);
	if (text.empty() || text.find('\n') != std::string::npos)
		return testing::AssertionFailure() << "not a line: '" << text << "'";
	if (text.find(words) == std::string::npos)
		return testing::AssertionFailure() << "'" << text << "' lacks '" << words << "'";
	return testing::AssertionSuccess();
}

} // namespace support

#endif
