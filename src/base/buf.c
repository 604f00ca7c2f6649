#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_MIN_CAP 256

void buf_fini(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void buf_clear(struct buf *b)
{
	b->pos = 0;
	b->end = 0;
}

uint8_t *buf_reserve(struct buf *b, size_t extra)
{
	size_t len = buf_len(b);
	size_t cap = b->cap ? b->cap : BUF_MIN_CAP;
	uint8_t *grown;

	if (b->cap - b->end >= extra && b->data)
		return b->data + b->end;
	if (extra > SIZE_MAX / 2 - len)
		return NULL;
	/* Move the bytes to the front only if that frees at least as much as it copies. */
	if (b->data && b->pos >= len && b->cap - len >= extra) {
		memmove(b->data, b->data + b->pos, len);
		b->pos = 0;
		b->end = len;
		return b->data + len;
	}
	while (cap - len < extra)
		cap *= 2;
	grown = malloc(cap);
	if (!grown)
		return NULL;
	if (len)
		memcpy(grown, buf_head(b), len);
	free(b->data);
	b->data = grown;
	b->pos = 0;
	b->end = len;
	b->cap = cap;
	return grown + len;
}

void buf_commit(struct buf *b, size_t written)
{
	b->end += written;
}

bool buf_append(struct buf *b, const void *bytes, size_t len)
{
	uint8_t *to;

	if (len == 0)
		return true;
	to = buf_reserve(b, len);
	if (!to)
		return false;
	memcpy(to, bytes, len);
	b->end += len;
	return true;
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	uint8_t *to;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return false;
	to = buf_reserve(b, (size_t)len + 1);
	if (!to)
		return false;
	va_start(args, fmt);
	vsnprintf((char *)to, (size_t)len + 1, fmt, args);
	va_end(args);
	b->end += (size_t)len;
	return true;
}

void buf_consume(struct buf *b, size_t len)
{
	b->pos += len;
	if (b->pos == b->end)
		buf_clear(b);
}
