/*
 * segment - builds the RESTORE commands of one snapshot, for the sources of Redis data.
 *
 * A command is  RESTORE key deadline payload ABSTTL  as a RESP array of bulk strings.  One thread
 * at a time.
 */
#ifndef ENTROPY_SEGMENT_H
#define ENTROPY_SEGMENT_H

#include "entropy/dynentropy.h"
#include "entropy/spool.h"
#include "entropy/watch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Redis's default limit of a bulk string (proto-max-bulk-len): a larger payload cannot be restored.
 */
#define SEGMENT_PAYLOAD_MAX (UINT64_C(512) * 1024 * 1024)

struct segment {
	struct spool *spool;
	uint32_t limit;   /* bytes, unless a single command is larger */
	uint64_t keys;    /* in this segment */
	int64_t since_us; /* monotonic: when the first key in it was read */
};

/* A key in a segment is sent within this time after it was read. */
#define SEGMENT_AGE_MAX_US INT64_C(2000000)

/* When the key that is added next was read (clock_monotonic_us). */
void segment_read_at(struct segment *s, int64_t read_us);

/* Whether it must be sent because of its age, if nothing can be added before now_us. */
bool segment_is_due(const struct segment *s, int64_t now_us);

/* Size and directory are those of options; watch (borrowed) is checked as it grows. */
enum dyn_entropy_status segment_init(struct segment *s,
	const struct dyn_entropy_source_options *options, const struct watch *watch,
	struct dyn_entropy_error *err);
void segment_fini(struct segment *s);
void segment_clear(struct segment *s); /* empty it for the next snapshot */

/* Whether a command of this key and payload still fits; an empty segment takes any. */
bool segment_fits(const struct segment *s, size_t key_len, uint64_t payload_len);

/* Add a key.  deadline_ms: absolute, milliseconds since the Unix epoch; 0: none. */
enum dyn_entropy_status segment_add(struct segment *s, const void *key, size_t key_len,
	int64_t deadline_ms, const void *payload, size_t payload_len,
	struct dyn_entropy_error *err);

/* The same with the next payload_len bytes of a spool. */
enum dyn_entropy_status segment_add_spool(struct segment *s, const void *key, size_t key_len,
	int64_t deadline_ms, struct spool *payload, uint64_t payload_len,
	struct dyn_entropy_error *err);

#ifdef __cplusplus
}
#endif

#endif
