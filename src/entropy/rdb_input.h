/*
 * rdb_input - the bytes of an RDB, pulled through one bounded buffer.
 *
 * It keeps the checksum of the consumed bytes and, while a tee is set, passes on a copy of them.
 * The functions that return bool describe a failure in in->error; call no others after one. One
 * thread at a time.
 */
#ifndef ENTROPY_RDB_INPUT_H
#define ENTROPY_RDB_INPUT_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RDB_INPUT_BYTES ((size_t)128 * 1024)

/* Read 1..cap bytes, waiting for the first; *len is 0 only at the end. */
typedef enum dyn_entropy_status (*rdb_read_fn)(
	void *arg, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err);

/* Take consumed bytes; a failure is described in *err. */
typedef enum dyn_entropy_status (*rdb_tee_fn)(
	void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err);

struct rdb_input {
	rdb_read_fn read;
	void *read_arg;
	const char *name; /* of the file or the Redis, for messages; borrowed */
	uint8_t *data;    /* owned; RDB_INPUT_BYTES */
	size_t pos;       /* first byte not consumed */
	size_t end;       /* one past the last byte read */
	size_t summed;    /* data up to here is in crc */
	size_t teed;      /* data up to here was given to the tee */
	uint64_t offset;  /* of data[0] in the RDB */
	uint64_t crc;
	rdb_tee_fn tee; /* NULL: none */
	void *tee_arg;
	struct dyn_entropy_error error;
};

/* name is borrowed. */
enum dyn_entropy_status rdb_input_init(struct rdb_input *in, rdb_read_fn read, void *read_arg,
	const char *name, struct dyn_entropy_error *err);
void rdb_input_fini(struct rdb_input *in);

/* The checksum of all that was consumed. */
uint64_t rdb_input_crc(struct rdb_input *in);

/* Copy what is consumed from here on, until rdb_input_untee(). */
void rdb_input_tee(struct rdb_input *in, rdb_tee_fn tee, void *arg);
bool rdb_input_untee(struct rdb_input *in);

/* The slow half of rdb_input_need. */
bool rdb_input_fill(struct rdb_input *in, size_t n);

/* At least n bytes (at most RDB_INPUT_BYTES) lie at data + pos. */
static inline bool rdb_input_need(struct rdb_input *in, size_t n)
{
	return in->end - in->pos >= n || rdb_input_fill(in, n);
}

/* Up to cap bytes that follow the RDB; *len is less than cap only at the end. */
bool rdb_input_rest(struct rdb_input *in, void *buf, size_t cap, size_t *len);

/* Consume any number of bytes. */
bool rdb_input_skip(struct rdb_input *in, uint64_t n);

/* Consume one byte; a little-endian number of n <= 8 bytes. */
bool rdb_input_byte(struct rdb_input *in, uint8_t *out);
bool rdb_input_little(struct rdb_input *in, size_t n, uint64_t *out);

/*
 * A length of RDB: 6, 14, 32 or 64 bits.  rdb_input_length_or_encoding also accepts the mark of
 * a specially encoded string: *encoding is then its kind (RDB_ENCODING_...), else -1.
 */
enum {
	RDB_ENCODING_INT8 = 0,
	RDB_ENCODING_INT16,
	RDB_ENCODING_INT32,
	RDB_ENCODING_LZF
};
bool rdb_input_length(struct rdb_input *in, uint64_t *length);
bool rdb_input_length_or_encoding(struct rdb_input *in, uint64_t *length, int *encoding);

/* Set in->error (DYN_ENTROPY_ERR_SOURCE): the name, the offset and the message.  Returns false. */
bool rdb_input_fail(struct rdb_input *in, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
