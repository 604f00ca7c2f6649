/*
 * model - what a simulated ring is made of: contents that are lists of the writes in them, a Redis
 * that can lose its tail, a log that can be done again.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include "recon/session.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace sim
{

using Stamp = uint64_t;
using Ms = int64_t;

/* ---- What a rule is worth is seen by leaving it out ---- */

struct Rules {
	bool compare_and_set = true; /* a repair finds the chain that its session saw */
	bool sums = true;         /* entries have sums of all their writes: else the newest alone */
	bool late_refusal = true; /* of writes older than max_delay, by the clock */
	bool mixed_for_older = true; /* an older write carried out, or left out, leaves doubt */
	bool log_before_send = true; /* else a crash loses what was sent last */
	bool forget_all = true;      /* when all have said that they settled: else when one has */
	bool void_marks = true;      /* what was agreed on past the marker does not count */
	bool full_comparison = true; /* after others have forgotten more than came back */
	bool mixed_while_behind = true; /* an update of a dataset that came back with less */
	bool forgotten_loses = true;    /* a newest write that the other has forgotten loses */
	bool reopen = true;             /* a settled epoch whose sums differ is looked at again */
	bool reopen_content = true;     /* likewise one whose contents another repair replaced */
	bool close_epochs = true;     /* who said that an epoch is complete takes no write of it */
	bool wait = true;             /* an older write waits for what is under way */
	bool fresh_keys = true;       /* what a session read is too old when it can be forgotten */
	bool fence = true;            /* old connections are killed before the markers are read */
	bool unheard_is_mixed = true; /* carried out, with an answer that was lost: maybe refused */
};
extern Rules rules;

/* Print what happens. */
extern bool show;

/* splitmix64 (Steele, Lea, Flood), public domain. */
struct Random {
	uint64_t state;

	uint64_t next()
	{
		uint64_t z = state += 0x9e3779b97f4a7c15u;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		return z ^ z >> 31;
	}
	int64_t below(int64_t n)
	{
		return n <= 0 ? 0 : static_cast<int64_t>(next() % static_cast<uint64_t>(n));
	}
	int64_t between(int64_t low, int64_t high)
	{
		return low + below(high - low + 1);
	}
	bool chance(int percent)
	{
		return below(100) < percent;
	}
};

/* ---- Contents, as symbols: the stamps of the writes that made them ---- */

struct Content {
	std::vector<Stamp> writes; /* empty: the key is not there */
	Stamp deleted = 0;         /* for the checker: by which write */

	Stamp newest() const
	{
		return writes.empty() ? deleted : *std::max_element(writes.begin(), writes.end());
	}
	bool has(Stamp s) const
	{
		return std::find(writes.begin(), writes.end(), s) != writes.end();
	}
	bool operator==(const Content &o) const
	{
		return writes == o.writes;
	}
};

struct Write {
	Stamp stamp;
	int key;
	journal_kind kind;
	int coordinator;
	int fails_at = -1; /* an error is what this node's Redis says */
	bool acknowledged = false;
	bool gone = false; /* no disk has it any more, nor anything newer */
};

inline uint64_t digest_of(const Content &c)
{
	uint64_t h = c.writes.empty() ? 0 : 1469598103934665603u;

	for (Stamp s : c.writes)
		h = (h ^ s) * 1099511628211u;
	return h;
}

/* ---- A Redis ---- */

enum class Persistence {
	Always,
	Everysec,
	Rdb,
	None
};

struct Command {
	Ms at;
	int lane;
	size_t record; /* of the log; SIZE_MAX: a read */
	int key;
	bool is_write;
	Write write;
	bool is_repair;
	bool fails;      /* with an error, changing nothing */
	Content content; /* of a repair */
};

struct Redis {
	bool up = true;
	std::map<int, Content> data;
	std::vector<Command> done;
	Persistence persistence = Persistence::Always;
	Ms saved_at = 0; /* Rdb */
	uint64_t generation = 0;

	void execute(const Command &c, bool commutes)
	{
		Content &v = data[c.key];

		if (c.is_repair) {
			v = c.content;
			return;
		}
		if (c.fails)
			return;
		switch (c.write.kind) {
		case JOURNAL_OVERWRITE:
			v.writes = {c.write.stamp};
			break;
		case JOURNAL_DELETE:
			v.writes.clear();
			v.deleted = c.write.stamp;
			break;
		case JOURNAL_UPDATE:
			v.writes.push_back(c.write.stamp);
			if (commutes)
				std::sort(v.writes.begin() + 0, v.writes.end());
			break;
		}
	}
};

/* ---- A record of the log, with what it borrows ---- */

struct LogRecord {
	journal_record record;
	std::string key;
	std::vector<journal_entry> entries;
	int lane = -1; /* of what goes to Redis, or hangs on it */
	bool is_command = false;
	bool is_void = false;
	size_t answers = SIZE_MAX; /* the command that it is the answer of */
};

struct Waiting {
	Write write;
	std::function<void(bool)> reply;
	Ms deadline;
};

class World;

struct Node {
	World *world = nullptr;
	int index = 0;
	bool up = true;
	uint64_t life = 0; /* counts restarts */
	Ms skew = 0;
	stamp_clock clock{};
	recon_core *core = nullptr;
	std::vector<LogRecord> log;
	std::vector<Ms> next_ms; /* the next session with each peer */
	std::map<int, std::vector<Waiting>> waiting;
	Redis redis;
	bool connected = true;
};

/* A connection of two nodes, and the session at each end. */
struct Connection : std::enable_shared_from_this<Connection> {
	World *world = nullptr;
	struct End {
		Connection *connection = nullptr;
		int node = 0;
		uint64_t life = 0;
		recon_session *session = nullptr;
		Ms last_ms = 0; /* when the latest bytes for it arrive: they keep their order */
	} dialer, listener;
	std::vector<uint8_t> first; /* of the listener, until its session is made */
	bool is_cut = false;        /* nothing arrives any more */
};

} // namespace sim

#endif
