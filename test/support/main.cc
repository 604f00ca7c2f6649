/*
 * The main of every test program.
 */
#include <csignal>

#include <gtest/gtest.h>

int main(int argc, char **argv)
{
	/* The library must not raise it: where it does, that ends the run. */
	std::signal(SIGPIPE, SIG_DFL);
	testing::InitGoogleTest(&argc, argv);
	return RUN_ALL_TESTS();
}
