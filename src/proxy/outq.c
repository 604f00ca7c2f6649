#include "proxy/outq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Small ones make the memory of a busy client small; large data gets chunks of its own size. */
#define CHUNK_BYTES ((size_t)4096 - sizeof(struct outq_chunk))
#define CHUNK_LARGE ((size_t)1024 * 1024)
#define POOL_MAX    4096
#define COPY_MAX    ((size_t)1024)
#define IOV_N       64

struct outq_chunk {
	struct outq_chunk *next;
	size_t cap;
	size_t pos; /* first byte to write */
	size_t end;
	uint8_t bytes[];
};

static struct outq_chunk *pool;
static size_t pool_len;

static struct outq_chunk *chunk_new(size_t len)
{
	struct outq_chunk *c;
	size_t cap = len <= CHUNK_BYTES ? CHUNK_BYTES : len < CHUNK_LARGE ? len : CHUNK_LARGE;

	if (cap == CHUNK_BYTES && pool) {
		c = pool;
		pool = c->next;
		pool_len--;
	} else {
		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		c->cap = cap;
	}
	c->next = NULL;
	c->pos = 0;
	c->end = 0;
	return c;
}

static void chunk_free(struct outq_chunk *c)
{
	if (c->cap == CHUNK_BYTES && pool_len < POOL_MAX) {
		c->next = pool;
		pool = c;
		pool_len++;
	} else {
		free(c);
	}
}

void outq_drain_pool(void)
{
	while (pool) {
		struct outq_chunk *c = pool;

		pool = c->next;
		free(c);
	}
	pool_len = 0;
}

static void free_list(struct outq_chunk *c)
{
	while (c) {
		struct outq_chunk *next = c->next;

		chunk_free(c);
		c = next;
	}
}

static void link_tail(struct outq *q, struct outq_chunk *first, struct outq_chunk *last)
{
	if (q->tail)
		q->tail->next = first;
	else
		q->head = first;
	q->tail = last;
}

/* What does not fit behind the tail goes into chunks of its own, all or none of them. */
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
			last->next = c;
		else
			first = c;
		last = c;
	}
	link_tail(q, first, last);
	return true;
}

bool outq_append(struct outq *q, const void *bytes, size_t len)
{
	struct outq_chunk *t = q->tail;
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
	if (!from->head)
		return;
	/* A chunk for each of many small pieces would take many times their size. */
	if (from->head == from->tail && from->bytes <= COPY_MAX && q->tail &&
		q->tail->cap - q->tail->end >= from->bytes &&
		outq_append(q, from->head->bytes + from->head->pos, from->bytes)) {
		outq_clear(from);
		return;
	}
	link_tail(q, from->head, from->tail);
	q->bytes += from->bytes;
	memset(from, 0, sizeof(*from));
}

bool outq_copy(const struct outq *q, struct buf *to)
{
	if (!buf_reserve(to, q->bytes))
		return false;
	for (const struct outq_chunk *c = q->head; c; c = c->next)
		if (!buf_append(to, c->bytes + c->pos, c->end - c->pos))
			return false;
	return true;
}

static void consume(struct outq *q, size_t n)
{
	q->bytes -= n;
	while (n > 0 || (q->head && q->head->pos == q->head->end)) {
		struct outq_chunk *c = q->head;
		size_t here = c->end - c->pos;

		if (n < here) {
			c->pos += n;
			return;
		}
		n -= here;
		q->head = c->next;
		if (!q->head)
			q->tail = NULL;
		chunk_free(c);
	}
}

ssize_t outq_write(struct outq *q, int fd)
{
	ssize_t total = 0;

	while (q->head) {
		struct iovec iov[IOV_N];
		struct msghdr msg = {.msg_iov = iov};
		size_t want = 0;
		ssize_t n;

		for (struct outq_chunk *c = q->head; c && msg.msg_iovlen < IOV_N; c = c->next) {
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
	free_list(q->head);
	memset(q, 0, sizeof(*q));
}
