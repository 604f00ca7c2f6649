/*
 * world - a whole ring, run from one seed against every fault that can be named, and a checker that
 * knows only what was asked, what was acknowledged and what is there in the end.
 *
 * The journals and the decision which of two is right are the engine's own; nodes, connections,
 * Redis and the steps of a session are models of it.  Time is simulated: nothing waits.
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

	/* the log and the journal */
	size_t append(Node &n, const journal_record &r, int key, int lane, bool is_command,
		size_t answers = SIZE_MAX);
	void apply(Node &n, const LogRecord &r);
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
	bool is_refused(Node &n, const Write &w);
	void arrive(Node &n, const Write &w, const Reply &reply);
	void carry_out(Node &n, const Write &w, journal_record r, const Reply &reply);
	void wake(Node &n, int key);

	/* sessions */
	struct Hello {
		uint64_t incarnation;
		uint32_t forgotten, horizon, closed;
		Standing standing;
		std::vector<journal_epoch> epochs;
		std::vector<bool> all;
	};
	struct Side {
		std::vector<journal_entry> entries;
		journal_side side;
		Content content;
		uint32_t horizon;
		bool busy;
	};
	struct Session {
		int a, b;
		uint64_t life_a, life_b, inc_a, inc_b;
		std::set<uint32_t> epochs, failed;
		std::map<uint32_t, uint32_t> repairs_a,
			repairs_b; /* seen when it began, and its own */
		std::set<int> keys;
		size_t left = 0;
		bool full = false, ended = false, all_well = true;
		Standing standing_a, standing_b;
		Hello hello_a{}, hello_b{};
	};
	using SessionPtr = std::shared_ptr<Session>;

	bool settled_with_all(const Node &n, const journal_epoch &e) const;
	Hello hello(Node &n);
	uint32_t epoch_before(const Node &n, Ms ago) const;
	void hear(Node &n, int peer, const Hello &h);
	void begin_session(int a, int b);
	bool broken(const SessionPtr &x);
	void end_session(const SessionPtr &x);
	using Entries = std::map<int, std::vector<journal_entry>>;
	using Sums = std::map<uint32_t, uint64_t>;
	void choose_epochs(const SessionPtr &x, const Hello &ha, const Hello &hb);
	void choose(const SessionPtr &x, const Hello &ha, const Hello &hb);
	void choose_keys(const SessionPtr &x, const Entries &la);
	void caught_up(const SessionPtr &x, Node &n, Standing other, int peer, const Hello &h);
	void settle_forgotten(const SessionPtr &x, Node &n, int peer, const Hello &h,
		const std::map<uint32_t, uint32_t> &seen);
	Sums agree_on(
		Node &n, int peer, const Sums &sums, const std::map<uint32_t, uint32_t> &seen);
	static Entries list(const Node &n, const std::set<uint32_t> &epochs);
	void compare_key(const SessionPtr &x, int key);
	void read_side(Node &n, int key, std::function<void(bool, Side)> got);
	void decide_key(const SessionPtr &x, int key, Side sa, Side sb);
	void repair(Node &n, int key, const Side &seen, const Side &winner, bool equal,
		std::map<uint32_t, uint32_t> *own, std::function<void(bool)> done);
	void key_done(const SessionPtr &x, int key, bool ok, const std::vector<journal_entry> &ea,
		const std::vector<journal_entry> &eb);
	void settle(const SessionPtr &x);
	static std::map<uint32_t, uint32_t> repairs(
		const Node &n, const std::set<uint32_t> &epochs);
	void forget(Node &n);
	void tick();
	void fault();
	void bury();
	void check();
};

} // namespace sim

#endif
