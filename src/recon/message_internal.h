/*
 * message_internal - numbers in the bodies of frames, for the files that write and read them.
 */
#ifndef RECON_MESSAGE_INTERNAL_H
#define RECON_MESSAGE_INTERNAL_H

#include "recon/message.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A body being read; bad once it has ended too early. */
struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static inline struct reader reader_of(const struct recon_frame *f)
{
	return (struct reader){f->body, f->len, false};
}

/* The next len bytes, or NULL. */
static inline const uint8_t *take(struct reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->bad || r->left < len) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static inline uint64_t number_at(const uint8_t *at, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | at[i];
	return n;
}

static inline uint64_t take_number(struct reader *r, size_t bytes)
{
	const uint8_t *at = take(r, bytes);

	return at ? number_at(at, bytes) : 0;
}

static inline uint8_t take_u8(struct reader *r)
{
	return (uint8_t)take_number(r, 1);
}

static inline uint32_t take_u32(struct reader *r)
{
	return (uint32_t)take_number(r, 4);
}

static inline uint64_t take_u64(struct reader *r)
{
	return take_number(r, 8);
}

/* A count of items of so many bytes; 0, and bad, when it is over its limit or the items are not
 * there. */
static inline size_t take_count(struct reader *r, size_t max, size_t item_bytes)
{
	size_t n = take_u32(r);

	if (r->bad || n > max || n > r->left / item_bytes) {
		r->bad = true;
		return 0;
	}
	return n;
}

/* It was read to its end and no further. */
static inline bool is_whole(const struct reader *r)
{
	return !r->bad && r->left == 0;
}

/* A frame being written, in place: its body's size is known beforehand. */
struct writer {
	uint8_t *at;
};

/* Room for a frame; at is NULL when out of memory.  The size is committed at once. */
struct writer recon_frame_begin(struct buf *to, enum recon_type type, size_t body_bytes);

static inline void put_number(struct writer *w, uint64_t n, size_t bytes)
{
	for (size_t i = bytes; i-- > 0; n >>= 8)
		w->at[i] = (uint8_t)n;
	w->at += bytes;
}

static inline void put_u8(struct writer *w, unsigned n)
{
	put_number(w, n, 1);
}

static inline void put_u32(struct writer *w, uint32_t n)
{
	put_number(w, n, 4);
}

static inline void put_u64(struct writer *w, uint64_t n)
{
	put_number(w, n, 8);
}

static inline void put_raw(struct writer *w, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(w->at, bytes, len);
	w->at += len;
}

#ifdef __cplusplus
}
#endif

#endif
