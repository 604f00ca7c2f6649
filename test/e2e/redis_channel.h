/*
 * redis_channel - sources and sinks of Redis data as the tests of this directory drive them.
 */
#ifndef TEST_E2E_REDIS_CHANNEL_H
#define TEST_E2E_REDIS_CHANNEL_H

#include "entropy/dynentropy.h"
#include "entropy/snapshot.h"
#include "support/redis_server.h"
#include "support/resp.h"

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace channel
{

constexpr const char *kFar = "4102444800000"; /* the year 2100, in milliseconds */

/* A struct dyn_entropy_redis with the strings that it points to. */
class Endpoint
{
      public:
	explicit Endpoint(const std::string &address, const std::string &password = "",
		const std::string &user = "")
	    : address_(address), password_(password), user_(user)
	{
	}

	dyn_entropy_redis get() const
	{
		dyn_entropy_redis r = {};

		r.address = address_.c_str();
		r.password = password_.empty() ? nullptr : password_.c_str();
		r.user = user_.empty() ? nullptr : user_.c_str();
		r.timeout_ms = timeout_ms;
		r.cancel = cancel;
		return r;
	}

	uint32_t timeout_ms = 20000;
	dyn_entropy_cancel *cancel = nullptr;

      private:
	std::string address_, password_, user_;
};

/* The DUMP payload of a string. */
inline std::string dump(support::RedisClient &client, const std::string &value)
{
	client.set("dumped", value);
	const std::string payload = client.cmd("DUMP", "dumped");
	client.cmd("DEL", "dumped");
	return payload;
}

inline std::string restore(const std::string &key, const std::string &payload)
{
	return support::resp({"RESTORE", key, "0", payload, "ABSTTL"});
}

inline std::string restores(const std::string &prefix, int n, const std::string &payload)
{
	std::string bytes;

	for (int i = 0; i < n; i++)
		bytes += restore(prefix + std::to_string(i), payload);
	return bytes;
}

struct Applied {
	dyn_entropy_status status = DYN_ENTROPY_OK;
	std::string message;
	dyn_entropy_apply_result result = {};
};

class Sink
{
      public:
	explicit Sink(const Endpoint &e, dyn_entropy_accept accept = DYN_ENTROPY_ACCEPT_RESTORE)
	{
		dyn_entropy_sink_redis_options options = {};

		options.struct_size = sizeof(options);
		options.accept = accept;
		open(e, options);
	}
	Sink(const Endpoint &e, const dyn_entropy_sink_redis_options &options)
	{
		open(e, options);
	}
	~Sink()
	{
		dyn_entropy_sink_free(&sink_);
	}
	Sink(const Sink &) = delete;
	Sink &operator=(const Sink &) = delete;

	/* Any thread. */
	Applied apply(const std::string &bytes) const
	{
		dyn_entropy_error err = {};
		dyn_entropy_snapshot snapshot = {};
		Applied a;

		if (spool_new(nullptr, SPOOL_MEMORY_BYTES, &snapshot.spool, &err) ||
			spool_append(snapshot.spool, bytes.data(), bytes.size(), &err))
			throw std::runtime_error(err.message);
		snapshot.len = static_cast<uint32_t>(bytes.size());
		snapshot.began_ms = began_ms;
		err = {};
		a.status = sink_.ops->apply(sink_.self, &snapshot, &a.result, &err);
		a.message = err.message;
		spool_free(snapshot.spool);
		return a;
	}

	int64_t began_ms = 0; /* of the snapshots */

      private:
	void open(const Endpoint &e, const dyn_entropy_sink_redis_options &options)
	{
		const dyn_entropy_redis r = e.get();
		dyn_entropy_error err = {};

		if (dyn_entropy_sink_redis(&r, &options, &sink_, &err) != DYN_ENTROPY_OK)
			throw std::runtime_error(err.message);
	}

	dyn_entropy_sink sink_ = {};
};

/* A scan of a Redis. */
class Scan
{
      public:
	explicit Scan(const Endpoint &e, const dyn_entropy_source_options &options = {})
	{
		const dyn_entropy_redis r = e.get();

		status = dyn_entropy_source_scan(&r, &options, &source_, &err_);
	}
	~Scan()
	{
		if (source_.ops)
			dyn_entropy_source_free(&source_);
	}
	Scan(const Scan &) = delete;
	Scan &operator=(const Scan &) = delete;

	/* Begin the next snapshot; status and len tell. */
	bool next()
	{
		len = 0;
		if (source_.ops)
			status = source_.ops->next(source_.self, &len, &err_);
		return status == DYN_ENTROPY_OK;
	}

	/* The rest of the snapshot, read in pieces of an odd size. */
	std::string read()
	{
		std::string bytes;
		char piece[9973];
		size_t n = 0;

		do {
			if (source_.ops->read(source_.self, piece, sizeof(piece), &n, &err_))
				throw std::runtime_error(err_.message);
			bytes.append(piece, n);
		} while (n > 0);
		return bytes;
	}

	/* All snapshots up to the end or an error. */
	std::vector<std::string> drain()
	{
		std::vector<std::string> all;

		while (next())
			all.push_back(read());
		return all;
	}

	dyn_entropy_source_totals totals() const
	{
		dyn_entropy_source_totals t = {};

		source_.ops->totals(source_.self, &t);
		return t;
	}

	std::string message() const
	{
		return err_.message;
	}

	const dyn_entropy_source &source() const
	{
		return source_;
	}

	dyn_entropy_status status = DYN_ENTROPY_OK;
	uint32_t len = 0;

      private:
	dyn_entropy_source source_ = {};
	dyn_entropy_error err_ = {};
};

/* The number of calls of a command so far. */
inline int64_t calls(support::RedisClient &client, const std::string &command)
{
	const std::string stat = client.info("cmdstat_" + command);

	return stat.empty() ? 0 : std::stoll(stat.substr(stat.find('=') + 1));
}

/* Every key of some snapshots, with how often it is there. */
inline std::map<std::string, int> keys_of(const std::vector<std::string> &snapshots)
{
	std::map<std::string, int> keys;

	for (const std::string &s : snapshots)
		for (const auto &args : support::parse_commands(s))
			keys[args.at(1)]++;
	return keys;
}

inline void fill(support::RedisClient &client, int n, size_t value_len)
{
	std::vector<support::RedisClient::Args> sets;

	for (int i = 0; i < n; i++)
		sets.push_back({"SET", "key:" + std::to_string(i), std::string(value_len, 'v')});
	client.pipeline(sets);
}

} // namespace channel

#endif
