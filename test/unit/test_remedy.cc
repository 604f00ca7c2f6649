#include "heal/remedy.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

std::string with_remedy(const char *message, const char *setting)
{
	struct dyn_entropy_error err = {};

	snprintf(err.message, sizeof(err.message), "%s", message);
	err.setting = setting;
	heal_remedy_add(&err);
	return err.message;
}

TEST(Remedy, IsTheKeyOfTheFile)
{
	EXPECT_EQ(with_remedy("all workers are busy", "max_connections"),
		"all workers are busy (recon_max_connections)");
	for (const char *setting : {"accept", "allow", "encrypt", "max_snapshot_bytes"})
		EXPECT_EQ(with_remedy("m", setting), "m (recon_" + std::string(setting) + ")");
	EXPECT_EQ(with_remedy("m", nullptr), "m");
	EXPECT_EQ(with_remedy("m", "no key of ours"), "m");
}

TEST(Remedy, OfALongMessageIsCut)
{
	const std::string full(DYN_ENTROPY_MESSAGE_MAX - 1, 'x');

	EXPECT_EQ(with_remedy(full.c_str(), "accept"), full);
	EXPECT_EQ(with_remedy(full.substr(5).c_str(), "accept"), full.substr(5) + " (rec");
}

} // namespace
