#include "base/process.h"

#include <gtest/gtest.h>

TEST(Process, IsToldByTheSystem)
{
	EXPECT_GT(process_resident_bytes(), 1u << 20);
	/* A test program is young, and other fields of the same file are much larger. */
	EXPECT_GE(process_uptime_s(), 0);
	EXPECT_LT(process_uptime_s(), 3600);
}

TEST(Process, MayHaveDescriptors)
{
	EXPECT_GE(process_raise_descriptors(), 256u);
}
