/*
 * message - what two nodes say to each other in a session, as bytes.
 *
 * Two nodes that own the same keys compare their journals over one connection.  Each message is a
 * frame:
 *
 *     u32 length of the body, u8 type, body
 *
 * All numbers are big-endian.  An epoch is 2^13 ms: a stamp is u64, its upper 42 bits are
 * milliseconds since 2020-01-01T00:00:00Z, and its upper 29 bits the epoch, as u32.  `count x` is
 * a u32 and so many x.  A body that is longer than its type allows, ends too early or too late, or
 * says what cannot be, ends the session.  D is the node that dialed, L the one that listens.
 *
 *   1 HELLO    D, then L
 *       u8 version = 1; u8 standing (0 intact, 1 lost, 2 behind, 3 unknown)
 *       u8 bits: 1 every key must be compared
 *       u64 node; u64 share; u64 incarnation; u64 clock in ms since 2020
 *       u32 forgotten; u32 horizon; u32 closed: epochs
 *       u8 length of the name, at most 63; name
 *       count, at most 4096, oldest first:
 *         u32 epoch; u32 entries; u32 entries that are mixed; u64 sum
 *         u8 bits: 1 settled with the receiver, 2 settled with all and complete
 *   2 PLAN     D: the epochs to compare
 *       u8 standing; u8 bits: 1 compare every key; count, at most 4096, ascending: u32 epoch
 *   3 LIST     D: hashes of entries (journal_entry_hash), or of keys with their values
 *       u8 bits: 1 the last of its list; count, at most 8192: u64
 *   6 NEED     L: what differs
 *       u8 bits: 1 the last; count, at most 8192: u64 hash that D listed and L has not
 *       count: u32 length, key
 *   7 ASK      D: read a key
 *       u32 id; key, to the end of the body
 *   8 SIDE     L: how the key is here
 *       u32 id
 *       u16 bits: 1 the key exists, 2 it could not be read, 4 a write is under way, 8 the node is
 *         not intact, 16 the newest stamp is from the node's rack, 32 the contents are equal,
 *         64 the value is older than the entries say, since Redis refused the newer one
 *       u32 forgotten; u32 horizon; u32 unknown: epochs
 *       u64 deadline in Unix ms, 0: none; u64 digest of the content, 0: none
 *       u32 length of the content
 *       count, at most 4096, newest first:
 *         u64 newest; u64 overwrite; u64 sum; u32 epoch; u32 count; u8 bits: 1 mixed
 *   9 TAKE     D: its side is right; the body as in SIDE.  Unless the contents are equal, or
 *              there is none, CONTENT follows
 *  10 GIVE     D: the side of L is right: CONTENT follows from L
 *       u32 id
 *  11 CONTENT  a piece of a value, in order, until the length that SIDE or TAKE said
 *       u32 id; bytes, at most 65536
 *  12 DROP     D: nothing is to be done here; the id is free
 *       u32 id
 *  13 ANSWER   L: what became of TAKE
 *       u32 id; u8: 0 done, 1 changed meanwhile, 2 refused, 3 too large
 *  14 SETTLE   D: all keys are done
 *       u8 bits: 1 every key could be compared; u8 standing
 *       count, at most 4096: u32 epoch; u8 bits: 1 it holds entries of it; u64 sum
 *  15 SETTLED  L: what of it is settled, in the same form
 *  16 BUCKETS  D: sums of keys with their values, by the upper bits of a key's hash
 *       u32 first; u8 bits of the hash, at most 16; count, at most 4096: u64 sum; u32 keys
 *  17 DIFFER   L: the numbers of buckets that differ, by D's part of them
 *       u8 bits: 1 the last; count, at most 8192, an even number: u32 bucket; u32 keys of it ...
 *  18 PART     D: list the keys of these buckets now
 *       u8 bits: 1 the last; count, at most 8192: u32 bucket
 *  19 BYE      the sender ends the session
 *       u8 why (enum recon_why)
 *  20 WAIT     the sender is at work
 */
#ifndef RECON_MESSAGE_H
#define RECON_MESSAGE_H

#include "base/buf.h"
#include "journal/journal.h"
#include "recon/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RECON_VERSION      1
#define RECON_HEADER_BYTES 5

#define RECON_EPOCHS_MAX      4096
#define RECON_CHAIN_MAX       4096
#define RECON_LIST_MAX        8192 /* of a frame */
#define RECON_BUCKETS_MAX     4096 /* of a frame */
#define RECON_BUCKET_BITS_MAX 16
#define RECON_KEY_MAX         65536
#define RECON_PIECE_MAX       65536
#define RECON_NAMES_MAX       (1 << 20) /* bytes of the keys of one frame */

enum recon_type {
	RECON_HELLO = 1,
	RECON_PLAN,
	RECON_LIST,
	RECON_NEED = 6,
	RECON_ASK,
	RECON_SIDE,
	RECON_TAKE,
	RECON_GIVE,
	RECON_CONTENT,
	RECON_DROP,
	RECON_ANSWER,
	RECON_SETTLE,
	RECON_SETTLED,
	RECON_BUCKETS,
	RECON_DIFFER,
	RECON_PART,
	RECON_BYE,
	RECON_WAITING,
};

struct recon_frame {
	enum recon_type type;
	const uint8_t *body; /* borrowed */
	size_t len;
};

enum recon_next {
	RECON_NEXT_MORE, /* the frame is not complete */
	RECON_NEXT_OK,
	RECON_NEXT_BAD, /* no such type, or longer than its type allows */
};

/* The first frame of the bytes; its size is RECON_HEADER_BYTES + frame->len. */
enum recon_next recon_frame_next(const uint8_t *bytes, size_t len, struct recon_frame *frame);

/*
 * Each recon_put_ function appends one frame, and returns false, with nothing appended, when out of
 * memory.  Each recon_get_ function reads the body of a frame of its type, and returns false when
 * it is malformed or memory is out.  What it borrows lies in the frame.
 */

struct recon_hello_epoch {
	uint32_t epoch, n_entries, n_mixed;
	uint64_t sum;
	bool is_settled;          /* with the receiver */
	bool is_settled_with_all; /* and complete */
};

struct recon_hello {
	enum recon_standing standing;
	bool wants_full;
	uint64_t node, share, incarnation, clock_ms;
	uint32_t forgotten, horizon, closed;
	char name[RECON_NAME_MAX + 1];
	struct recon_hello_epoch *epochs; /* owned, oldest first */
	size_t n_epochs;
};

bool recon_put_hello(struct buf *to, const struct recon_hello *h);
bool recon_get_hello(const struct recon_frame *f, struct recon_hello *h);
void recon_hello_fini(struct recon_hello *h);

/* Numbers, still as they were sent. */
struct recon_numbers {
	const uint8_t *raw;
	size_t n;
};

uint32_t recon_u32_at(const struct recon_numbers *l, size_t i);
uint64_t recon_u64_at(const struct recon_numbers *l, size_t i);

bool recon_put_plan(
	struct buf *to, enum recon_standing standing, bool full, const uint32_t *epochs, size_t n);
bool recon_get_plan(const struct recon_frame *f, enum recon_standing *standing, bool *full,
	struct recon_numbers *epochs);

/* LIST; any number, in as many frames as needed. */
bool recon_put_list(struct buf *to, const uint64_t *hashes, size_t n);
bool recon_get_list(const struct recon_frame *f, bool *is_last, struct recon_numbers *hashes);

/* GIVE, DROP */
bool recon_put_number(struct buf *to, enum recon_type type, uint32_t number);
bool recon_get_number(const struct recon_frame *f, uint32_t *number);

/* NEED; keys is `n_keys` times u32 length and key. */
bool recon_put_need(struct buf *to, bool is_last, const uint64_t *hashes, size_t n,
	const struct buf *keys, uint32_t n_keys);
struct recon_need {
	bool is_last;
	struct recon_numbers hashes;
	struct recon_numbers keys; /* for recon_need_key() */
	size_t keys_bytes, at;
};
bool recon_get_need(const struct recon_frame *f, struct recon_need *need);
/* The next key; false after the last. */
bool recon_need_key(struct recon_need *need, const uint8_t **key, size_t *len);

/* ASK, CONTENT */
bool recon_put_bytes(
	struct buf *to, enum recon_type type, uint32_t id, const void *bytes, size_t len);
bool recon_get_bytes(const struct recon_frame *f, uint32_t *id, const uint8_t **bytes, size_t *len);

/* SIDE, TAKE */
struct recon_side {
	uint32_t id;
	bool exists, is_unread, is_busy, is_behind, is_home, is_equal, is_refused;
	uint32_t forgotten, horizon, unknown;
	uint64_t deadline_ms, digest;
	uint32_t content_bytes;
	struct journal_entry *entries; /* owned */
	size_t n_entries;
};

bool recon_put_side(struct buf *to, enum recon_type type, const struct recon_side *s);
bool recon_get_side(const struct recon_frame *f, struct recon_side *s);
void recon_side_fini(struct recon_side *s);

enum recon_answer {
	RECON_DONE,
	RECON_CHANGED,
	RECON_NOT_TAKEN,
	RECON_NOT_HELD
};

bool recon_put_answer(struct buf *to, uint32_t id, enum recon_answer answer);
bool recon_get_answer(const struct recon_frame *f, uint32_t *id, enum recon_answer *answer);

/* SETTLE, SETTLED */
struct recon_sum {
	uint32_t epoch;
	bool is_held;
	uint64_t sum;
};

struct recon_settle {
	bool all_well;
	enum recon_standing standing;
	struct recon_sum *sums; /* owned */
	size_t n;
};

bool recon_put_settle(struct buf *to, enum recon_type type, const struct recon_settle *s);
bool recon_get_settle(const struct recon_frame *f, struct recon_settle *s);
void recon_settle_fini(struct recon_settle *s);

/* BUCKETS */
struct recon_bucket {
	uint64_t sum;
	uint32_t keys;
};

bool recon_put_buckets(
	struct buf *to, uint32_t first, unsigned bits, const struct recon_bucket *b, size_t n);
/* b has room for RECON_BUCKETS_MAX; *n of them. */
bool recon_get_buckets(const struct recon_frame *f, uint32_t *first, unsigned *bits,
	struct recon_bucket *b, size_t *n);

/* DIFFER: pairs of a bucket and its number of keys; PART: buckets.  In one frame. */
bool recon_put_u32s(
	struct buf *to, enum recon_type type, bool is_last, const uint32_t *numbers, size_t n);
bool recon_get_u32s(const struct recon_frame *f, bool *is_last, struct recon_numbers *numbers);

/* WAIT */
bool recon_put_waiting(struct buf *to);

/* Why a session ends before its time. */
enum recon_why {
	RECON_WHY_DONE,
	RECON_WHY_VERSION,   /* another version of these messages */
	RECON_WHY_SHARE,     /* another share: the nodes do not see the same ring */
	RECON_WHY_MALFORMED, /* a message that cannot be */
	RECON_WHY_SILENCE,
	RECON_WHY_TIME,
	RECON_WHY_MEMORY,
	RECON_WHY_SCAN,   /* the keys of a node could not be listed */
	RECON_WHY_CLOSED, /* the connection, or the other side ended it */
};

bool recon_put_bye(struct buf *to, enum recon_why why);
bool recon_get_bye(const struct recon_frame *f, enum recon_why *why);

#ifdef __cplusplus
}
#endif

#endif
