/*
 * The verdicts of the benchmarks: no figure passes that was not measured.
 */
#include "support/process.h"

#include <gtest/gtest.h>

namespace
{

std::string row(const std::string &arguments)
{
	std::string said;

	support::run({"/bin/bash", "-c",
			     ". " + support::source_file("test/bench/common") + "; row work " +
				     arguments + "; echo \"missed $missed\""},
		&said);
	return said;
}

TEST(Bench, AFigureIsHeldAgainstItsTarget)
{
	const struct {
		const char *arguments, *verdict;
		int missed;
	} cases[] = {
		{"1.5 '' '<= 2' 2", "met", 0},
		{"2.5 '' '<= 2' 2", "MISSED", 1},
		{"2.5 '' '>= 2' 2", "met", 0},
		{"1.5 '' '>= 2' 2.0000", "MISSED", 1},
		{"1.5 '' '' ''", "reported", 0},
		{"'' '' '<= 2' 2", "MISSED", 1},
		{"'' '' '>= 2' 2", "MISSED", 1},
		{"none '' '<= 2' 2", "MISSED", 1},
		{"1.5 '' '<= 2 x the other' ''", "MISSED", 1},
		{"'' '' '' ''", "MISSED", 1},
	};

	for (const auto &c : cases) {
		const std::string said = row(c.arguments);

		EXPECT_NE(said.find(std::string(" ") + c.verdict + "\nmissed " +
				    std::to_string(c.missed) + "\n"),
			std::string::npos)
			<< c.arguments << "\n"
			<< said;
	}
}

} // namespace
