/*
 * buf - a growable run of bytes with a read position.
 *
 * Bytes are appended at the end and consumed from the front; the unread bytes are
 * buf_head() .. buf_head() + buf_len().  A zeroed struct is an empty buffer.  Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct buf {
	uint8_t *data; /* owned */
	size_t pos;    /* first unread byte */
	size_t end;    /* one past the last byte */
	size_t cap;    /* bytes allocated */
};

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->pos;
}

static inline const uint8_t *buf_head(const struct buf *b)
{
	return b->data ? b->data + b->pos : NULL; /* no arithmetic on NULL */
}

/* Release the memory and leave an empty buffer. */
void buf_fini(struct buf *b);

/* Drop the content, keep the memory. */
void buf_clear(struct buf *b);

/*
 * Make room for at least extra more bytes at the end.  Returns where they go, or NULL when out of
 * memory (the content stays).  Call buf_commit() with the number of bytes that were written.
 */
uint8_t *buf_reserve(struct buf *b, size_t extra);
void buf_commit(struct buf *b, size_t written);

/* Append bytes or formatted text (without its NUL).  False, with nothing appended, when out of
 * memory. */
bool buf_append(struct buf *b, const void *bytes, size_t len);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drop len bytes (at most buf_len) from the front. */
void buf_consume(struct buf *b, size_t len);

#ifdef __cplusplus
}
#endif

#endif
