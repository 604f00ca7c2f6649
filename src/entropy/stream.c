#include "entropy/stream.h"

#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void stream_adopt(struct stream *s, int fd, uint32_t timeout_ms, const dyn_entropy_cancel *cancel,
	const char *peer)
{
	int one = 1;

	s->fd = fd;
	s->timeout_ms = timeout_ms;
	s->cancel = cancel;
	s->timed_out = false;
	s->written = 0;
	if (peer != s->peer)
		snprintf(s->peer, sizeof(s->peer), "%s", peer);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	/* Fails on a Unix socket, which does not need them. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

enum dyn_entropy_status stream_wait(const struct stream *s, short events, int64_t deadline_ms,
	short *revents, struct dyn_entropy_error *err)
{
	struct pollfd fds[2] = {
		{.fd = s->fd, .events = events},
		{.fd = cancel_fd(s->cancel), .events = POLLIN},
	};

	for (;;) {
		int n = poll(fds, 2, clock_poll_timeout(deadline_ms));

		if (n < 0 && errno != EINTR)
			return error_set(err, DYN_ENTROPY_ERR_IO, "%s: poll: %m", s->peer);
		if (dyn_entropy_cancel_is_set(s->cancel))
			return error_cancelled(err);
		if (n < 0)
			continue;
		*revents = n > 0 ? fds[0].revents : 0;
		if (*revents || clock_poll_timeout(deadline_ms) == 0)
			return DYN_ENTROPY_OK;
	}
}

/* Complete a non-blocking connect. */
static enum dyn_entropy_status finish_connect(
	struct stream *s, int64_t deadline_ms, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	socklen_t len = sizeof(int);
	short revents = 0;
	int code = 0;

	status = stream_wait(s, POLLOUT, deadline_ms, &revents, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (!revents)
		return error_set(err, DYN_ENTROPY_ERR_IO,
			"%s: no answer to the connection within %u ms", s->peer, s->timeout_ms);
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		code = errno;
	errno = code;
	if (code)
		return error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot connect: %m", s->peer);
	return DYN_ENTROPY_OK;
}

/* One attempt, at one address.  On failure s->fd is -1 again. */
static enum dyn_entropy_status connect_to(struct stream *s, const struct sockaddr *sa,
	socklen_t sa_len, const struct addr_resolved *local, int64_t deadline_ms,
	struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot make a socket: %m", s->peer);
	stream_adopt(s, fd, s->timeout_ms, s->cancel, s->peer);
	if (local && bind(fd, (const struct sockaddr *)&local->sa, local->len) != 0)
		status = error_set(err, DYN_ENTROPY_ERR_IO,
			"%s: cannot bind to the local address: %m", s->peer);
	else if (connect(fd, sa, sa_len) == 0)
		status = DYN_ENTROPY_OK;
	else if (errno == EINPROGRESS || errno == EINTR)
		status = finish_connect(s, deadline_ms, err);
	else
		status = error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot connect: %m", s->peer);
	if (status != DYN_ENTROPY_OK)
		stream_close(s);
	return status;
}

/* The local address of the same family, if bind_to gave one. */
static const struct addr_resolved *local_for(
	const struct addr_resolved *local, size_t n_local, sa_family_t family)
{
	for (size_t i = 0; i < n_local; i++)
		if (local[i].sa.ss_family == family)
			return &local[i];
	return NULL;
}

enum dyn_entropy_status stream_connect(struct stream *s, const struct addr *to,
	const struct addr *bind_to, uint32_t timeout_ms, const dyn_entropy_cancel *cancel,
	struct dyn_entropy_error *err)
{
	struct addr_resolved remote[ADDR_RESOLVED_MAX];
	struct addr_resolved local[ADDR_RESOLVED_MAX];
	int64_t deadline_ms = clock_deadline_ms(timeout_ms);
	enum dyn_entropy_status status;
	size_t n_remote, n_local = 0;
	const char *why = "no address";

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->timeout_ms = timeout_ms;
	s->cancel = cancel;
	addr_format(to, s->peer, sizeof(s->peer));
	if (bind_to) {
		n_local = addr_resolve(bind_to, deadline_ms, cancel_fd(cancel), local, &why);
		if (!n_local)
			return error_set(err, DYN_ENTROPY_ERR_IO,
				"%s: cannot resolve the local host '%s': %s", s->peer,
				bind_to->host, why);
	}
	n_remote = addr_resolve(to, deadline_ms, cancel_fd(cancel), remote, &why);
	if (dyn_entropy_cancel_is_set(cancel))
		return error_cancelled(err);
	if (n_remote == 0)
		return error_set(
			err, DYN_ENTROPY_ERR_IO, "%s: cannot resolve the host: %s", s->peer, why);
	status = DYN_ENTROPY_ERR_IO;
	for (size_t i = 0; i < n_remote; i++) {
		const struct addr_resolved *from =
			local_for(local, n_local, remote[i].sa.ss_family);

		if (bind_to && !from)
			status = error_set(err, DYN_ENTROPY_ERR_IO,
				"%s: the local address '%s' is of another family", s->peer,
				bind_to->host);
		else
			status = connect_to(s, (const struct sockaddr *)&remote[i].sa,
				remote[i].len, from, deadline_ms, err);
		if (status == DYN_ENTROPY_OK || status == DYN_ENTROPY_ERR_CANCELLED)
			break;
	}
	return status;
}

enum dyn_entropy_status stream_connect_unix(struct stream *s, const char *path, uint32_t timeout_ms,
	const dyn_entropy_cancel *cancel, struct dyn_entropy_error *err)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->timeout_ms = timeout_ms;
	s->cancel = cancel;
	snprintf(s->peer, sizeof(s->peer), "%s", path);
	if (strlen(path) >= sizeof(un.sun_path))
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"%s: the path of a Unix socket may have %zu bytes at the most", path,
			sizeof(un.sun_path) - 1);
	strcpy(un.sun_path, path);
	return connect_to(s, (const struct sockaddr *)&un, sizeof(un), NULL,
		clock_deadline_ms(timeout_ms), err);
}

enum dyn_entropy_status stream_read(struct stream *s, void *buf, size_t cap, int64_t deadline_ms,
	size_t *len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	short revents;

	s->timed_out = false;
	for (;;) {
		ssize_t n;

		/* A stream that always has data must be cancellable too. */
		if (dyn_entropy_cancel_is_set(s->cancel))
			return error_cancelled(err);
		n = recv(s->fd, buf, cap, 0);
		if (n >= 0) {
			*len = (size_t)n;
			return DYN_ENTROPY_OK;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot read: %m", s->peer);
		status = stream_wait(s, POLLIN, deadline_ms, &revents, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		s->timed_out = !revents;
		if (s->timed_out)
			return error_set(
				err, DYN_ENTROPY_ERR_IO, "%s: nothing came in time", s->peer);
	}
}

enum dyn_entropy_status stream_write(
	struct stream *s, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	const uint8_t *at = bytes;
	enum dyn_entropy_status status;
	short revents;

	s->timed_out = false;
	while (len > 0) {
		ssize_t n;

		if (dyn_entropy_cancel_is_set(s->cancel))
			return error_cancelled(err);
		n = send(s->fd, at, len, MSG_NOSIGNAL);
		if (n >= 0) {
			at += n;
			len -= (size_t)n;
			s->written += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot write: %m", s->peer);
		status = stream_wait(s, POLLOUT, clock_deadline_ms(s->timeout_ms), &revents, err);
		if (status != DYN_ENTROPY_OK)
			return status;
		s->timed_out = !revents;
		if (s->timed_out)
			return error_set(err, DYN_ENTROPY_ERR_IO, "%s: took no byte for %u ms",
				s->peer, s->timeout_ms);
	}
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status stream_peek(struct stream *s, int64_t deadline_ms, enum stream_news *news,
	struct dyn_entropy_error *err)
{
	short revents = 0;
	enum dyn_entropy_status status = stream_wait(s, POLLIN, deadline_ms, &revents, err);
	ssize_t n;
	char byte;

	*news = STREAM_QUIET;
	if (status != DYN_ENTROPY_OK || !revents)
		return status;
	n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n >= 0)
		*news = n > 0 ? STREAM_BYTES : STREAM_END;
	else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
		*news = STREAM_RESET;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status stream_begins_with(struct stream *s, uint8_t first, int64_t deadline_ms,
	bool *begins, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;
	short revents = 0;
	uint8_t byte;

	for (;;) {
		ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK);

		*begins = n > 0 && byte == first;
		if (n >= 0)
			return DYN_ENTROPY_OK;
		if (errno == EINTR)
			continue;
		/* Told here, since a reset is reported only once. */
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return error_set(err, DYN_ENTROPY_ERR_IO, "%s: cannot read: %m", s->peer);
		status = stream_wait(s, POLLIN, deadline_ms, &revents, err);
		if (status != DYN_ENTROPY_OK || !revents)
			return status;
	}
}

void stream_half_close(struct stream *s)
{
	shutdown(s->fd, SHUT_WR);
}

/* Whether close(2) resets the connection. */
static void set_reset(const struct stream *s, bool reset)
{
	struct linger linger = {.l_onoff = reset, .l_linger = 0};

	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

static void end(struct stream *s, bool reset)
{
	if (s->fd >= 0) {
		set_reset(s, reset);
		close(s->fd);
	}
	s->fd = -1;
}

void stream_close(struct stream *s)
{
	end(s, false);
}

void stream_abort(struct stream *s)
{
	end(s, true);
}

int stream_release(struct stream *s)
{
	int fd = s->fd;

	set_reset(s, false);
	s->fd = -1;
	return fd;
}

void stream_reset_by_default(struct stream *s)
{
	set_reset(s, true);
}
