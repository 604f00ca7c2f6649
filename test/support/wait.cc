#include "support/wait.h"

#include "support/sanitized.h"

#include <algorithm>
#include <cstdlib>

namespace support
{

double slowness()
{
	constexpr double kOfSanitizers = SANITIZED ? 4 : 1;
	const char *const machine = getenv("DYN_TEST_SLOWNESS");

	return kOfSanitizers * (machine && *machine ? std::max(1.0, strtod(machine, nullptr)) : 1);
}

} // namespace support
