#include "checker/clients.h"

#include <chrono>
#include <sys/time.h>
#include <thread>

namespace checker
{
namespace
{

using namespace support;

constexpr uint64_t kKeysOfAKind = 12;
constexpr uint64_t kFields = 10;
constexpr int kAnswerSeconds = 20; /* far longer than a node takes to give up */

} // namespace

int64_t now_us()
{
	return std::chrono::duration_cast<std::chrono::microseconds>(
		std::chrono::system_clock::now().time_since_epoch())
		.count();
}

Client::Client(e2e::Ring &ring, size_t number, uint64_t seed)
    : ring_(ring), number_(number), node_(number % ring.size()), random_(seed),
      thread_([this] { run(); })
{
}

std::string Client::unique(const char *what)
{
	return std::string(what) + std::to_string(number_) + "." + std::to_string(n_++);
}

/* ---- Requests ---- */

Client::Args Client::erase(Operation &o)
{
	o.action = Action::kDelete;
	if (kind_of(o.key) == Kind::kQueue || below(3)) /* GETDEL is for strings */
		return {"DEL", o.key};
	return {"GETDEL", o.key};
}

Client::Args Client::overwrite(Operation &o)
{
	if (below(10) < 3)
		return erase(o);
	o.action = Action::kPut;
	o.value = unique("v");
	return {"SET", o.key, o.value};
}

Client::Args Client::write_once(Operation &o)
{
	if (!once_.empty() && below(3) == 0) {
		o.key = once_[below(once_.size())];
		return erase(o);
	}
	o.key = unique("once:");
	once_.push_back(o.key);
	o.value = unique("v");
	return {"SET", o.key, o.value};
}

Client::Args Client::fleeting(Operation &o)
{
	Args args = overwrite(o);

	if (o.action == Action::kPut && below(3)) {
		o.ttl_ms = static_cast<int64_t>(
			below(2) ? 500 + below(4000) : 1000000 + below(1000000));
		args.insert(args.end(), {"PX", std::to_string(o.ttl_ms)});
	}
	return args;
}

Client::Args Client::expiring(Operation &o)
{
	if (below(2))
		return overwrite(o);
	o.action = Action::kExpire;
	o.ttl_ms = static_cast<int64_t>(1000 + below(1000)) * 1000;
	return {"EXPIRE", o.key, std::to_string(o.ttl_ms / 1000)};
}

Client::Args Client::set(Operation &o)
{
	if (!members_.empty() && below(4) == 0) {
		o = members_[below(members_.size())];
		o.action = Action::kRemove;
		return {"SREM", o.key, o.value};
	}
	o.action = Action::kAdd;
	o.value = unique("m");
	members_.push_back(o);
	return {"SADD", o.key, o.value};
}

Client::Args Client::hash(Operation &o)
{
	const std::string field = "f" + std::to_string(below(kFields));

	if (below(6) == 0) {
		o.action = Action::kRemove;
		o.value = field;
		return {"HDEL", o.key, field};
	}
	const std::string value = unique("v");
	o.action = Action::kAdd;
	o.value = field + "=" + value;
	return {"HSET", o.key, field, value};
}

Client::Args Client::push(Operation &o)
{
	o.action = Action::kAdd;
	o.value = unique("e");
	return {"RPUSH", o.key, o.value};
}

Client::Args Client::next(Kind kind, Operation &o)
{
	o.key = std::string(kind_name(kind)) + ":" + std::to_string(below(kKeysOfAKind));
	switch (kind) {
	case Kind::kRegister:
		return overwrite(o);
	case Kind::kOnce:
		return write_once(o);
	case Kind::kFleeting:
		return fleeting(o);
	case Kind::kExpiring:
		return expiring(o);
	case Kind::kCounter:
		o.action = Action::kAdd;
		return {"INCR", o.key};
	case Kind::kSet:
		return set(o);
	case Kind::kList:
		return push(o);
	case Kind::kHash:
		return hash(o);
	case Kind::kQueue:
		return below(6) ? push(o) : erase(o);
	}
	return {};
}

/* ---- The thread ---- */

/* A connection that breaks leaves the last operation unknown; it ended with the connection, unless
 * that is still there and the answer only late. */
void Client::write(RedisClient &to)
{
	Operation o;
	const Args args = next(static_cast<Kind>(below(kKinds)), o);

	o.node = node_;
	o.answer = Answer::kUnknown;
	o.end_us = kNever;
	o.begin_us = now_us();
	operations_.push_back(o);
	Operation &noted = operations_.back();
	try {
		const RedisReply r = to.call(args);

		noted.end_us = now_us();
		if (r->type != REDIS_REPLY_ERROR)
			noted.answer = Answer::kAcknowledged;
	} catch (const std::runtime_error &) {
		if (now_us() - noted.begin_us < int64_t{kAnswerSeconds} * 1000000)
			noted.end_us = now_us();
		throw;
	}
}

void Client::run()
{
	const struct timeval limit = {kAnswerSeconds, 0};

	while (!stopping_) {
		try {
			RedisClient to = ring_[node_].client();

			redisSetTimeout(to.context(), limit);
			while (!stopping_) {
				write(to);
				std::this_thread::sleep_for(
					std::chrono::microseconds(1000 + below(6000)));
			}
		} catch (const std::runtime_error &) {
			std::this_thread::sleep_for(std::chrono::milliseconds(20));
			node_ = below(ring_.size());
		}
	}
}

} // namespace checker
