/*
 * compare_pair - connections to the two Redis, and commands that are sent to both.
 *
 * One thread.
 */
#ifndef TOOLS_COMPARE_PAIR_H
#define TOOLS_COMPARE_PAIR_H

#include "entropy/redis_conn.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
	SIDE_A,
	SIDE_B,
	SIDES
};

struct compare_pair {
	struct redis_conn *side[SIDES];
	bool no_usage;        /* one of them does not answer MEMORY USAGE */
	bool field_deadlines; /* one of them has deadlines of hash fields (7.4) */
};

/* Connect to both and find out what they support.  After a failure p is empty, and
 * compare_pair_close() harmless. */
enum dyn_entropy_status compare_pair_open(struct compare_pair *p, const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, struct dyn_entropy_error *err);
void compare_pair_close(struct compare_pair *p);

/* A command being built.  Arguments are borrowed; numbers are stored in it. */
#define COMPARE_ARGS_MAX 12

struct compare_command {
	int argc;
	const char *argv[COMPARE_ARGS_MAX];
	size_t len[COMPARE_ARGS_MAX];
	size_t n_numbers;
	char numbers[4][24];
};

struct compare_bytes {
	const char *bytes;
	size_t len;
};

/* Begin a command; append arguments: at most COMPARE_ARGS_MAX with the name, four of them numbers.
 */
void compare_command_begin(struct compare_command *c, const char *name);
void compare_command_text(struct compare_command *c, const char *text);
void compare_command_bytes(struct compare_command *c, const char *bytes, size_t len);
void compare_command_number(struct compare_command *c, uint64_t n);

/* Queue it for one side or for both. */
enum dyn_entropy_status compare_pair_ask(struct compare_pair *p, int side,
	const struct compare_command *c, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_pair_ask_both(
	struct compare_pair *p, const struct compare_command *c, struct dyn_entropy_error *err);

/* Send what is queued to both sides, so that they work in parallel. */
enum dyn_entropy_status compare_pair_send(struct compare_pair *p, struct dyn_entropy_error *err);

/* The next reply of each side.  Both are freed, and NULL, on failure. */
enum dyn_entropy_status compare_pair_replies(
	struct compare_pair *p, redisReply *replies[SIDES], struct dyn_entropy_error *err);
void compare_replies_free(redisReply *replies[SIDES]);

/* Ask both, send, and read the replies. */
enum dyn_entropy_status compare_pair_both(struct compare_pair *p, const struct compare_command *c,
	redisReply *replies[SIDES], struct dyn_entropy_error *err);
/* The same for one side. */
enum dyn_entropy_status compare_pair_one(struct compare_pair *p, int side,
	const struct compare_command *c, redisReply **reply, struct dyn_entropy_error *err);

/*
 * Ask one side a command followed by more arguments: every stride-th element of items, which are
 * texts, starting with the first.
 */
enum dyn_entropy_status compare_pair_items(struct compare_pair *p, int side,
	const struct compare_command *c, const redisReply *items, size_t stride, redisReply **reply,
	struct dyn_entropy_error *err);

/* Fail with the error of Redis, or because its reply has the wrong type. */
enum dyn_entropy_status compare_pair_refused(const struct compare_pair *p, int side,
	const char *command, const redisReply *reply, struct dyn_entropy_error *err);

/* Whether it is an error because the key, or one of its groups, has changed or vanished. */
bool compare_reply_is_stale(const redisReply *reply);

/* Whether it is a reply to SCAN and the like: a cursor, and an array of texts. */
bool compare_reply_is_page(const redisReply *reply);

/* Whether two replies are equal byte for byte, arrays element by element. */
bool compare_replies_equal(const redisReply *a, const redisReply *b);

#ifdef __cplusplus
}
#endif

#endif
