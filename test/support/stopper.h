/*
 * stopper - cancels a source at the nth time that it is heard of from its next().
 */
#ifndef TEST_SUPPORT_STOPPER_H
#define TEST_SUPPORT_STOPPER_H

#include "entropy/dynentropy.h"

namespace support
{

class Stopper
{
      public:
	explicit Stopper(int stop_at) : stop_at_(stop_at)
	{
	}
	~Stopper()
	{
		dyn_entropy_cancel_free(cancel_);
	}
	Stopper(const Stopper &) = delete;
	Stopper &operator=(const Stopper &) = delete;

	dyn_entropy_cancel *cancel()
	{
		return cancel_;
	}
	void listen_to(const struct dyn_entropy_source &source)
	{
		source.ops->set_tick(
			source.self,
			[](void *arg) {
				auto *s = static_cast<Stopper *>(arg);

				if (++s->ticks == s->stop_at_)
					dyn_entropy_cancel_set(s->cancel_);
			},
			this);
	}

	int ticks = 0;

      private:
	dyn_entropy_cancel *cancel_ = dyn_entropy_cancel_new();
	int stop_at_;
};

} // namespace support

#endif
