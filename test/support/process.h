/*
 * process - a program run by a test, with its output in files and its end assured.
 *
 * A child dies with the object, and, whatever happens, with the test program.  It is started by a
 * thread of its own that lives as long as the test program, since the kernel ties the latter to the
 * thread that forked: an object may be made in any thread.
 */
#ifndef TEST_SUPPORT_PROCESS_H
#define TEST_SUPPORT_PROCESS_H

#include "support/tempdir.h"

#include <chrono>
#include <string>
#include <sys/types.h>
#include <vector>

namespace support
{

class Process
{
      public:
	/*
	 * Start argv[0], looked up in PATH.  An entry of env is "NAME=value", added to the
	 * environment, or "NAME", removed from it.  Standard input is /dev/null.  Throws
	 * std::runtime_error when it cannot be started.
	 */
	explicit Process(std::vector<std::string> argv, std::vector<std::string> env = {});
	~Process(); /* by SIGKILL, if it still runs */
	Process(const Process &) = delete;
	Process &operator=(const Process &) = delete;

	pid_t pid() const
	{
		return pid_;
	}

	bool running();

	/* Nothing happens when it has ended. */
	void signal(int signo);

	static constexpr int kRunning = -1;

	/* Its exit status, 128 + the signal that ended it, or kRunning when it runs beyond limit.
	 */
	int wait(std::chrono::milliseconds limit = std::chrono::seconds(30));

	/* What it has written so far: standard output, standard error, and one after the other. */
	std::string out() const;
	std::string err() const;
	std::string output() const;

	/* Wait until output() holds text.  False when it does not by then, or the process ended
	 * without. */
	bool wait_output(const std::string &text,
		std::chrono::milliseconds limit = std::chrono::seconds(10));

      private:
	TempDir dir_;
	pid_t pid_ = -1;
	int status_ = kRunning;

	bool reap(int flags);
};

/* Run to the end; the exit status as wait() gives it, output in *output when it is not NULL. */
int run(const std::vector<std::string> &argv, std::string *output = nullptr,
	std::chrono::milliseconds limit = std::chrono::seconds(60));

/*
 * The programs under test: from the environment (DYNOMITE, DYN_ENTROPY), which the Makefile sets,
 * else found in the build directory above the test binary.
 */
std::string dynomite_program();
std::string dyn_entropy_program();

} // namespace support

#endif
