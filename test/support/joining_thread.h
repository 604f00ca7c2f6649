/*
 * joining_thread - a thread that is joined when its object goes, so that a test which fails half
 * way ends alone and does not take the program with it.
 *
 * What it runs must come to an end: by deadlines of its own, or because the class that has it sees
 * to that in its destructor.
 */
#ifndef TEST_SUPPORT_JOINING_THREAD_H
#define TEST_SUPPORT_JOINING_THREAD_H

#include <thread>
#include <utility>

namespace support
{

class JoiningThread
{
      public:
	JoiningThread() = default;
	template <typename F> explicit JoiningThread(F run) : thread_(std::move(run))
	{
	}
	~JoiningThread()
	{
		join();
	}
	JoiningThread(JoiningThread &&) = default;
	JoiningThread &operator=(JoiningThread &&other)
	{
		join();
		thread_ = std::move(other.thread_);
		return *this;
	}

	/* Harmless when it was joined before. */
	void join()
	{
		if (thread_.joinable())
			thread_.join();
	}

      private:
	std::thread thread_;
};

} // namespace support

#endif
