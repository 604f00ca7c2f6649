#include "proxy/load.h"

#include "support/wait.h"

namespace e2e
{
namespace
{

using namespace support;

constexpr size_t kAtOnce = 20; /* in a pipeline */

std::string value_of(const std::string &key)
{
	return "written as " + key;
}

} // namespace

/* A few writes at once; those not answered when the connection broke do not count. */
void Load::write(RedisClient &c, size_t *n)
{
	std::vector<std::string> keys;
	void *reply = nullptr;

	for (size_t i = 0; i < kAtOnce; i++) {
		keys.push_back(prefix_ + std::to_string((*n)++));
		const std::string value = value_of(keys.back());
		redisAppendCommand(
			c.context(), "SET %s %b", keys.back().c_str(), value.data(), value.size());
	}
	for (const std::string &key : keys) {
		if (redisGetReply(c.context(), &reply) != REDIS_OK)
			throw std::runtime_error("the connection broke");
		const RedisReply r(static_cast<redisReply *>(reply));
		if (r->type == REDIS_REPLY_ERROR) {
			errors_++;
			continue;
		}
		keys_.push_back(key);
		acknowledged_++;
	}
}

void Load::run()
{
	size_t n = 0;

	while (!stopping_) {
		try {
			RedisClient c = member_.client();
			while (!stopping_) {
				write(c, &n);
				std::this_thread::sleep_for(std::chrono::microseconds(500));
			}
		} catch (const std::runtime_error &) {
			broken_++;
			std::this_thread::sleep_for(std::chrono::milliseconds(5));
		}
	}
}

bool Load::more(size_t n, std::chrono::milliseconds limit)
{
	const size_t wanted = acknowledged_ + n;

	return wait_until([&] { return acknowledged_ >= wanted; }, limit);
}

size_t Load::missing(RedisClient store) const
{
	size_t n = 0;

	for (size_t begin = 0; begin < keys_.size(); begin += 1000) {
		const size_t end = std::min(begin + 1000, keys_.size());
		RedisClient::Args mget = {"MGET"};

		mget.insert(mget.end(), keys_.begin() + static_cast<std::ptrdiff_t>(begin),
			keys_.begin() + static_cast<std::ptrdiff_t>(end));
		const std::vector<std::string> values = store.texts(mget);
		for (size_t i = begin; i < end; i++)
			n += values[i - begin] != value_of(keys_[i]);
	}
	return n;
}

} // namespace e2e
