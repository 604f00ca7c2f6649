#include "proxy/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool conn_loop_init(struct conn_loop *l, struct event_base *base)
{
	l->base = base;
	LIST_INIT(&l->dirty);
	SLIST_INIT(&l->graves);
	l->shared = malloc(CONN_READ_BYTES);
	return l->shared != NULL;
}

static inline void before_write(struct conn_loop *l)
{
	if (l->before_write)
		l->before_write(l->before_write_arg);
}

static void release_graves(struct conn_loop *l)
{
	struct conn_grave *g;

	while ((g = SLIST_FIRST(&l->graves)) != NULL) {
		SLIST_REMOVE_HEAD(&l->graves, next);
		g->free_it(g);
	}
}

void conn_bury(struct conn_loop *l, struct conn_grave *g)
{
	SLIST_INSERT_HEAD(&l->graves, g, next);
}

void conn_loop_fini(struct conn_loop *l)
{
	release_graves(l);
	free(l->shared);
	outq_drain_pool();
}

static void end(struct conn *c, const char *why)
{
	conn_close(c);
	c->ops->ended(c, why);
}

/* ---- Reading ---- */

/* Pass input to the owner, and keep what it does not consume. */
static void show(struct conn *c, const uint8_t *bytes, size_t len)
{
	size_t used = c->ops->bytes(c, bytes, len);

	if (c->fd < 0)
		return;
	if (bytes != c->loop->shared) {
		buf_consume(&c->in, used);
		if (buf_len(&c->in) == 0)
			buf_fini(&c->in); /* an idle connection holds no buffer */
	} else if (used < len && !buf_append(&c->in, bytes + used, len - used)) {
		end(c, "out of memory");
	}
}

static void on_readable(evutil_socket_t fd, short events, void *arg)
{
	struct conn *c = arg;
	size_t had = buf_len(&c->in);
	uint8_t *to = c->loop->shared;
	ssize_t n;

	(void)events;
	if (had > 0) {
		/* More input probably follows a large one: read as much again. */
		size_t room = had < CONN_READ_BYTES ? CONN_READ_BYTES : had;

		to = buf_reserve(&c->in, room < 16 * CONN_READ_BYTES ? room : 16 * CONN_READ_BYTES);
		if (!to) {
			end(c, "out of memory");
			return;
		}
		n = recv(fd, to, c->in.cap - c->in.end, 0);
	} else {
		n = recv(fd, to, CONN_READ_BYTES, 0);
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n == 0 && c->ops->said_all) {
		conn_pause(c);
		c->ops->said_all(c);
		return;
	}
	if (n <= 0) {
		end(c, n < 0 ? strerror(errno) : NULL);
		return;
	}
	if (had > 0) {
		buf_commit(&c->in, (size_t)n);
		show(c, buf_head(&c->in), buf_len(&c->in));
	} else {
		show(c, to, (size_t)n);
	}
}

void conn_pause(struct conn *c)
{
	if (c->paused)
		return;
	c->paused = true;
	event_del(&c->read_event);
}

/* Also passes the input left by a pause, before new input or the end of the connection. */
static void on_resumed(evutil_socket_t fd, short events, void *arg)
{
	struct conn *c = arg;

	if (!(events & EV_TIMEOUT))
		on_readable(fd, events, arg);
	else if (buf_len(&c->in) > 0)
		show(c, buf_head(&c->in), buf_len(&c->in));
}

void conn_resume(struct conn *c)
{
	if (!c->paused || c->given_up)
		return;
	c->paused = false;
	event_add(&c->read_event, NULL);
	if (buf_len(&c->in) > 0)
		event_active(&c->read_event, EV_TIMEOUT, 0);
}

/* ---- Writing ---- */

static void flush(struct conn *c)
{
	if (c->given_up) {
		end(c, NULL);
		return;
	}
	if (outq_write(&c->out, c->fd) < 0) {
		end(c, strerror(errno));
		return;
	}
	if (c->out.bytes == 0 && c->close_after) {
		end(c, NULL);
		return;
	}
	if (c->out.bytes > 0 && !c->wants_write) {
		c->wants_write = true;
		event_add(&c->write_event, NULL);
	} else if (c->out.bytes == 0 && c->wants_write) {
		c->wants_write = false;
		event_del(&c->write_event);
	}
	if (c->ops->written)
		c->ops->written(c);
}

static void finish_connect(struct conn *c)
{
	socklen_t len = sizeof(int);
	int code = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		code = errno;
	if (code) {
		end(c, strerror(code));
		return;
	}
	c->connecting = false;
	c->wants_write = false;
	event_del(&c->write_event);
	event_add(&c->read_event, NULL);
	c->ops->connected(c);
	if (c->fd >= 0 && c->out.bytes > 0)
		conn_wrote(c);
}

static void on_writable(evutil_socket_t fd, short events, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)events;
	if (c->connecting) {
		finish_connect(c);
	} else {
		before_write(c->loop);
		flush(c);
	}
}

void conn_wrote(struct conn *c)
{
	if (c->is_dirty || c->connecting || c->wants_write || c->fd < 0)
		return;
	c->is_dirty = true;
	LIST_INSERT_HEAD(&c->loop->dirty, c, next_dirty);
}

bool conn_send(struct conn *c, const void *bytes, size_t len)
{
	if (c->given_up)
		return true;
	if (!outq_append(&c->out, bytes, len))
		return false;
	conn_wrote(c);
	return true;
}

static void leave_dirty(struct conn *c)
{
	LIST_REMOVE(c, next_dirty);
	c->is_dirty = false;
}

void conn_loop_flush(struct conn_loop *l)
{
	struct conn *c;

	/* Flushing one conn may make another dirty, which is then flushed here too. */
	while (before_write(l), (c = LIST_FIRST(&l->dirty)) != NULL) {
		leave_dirty(c);
		flush(c);
	}
	release_graves(l);
}

/* ---- Connecting and closing ---- */

void conn_init(struct conn *c)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
}

static void set_up(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop, int fd)
{
	int one = 1;

	c->ops = ops;
	c->loop = loop;
	c->fd = fd;
	c->connecting = false;
	c->paused = false;
	c->wants_write = false;
	c->close_after = false;
	c->given_up = false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* fails on a Unix socket */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	event_assign(&c->read_event, loop->base, fd, EV_READ | EV_PERSIST, on_resumed, c);
	event_assign(&c->write_event, loop->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
}

void conn_adopt(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop, int fd)
{
	set_up(c, ops, loop, fd);
	event_add(&c->read_event, NULL);
}

bool conn_connect(struct conn *c, const struct conn_ops *ops, struct conn_loop *loop,
	const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	if (connect(fd, sa, len) != 0 && errno != EINPROGRESS) {
		int code = errno;

		close(fd);
		errno = code;
		return false;
	}
	set_up(c, ops, loop, fd);
	/* Even if it is connected already: the callback comes from the loop, never from within
	 * conn_connect(). */
	c->connecting = true;
	c->wants_write = true;
	event_add(&c->write_event, NULL);
	return true;
}

void conn_give_up(struct conn *c)
{
	if (c->given_up || c->fd < 0)
		return;
	conn_pause(c);
	c->given_up = true;
	outq_clear(&c->out);
	event_active(&c->write_event, EV_WRITE, 0);
}

void conn_close(struct conn *c)
{
	if (c->fd < 0)
		return;
	if (c->is_dirty)
		leave_dirty(c);
	event_del(&c->read_event);
	event_del(&c->write_event);
	close(c->fd);
	c->fd = -1;
	outq_clear(&c->out);
	buf_fini(&c->in);
}
