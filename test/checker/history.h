/*
 * history - what clients did to a ring, what its replicas hold at the end, and whether the one can
 * have come of the other.
 *
 * It knows nothing of how nodes work: only when a request began, when its answer came, and what
 * that was.
 */
#ifndef TEST_CHECKER_HISTORY_H
#define TEST_CHECKER_HISTORY_H

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace checker
{

/* What is done to a key, by the part of its name before the colon. */
enum class Kind {
	kRegister, /* SET of unique values, DEL, GETDEL */
	kOnce,     /* the same; few writes each */
	kFleeting, /* the same; some SETs with PX */
	kExpiring, /* SET, DEL, EXPIRE */
	kCounter,  /* INCR */
	kSet,      /* SADD of unique members, SREM */
	kList,     /* RPUSH of unique elements */
	kHash,     /* HSET of unique values, HDEL */
	kQueue     /* RPUSH of unique elements, DEL */
};
constexpr int kKinds = 9;

const char *kind_name(Kind kind);
Kind kind_of(const std::string &key);

enum class Action {
	kPut, /* the key is this value and nothing else */
	kDelete,
	kAdd, /* of an element; of a hash: "field=value" */
	kRemove,
	kExpire
};

enum class Answer {
	kAcknowledged,
	kUnknown /* an error or none: it may have taken effect somewhere */
};

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

struct Operation {
	std::string key;
	Action action = Action::kPut;
	std::string value;  /* unique in a history, but for removals and counters */
	int64_t ttl_ms = 0; /* 0: none */
	size_t node = 0;    /* the client was connected to it */
	Answer answer = Answer::kUnknown;
	/* Unix time in us.  What was not answered in time may begin late: its end is kNever. */
	int64_t begin_us = 0, end_us = kNever;
};

/* A replica lost its data at this time at the latest. */
struct Loss {
	size_t node;
	int64_t at_us;
};

struct History {
	std::vector<Operation> operations;
	std::vector<Loss> losses;
	size_t copies = 1; /* how many replicas have what was acknowledged, at least */
	bool quiet = true; /* nothing happened to the ring */
};

/* A key as a replica holds it. */
struct Content {
	std::string type;
	std::vector<std::string> elements; /* sorted, except those of a list */
	int64_t deadline_ms = 0;           /* Unix time; 0: none */
};
using Dataset = std::map<std::string, Content>;

/* How far deadlines of the same key may be apart. */
constexpr int64_t kDeadlineSlackMs = 2000;

/* What differs between two replicas, a line each. */
std::vector<std::string> differences(const Dataset &a, const Dataset &b);

/* What of the final state, read at read_us, cannot have come of the history; a line each. */
std::vector<std::string> violations(
	const History &history, const Dataset &final_state, int64_t read_us);

/* All operations of a key, a line each. */
std::string story(const History &history, const std::string &key);

} // namespace checker

#endif
