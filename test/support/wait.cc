#include "support/wait.h"

#include "support/sanitized.h"

#include <algorithm>
#include <cstdlib>

namespace support
{

double slowness()
{
	constexpr double kUnderSanitizers = 5;
	const char *const given = getenv("DYN_TEST_SLOWNESS");

	if (given && *given)
		return std::max(1.0, strtod(given, nullptr));
	return SANITIZED ? kUnderSanitizers : 1;
}

} // namespace support
