#include "proxy/outq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Small, so that a client needs little memory; large data gets chunks of its own size. */
#define CHUNK_BYTES ((size_t)4096 - sizeof(struct outq_chunk))
#define CHUNK_LARGE ((size_t)1024 * 1024)
#define POOL_MAX    4096
#define COPY_MAX    ((size_t)1024)
#define IOV_N       64

struct outq_chunk {
	SLIST_ENTRY(outq_chunk) next;
	size_t cap;
	size_t pos; /* first byte to write */
	size_t end;
	uint8_t bytes[];
};

SLIST_HEAD(chunk_list, outq_chunk);

static struct chunk_list pool = SLIST_HEAD_INITIALIZER(pool);
static size_t pool_len;

static struct outq_chunk *chunk_new(size_t len)
{
	struct outq_chunk *c;
	size_t cap = len <= CHUNK_BYTES ? CHUNK_BYTES : len < CHUNK_LARGE ? len : CHUNK_LARGE;

	if (cap == CHUNK_BYTES && !SLIST_EMPTY(&pool)) {
		c = SLIST_FIRST(&pool);
		SLIST_REMOVE_HEAD(&pool, next);
		pool_len--;
	} else {
		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		c->cap = cap;
	}
	SLIST_NEXT(c, next) = NULL;
	c->pos = 0;
	c->end = 0;
	return c;
}

static void chunk_free(struct outq_chunk *c)
{
	if (c->cap == CHUNK_BYTES && pool_len < POOL_MAX) {
		SLIST_INSERT_HEAD(&pool, c, next);
		pool_len++;
	} else {
		free(c);
	}
}

void outq_drain_pool(void)
{
	struct outq_chunk *c;

	while ((c = SLIST_FIRST(&pool)) != NULL) {
		SLIST_REMOVE_HEAD(&pool, next);
		free(c);
	}
	pool_len = 0;
}

static void free_list(struct outq_chunk *c)
{
	while (c) {
		struct outq_chunk *next = SLIST_NEXT(c, next);

		chunk_free(c);
		c = next;
	}
}

static void link_tail(struct outq *q, struct outq_chunk *first, struct outq_chunk *last)
{
	if (q->last)
		SLIST_NEXT(q->last, next) = first;
	else
		SLIST_FIRST(&q->chunks) = first;
	q->last = last;
}

/* Append bytes in new chunks; all of them or none. */
static bool append_chunks(struct outq *q, const uint8_t *bytes, size_t len)
{
	struct outq_chunk *first = NULL, *last = NULL;

	while (len > 0) {
		struct outq_chunk *c = chunk_new(len);
		size_t n;

		if (!c) {
			free_list(first);
			return false;
		}
		n = len < c->cap ? len : c->cap;
		memcpy(c->bytes, bytes, n);
		c->end = n;
		bytes += n;
		len -= n;
		if (last)
			SLIST_INSERT_AFTER(last, c, next);
		else
			first = c;
		last = c;
	}
	link_tail(q, first, last);
	return true;
}

bool outq_append(struct outq *q, const void *bytes, size_t len)
{
	struct outq_chunk *t = q->last;
	size_t room = t ? t->cap - t->end : 0;
	size_t n = len < room ? len : room;

	if (len > n && !append_chunks(q, (const uint8_t *)bytes + n, len - n))
		return false;
	if (n > 0) {
		memcpy(t->bytes + t->end, bytes, n);
		t->end += n;
	}
	q->bytes += len;
	return true;
}

void outq_splice(struct outq *q, struct outq *from)
{
	struct outq_chunk *first = SLIST_FIRST(&from->chunks);

	if (!first)
		return;
	/* Copy small pieces: a chunk for each would take many times their size. */
	if (first == from->last && from->bytes <= COPY_MAX && q->last &&
		q->last->cap - q->last->end >= from->bytes &&
		outq_append(q, first->bytes + first->pos, from->bytes)) {
		outq_clear(from);
		return;
	}
	link_tail(q, first, from->last);
	q->bytes += from->bytes;
	memset(from, 0, sizeof(*from));
}

bool outq_copy(const struct outq *q, struct buf *to)
{
	const struct outq_chunk *c;

	if (!buf_reserve(to, q->bytes))
		return false;
	SLIST_FOREACH (c, &q->chunks, next)
		if (!buf_append(to, c->bytes + c->pos, c->end - c->pos))
			return false;
	return true;
}

static void consume(struct outq *q, size_t n)
{
	struct outq_chunk *c;

	q->bytes -= n;
	while ((c = SLIST_FIRST(&q->chunks)) != NULL && (n > 0 || c->pos == c->end)) {
		size_t here = c->end - c->pos;

		if (n < here) {
			c->pos += n;
			return;
		}
		n -= here;
		SLIST_REMOVE_HEAD(&q->chunks, next);
		if (SLIST_EMPTY(&q->chunks))
			q->last = NULL;
		chunk_free(c);
	}
}

ssize_t outq_write(struct outq *q, int fd)
{
	ssize_t total = 0;

	while (!SLIST_EMPTY(&q->chunks)) {
		struct outq_chunk *c;
		struct iovec iov[IOV_N];
		struct msghdr msg = {.msg_iov = iov};
		size_t want = 0;
		ssize_t n;

		for (c = SLIST_FIRST(&q->chunks); c && msg.msg_iovlen < IOV_N;
			c = SLIST_NEXT(c, next)) {
			iov[msg.msg_iovlen].iov_base = c->bytes + c->pos;
			iov[msg.msg_iovlen].iov_len = c->end - c->pos;
			want += c->end - c->pos;
			msg.msg_iovlen++;
		}
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? total : -1;
		consume(q, (size_t)n);
		total += n;
		if ((size_t)n < want)
			break;
	}
	return total;
}

void outq_clear(struct outq *q)
{
	free_list(SLIST_FIRST(&q->chunks));
	memset(q, 0, sizeof(*q));
}
