/*
 * world - a whole ring, run from one seed against every fault that can be named, and a checker that
 * knows only what was asked, what was acknowledged and what is there in the end.
 *
 * The cores of shares, their journals and sessions are the engine's own, and speak with the bytes
 * that it speaks; nodes, connections and Redis are models.  Time is simulated: nothing waits.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sim/model.h"

#include <memory>
#include <queue>
#include <set>

namespace sim
{

struct Event {
	Ms at;
	uint64_t order;
	std::function<void()> run;

	bool operator<(const Event &o) const
	{
		return at != o.at ? at > o.at : order > o.order;
	}
};

struct Settings {
	int nodes, keys, lanes;
	Ms lane_ms; /* from node to Redis, and back */
	Ms writing_ms;
	Ms max_delay_ms = 15000, close_ms = 6000, session_ms = 4000;
	int far_percent, error_percent;
	int late_percent;  /* of messages */
	int fault_percent; /* of seconds in which something breaks */
	int lose_percent;  /* of messages */
	uint32_t window;   /* keys under way in a session */
	bool restarts, rollbacks, partitions;
};

#define SUM_SEED 42 /* the ring's, for the sums of journals */

class World
{
      public:
	explicit World(uint64_t seed);
	~World();
	bool run();
	std::string failure;
	uint64_t steps = 0, faults = 0, acknowledged = 0;

      private:
	Random random;
	Settings s{};
	Ms now = 0;
	uint64_t order = 0;
	std::priority_queue<Event> events;
	std::vector<Node> nodes;
	std::vector<std::vector<bool>> cut; /* one way */
	std::vector<std::unique_ptr<Write>> writes;
	bool calm = false;
	stamp_clock far_clock{0, 900};
	Ms far_skew = 0;

	void fail(const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	void note(const char *fmt, ...) __attribute__((format(printf, 2, 3)));
	void at(Ms when, std::function<void()> run);
	void after(Ms delay, std::function<void()> run)
	{
		at(now + delay, std::move(run));
	}
	Ms hop()
	{
		return random.chance(s.late_percent) && !calm ? random.between(200, 25000)
							      : random.between(1, 40);
	}
	Ms downtime()
	{
		return random.chance(30) ? random.between(1, 30) : random.between(30, 15000);
	}
	void send(int from, int to, std::function<void()> run);
	void send_far(int to, std::function<void()> run);

	uint64_t wall(const Node &n) const
	{
		return static_cast<uint64_t>(now + n.skew + 100000000);
	}
	static std::string name_of(int key)
	{
		return "key:" + std::to_string(key);
	}
	static int key_of(const void *key, size_t len)
	{
		return atoi(std::string(static_cast<const char *>(key), len).c_str() + 4);
	}
	static bool commutes(int key)
	{
		return key % 2 == 0;
	}
	uint64_t others(const Node &n) const
	{
		return ((UINT64_C(1) << nodes.size()) - 1) & ~(UINT64_C(1) << n.index);
	}
	recon_now now_at(const Node &n) const
	{
		return {wall(n), static_cast<uint64_t>(now)};
	}
	static const journal *journal_of(const Node &n)
	{
		return recon_core_journal(n.core);
	}

	/* the log and the journal */
	void append(Node &n, const journal_record &r);
	static size_t command_of(const Node &n, const LogRecord &l);
	void replay(Node &n, const LogRecord &l);
	void record_as(Node &n, size_t at, journal_action action, bool mixed);
	void find_void(Node &n, size_t *first_void);
	void take_unheard(Node &n);
	void rebuild(Node &n);

	/* Redis */
	int lane_of(int key) const
	{
		return key % s.lanes;
	}
	void command(Node &n, Command c, std::function<void(bool)> answered);
	void crash_redis(Node &n);
	void start_redis(Node &n);
	void connect(Node &n);
	void crash_node(Node &n);
	void start_node(Node &n);

	/* the write path */
	void client_write();
	using Reply = std::function<void(bool)>;
	void arrive(Node &n, const Write &w, const Reply &reply);
	void carry_out(Node &n, const Write &w, const Reply &reply);
	void wake(Node &n, int key);

	/* what a core asks of its node */
	static const recon_host host;
	void make_core(Node &n);
	std::map<std::pair<int, Stamp>, Stamp> deletes; /* by key and newest stamp: its delete */
	void read(Node &n, int key, uint64_t ticket);
	void read_answered(Node &n, int key, const Content &content, uint64_t ticket);
	void repair(Node &n, int key, const recon_content &content, uint64_t ticket);
	void scan(Node &n, int key, uint64_t ticket);

	/* sessions */
	std::vector<std::shared_ptr<Connection>> connections;
	recon_session *new_session(Connection::End &end, int peer, bool is_dialer);
	void begin_session(int a, int b);
	void transmit(Connection::End &from, const void *bytes, size_t len);
	void deliver(Connection &c, Connection::End &to, const std::vector<uint8_t> &bytes);
	bool accept(Connection &c);
	static void close(Connection::End &end);
	void close_sessions(const Node &n);
	void reap();
	void tick_sessions();
	void tick();
	void fault();
	void bury();
	void check();
};

} // namespace sim

#endif
