/*
 * joining_thread - a thread that is joined when its object goes, so that a test which fails half
 * way fails alone and does not take the whole program with it.
 *
 * What it runs must end: by deadlines of its own, or because it is told to.
 */
#ifndef TEST_SUPPORT_JOINING_THREAD_H
#define TEST_SUPPORT_JOINING_THREAD_H

#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <thread>
#include <utility>

namespace support
{

class JoiningThread
{
      public:
	JoiningThread() = default;
	/* tell_to_end is called by the destructor, unless the thread was joined before. */
	template <typename F>
	explicit JoiningThread(F run, std::function<void()> tell_to_end = nullptr)
	    : thread_([run = std::move(run)]() mutable { run_and_report(run); }),
	      tell_to_end_(std::move(tell_to_end))
	{
	}
	~JoiningThread()
	{
		if (thread_.joinable() && tell_to_end_)
			tell_to_end_();
		join();
	}
	JoiningThread(JoiningThread &&) = default;
	JoiningThread &operator=(JoiningThread &&other)
	{
		join();
		thread_ = std::move(other.thread_);
		tell_to_end_ = std::move(other.tell_to_end_);
		return *this;
	}

	bool joinable() const
	{
		return thread_.joinable();
	}
	/* Harmless when it was joined before. */
	void join()
	{
		if (thread_.joinable())
			thread_.join();
	}

      private:
	/* An exception in a thread would end the program. */
	template <typename F> static void run_and_report(F &run)
	{
		try {
			run();
		} catch (const std::exception &e) {
			ADD_FAILURE() << "a thread threw: " << e.what();
		}
	}

	std::thread thread_;
	std::function<void()> tell_to_end_;
};

} // namespace support

#endif
