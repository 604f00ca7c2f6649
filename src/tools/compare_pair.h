/*
 * compare_pair - two Redis side by side, and the commands that compare asks both of.
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
	bool field_deadlines; /* one of them has deadlines on the fields of a hash (7.4) */
};

/* Connect to both and find out what they can do; p is empty after a failure.  compare_pair_close()
 * is harmless then. */
enum dyn_entropy_status compare_pair_open(struct compare_pair *p, const struct dyn_entropy_redis *a,
	const struct dyn_entropy_redis *b, struct dyn_entropy_error *err);
void compare_pair_close(struct compare_pair *p);

/* A command in the making.  Its arguments are borrowed; numbers are kept in it. */
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

/* Begin a command, and append arguments: COMPARE_ARGS_MAX with its name, four of them numbers. */
void compare_command_begin(struct compare_command *c, const char *name);
void compare_command_text(struct compare_command *c, const char *text);
void compare_command_bytes(struct compare_command *c, const char *bytes, size_t len);
void compare_command_number(struct compare_command *c, uint64_t n);

/* Queue it for one side or for both. */
enum dyn_entropy_status compare_pair_ask(struct compare_pair *p, int side,
	const struct compare_command *c, struct dyn_entropy_error *err);
enum dyn_entropy_status compare_pair_ask_both(
	struct compare_pair *p, const struct compare_command *c, struct dyn_entropy_error *err);

/* Let what is queued go, on both sides, so that both work at the same time. */
enum dyn_entropy_status compare_pair_send(struct compare_pair *p, struct dyn_entropy_error *err);

/* The next reply of each side.  Both are freed, and NULL, on failure. */
enum dyn_entropy_status compare_pair_replies(
	struct compare_pair *p, redisReply *replies[SIDES], struct dyn_entropy_error *err);
void compare_replies_free(redisReply *replies[SIDES]);

/* ask_both, send and replies in one. */
enum dyn_entropy_status compare_pair_both(struct compare_pair *p, const struct compare_command *c,
	redisReply *replies[SIDES], struct dyn_entropy_error *err);
/* The same of one side. */
enum dyn_entropy_status compare_pair_one(struct compare_pair *p, int side,
	const struct compare_command *c, redisReply **reply, struct dyn_entropy_error *err);

/*
 * Ask one side a command with more arguments behind it: every stride-th element of items, texts all
 * of them, from the first on.
 */
enum dyn_entropy_status compare_pair_items(struct compare_pair *p, int side,
	const struct compare_command *c, const redisReply *items, size_t stride, redisReply **reply,
	struct dyn_entropy_error *err);

/* Fail with what Redis said, or with the wrong type of its reply. */
enum dyn_entropy_status compare_pair_refused(const struct compare_pair *p, int side,
	const char *command, const redisReply *reply, struct dyn_entropy_error *err);

/* An error that only says that the key, or a group of its, is no longer what it was. */
bool compare_reply_is_stale(const redisReply *reply);

/* Whether it is what SCAN and its kin answer: a cursor, and an array of texts. */
bool compare_reply_is_page(const redisReply *reply);

/* Whether two replies are the same to the last byte, arrays element by element. */
bool compare_replies_equal(const redisReply *a, const redisReply *b);

#ifdef __cplusplus
}
#endif

#endif
