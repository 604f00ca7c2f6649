/*
 * channel - the two ends of the channel as tests use them: a source and a sink that do as they are
 * told, a receiver that serves, a push, and a peer that is not of this library at all.
 */
#ifndef TEST_SESSION_CHANNEL_H
#define TEST_SESSION_CHANNEL_H

#include "entropy/dynentropy.h"
#include "support/joining_thread.h"
#include "support/status.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace session
{

using Milliseconds = std::chrono::milliseconds;

/* The key and IV of the golden streams.  Lives as long as the program. */
const dyn_entropy_material *sample_material();
const dyn_entropy_material *other_material();

/* Descriptors that this process has open. */
size_t open_descriptors();

/* A source of the snapshots it is given.  One thread at a time. */
class Source
{
      public:
	explicit Source(std::vector<std::string> snapshots);
	Source(const Source &) = delete;
	Source &operator=(const Source &) = delete;

	struct dyn_entropy_source *get()
	{
		return &source_;
	}
	void begin(); /* the first snapshot, for those who do not call next() themselves */

	size_t piece = SIZE_MAX;     /* the most bytes that read() returns */
	uint32_t announce_more = 0;  /* than there is */
	size_t fail_at = SIZE_MAX;   /* read() fails at this byte of a snapshot */
	size_t fail_next = SIZE_MAX; /* next() fails at this snapshot */
	enum dyn_entropy_status fail_as = DYN_ENTROPY_ERR_SOURCE; /* both */
	bool claim_more = false; /* read() says that it gave more than it was asked for */
	uint64_t keys_each = 0;  /* what a snapshot counts for in totals */
	uint64_t keys_read = 0;  /* in totals, of the one in the making */
	std::function<void(size_t number)> on_next; /* of the snapshot that begins, from 0 */
	void tick();                                /* next() gets on */

      private:
	static const struct dyn_entropy_source_ops ops_;
	struct dyn_entropy_source source_;
	std::vector<std::string> snapshots_;
	size_t given_ = 0, at_ = 0;
	void (*tick_)(void *) = nullptr;
	void *tick_arg_ = nullptr;

	static enum dyn_entropy_status next(void *, uint32_t *, struct dyn_entropy_error *);
	static enum dyn_entropy_status read(
		void *, void *, size_t, size_t *, struct dyn_entropy_error *);
	static void totals(void *, struct dyn_entropy_source_totals *);
	static void set_tick(void *, void (*)(void *), void *);
};

/* A sink that keeps all it was given.  Any thread. */
class Sink
{
      public:
	Sink();
	Sink(const Sink &) = delete;
	Sink &operator=(const Sink &) = delete;

	const struct dyn_entropy_sink *get() const
	{
		return &sink_;
	}
	std::vector<std::string> applied() const;

	/* Asked before a snapshot is kept; what is not OK fails it.  Set before the sink is used.
	 */
	std::function<enum dyn_entropy_status(const std::string &, struct dyn_entropy_error *)>
		on_apply;

      private:
	static const struct dyn_entropy_sink_ops ops_;
	struct dyn_entropy_sink sink_;
	mutable std::mutex lock_;
	std::vector<std::string> applied_;

	static enum dyn_entropy_status apply(void *, dyn_entropy_snapshot *,
		struct dyn_entropy_apply_result *, struct dyn_entropy_error *);
};

/* Somewhere to wait until a test says go on. */
class Gate
{
      public:
	void open();
	void wait(); /* until it is open, but at most 20 seconds */
	bool wait_for_visitors(unsigned n, Milliseconds limit = std::chrono::seconds(10));

      private:
	std::mutex lock_;
	std::condition_variable changed_;
	bool open_ = false;
	unsigned visitors_ = 0;
};

struct Ended {
	enum dyn_entropy_status status;
	std::string message, peer;
	uint64_t bytes;
	bool turned_away;
	std::string setting; /* that decided it */
};

struct NodeOptions {
	std::function<void(struct dyn_entropy_config *)> config;
	std::function<bool(const struct sockaddr *)> allow;
	/* A connection of version 2; false: it is not taken. */
	std::function<bool(int fd, const std::string &peer)> take = nullptr;
	bool refuse_version_1 = false;
	const dyn_entropy_material *material = sample_material();
	bool start = true; /* a thread that serves; else the test does */
};

/* A receiver on a free loopback port. */
class Node
{
      public:
	explicit Node(NodeOptions options = {});
	~Node();
	Node(const Node &) = delete;
	Node &operator=(const Node &) = delete;

	Sink sink;

	dyn_entropy_receiver *receiver()
	{
		return receiver_;
	}
	uint16_t port() const
	{
		return dyn_entropy_receiver_port(receiver_);
	}
	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port());
	}
	struct dyn_entropy_receiver_counters counters();
	std::vector<Ended> ended() const;

	/* Until n connections have ended and been told. */
	bool wait_ended(size_t n, Milliseconds limit = std::chrono::seconds(20));

      private:
	NodeOptions options_;
	struct dyn_entropy_config config_;
	dyn_entropy_receiver *receiver_ = nullptr;
	mutable std::mutex lock_;
	std::vector<Ended> ended_;

	static void note_ended(void *, enum dyn_entropy_status,
		const struct dyn_entropy_receive_result *, const struct dyn_entropy_error *);
	static bool ask_allow(void *, const struct sockaddr *);
	static bool ask_take(void *, int, const char *);
};

/* A push, as it went. */
struct Push {
	enum dyn_entropy_status status;
	struct dyn_entropy_push_result result;
	support::Error err;
};

struct PushOptions {
	std::function<void(struct dyn_entropy_config *)> config;
	const dyn_entropy_material *material = sample_material();
	struct dyn_entropy_push_options options = {};
};

/* With no limit to the rate and a timeout of 20 seconds, where options do not say otherwise. */
Push push(const std::string &to, Source &source, const PushOptions &options = {});
Push push(const std::string &to, const std::string &snapshot, const PushOptions &options = {});
Push push(const std::string &to, const std::string &snapshot,
	std::function<void(struct dyn_entropy_config *)> config);

/* How a connection ended, as the other side of it sees. */
enum class End {
	Closed,
	Reset,
	Open
};

std::ostream &operator<<(std::ostream &to, End end);

/* A plain socket: somebody who need not keep to any rule. */
class Peer
{
      public:
	Peer(); /* a socket that is not connected yet */
	explicit Peer(uint16_t connect_to);
	static Peer adopt(int fd); /* of a connection that was accepted */
	~Peer();
	Peer(Peer &&other) noexcept;
	Peer(const Peer &) = delete;
	Peer &operator=(const Peer &) = delete;

	void connect(uint16_t port);         /* throws when nobody listens there */
	bool send(const std::string &bytes); /* false when the other side is gone */
	std::string address() const;         /* its own, "127.0.0.1:port" */
	void half_close();
	void close();
	void reset();

	/* Read until the connection ends, at the longest for limit; what was read goes to *read. */
	End end(std::string *read = nullptr, Milliseconds limit = std::chrono::seconds(20));

      private:
	explicit Peer(std::nullptr_t)
	{
	}
	int fd_ = -1;
	bool reset_seen_ = false; /* by a call that took the error from those after it */
};

/* A listening socket on a free loopback port. */
class Listener
{
      public:
	Listener();
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	Peer accept(); /* throws when nobody comes within 20 seconds */
	std::string address() const
	{
		return "127.0.0.1:" + std::to_string(port_);
	}
	uint16_t port() const
	{
		return port_;
	}
	void close();

      private:
	int fd_ = -1;
	uint16_t port_ = 0;
};

/* Another implementation, that does something with the first connection that it gets. */
class Stranger
{
      public:
	explicit Stranger(std::function<void(Peer *)> act)
	    : thread_([this, act] {
		      Peer peer = listener_.accept();

		      act(&peer);
	      })
	{
	}
	~Stranger()
	{
		thread_.join();
	}
	std::string address() const
	{
		return listener_.address();
	}

      private:
	Listener listener_;
	support::JoiningThread thread_;
};

} // namespace session

#endif
