#include "entropy/listener.h"

#include "base/clock.h"
#include "entropy/error.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#define LISTEN_BACKLOG 128

static int open_spare(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static enum dyn_entropy_status listen_on(
	struct listener *l, const struct addr_resolved *a, struct dyn_entropy_error *err)
{
	const struct sockaddr *sa = (const struct sockaddr *)&a->sa;
	struct sockaddr_storage bound;
	socklen_t bound_len = sizeof(bound);
	int one = 1;

	l->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return error_set(err, DYN_ENTROPY_ERR_IO, "%m");
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l->fd, sa, a->len) != 0 || listen(l->fd, LISTEN_BACKLOG) != 0 ||
		getsockname(l->fd, (struct sockaddr *)&bound, &bound_len) != 0)
		return error_set(err, DYN_ENTROPY_ERR_IO, "%m");
	if (bound.ss_family == AF_INET6)
		l->port = ntohs(((const struct sockaddr_in6 *)(const void *)&bound)->sin6_port);
	else
		l->port = ntohs(((const struct sockaddr_in *)(const void *)&bound)->sin_port);
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status listener_open(struct listener *l, const struct addr *a, uint32_t timeout_ms,
	struct dyn_entropy_error *err)
{
	struct addr_resolved resolved[ADDR_RESOLVED_MAX];
	struct dyn_entropy_error failed;
	const char *why = "no address";
	char text[ADDR_TEXT_MAX];

	*l = LISTENER_CLOSED;
	l->spare_fd = open_spare();
	if (l->spare_fd < 0)
		return error_set(
			err, DYN_ENTROPY_ERR_IO, "no memory or descriptor is left for a receiver");
	if (addr_resolve(a, clock_deadline_ms(timeout_ms), -1, resolved, &why)) {
		if (listen_on(l, &resolved[0], &failed) == DYN_ENTROPY_OK)
			return DYN_ENTROPY_OK;
		why = failed.message;
	}
	return error_set(err, DYN_ENTROPY_ERR_IO, "cannot listen on %s: %s",
		addr_format(a, text, sizeof(text)), why);
}

void listener_close(struct listener *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	*l = LISTENER_CLOSED;
}

static int accept_next(const struct listener *l, struct sockaddr_storage *from)
{
	socklen_t len = sizeof(*from);

	return accept4(l->fd, (struct sockaddr *)from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void listener_spare(struct listener *l)
{
	if (l->spare_fd < 0)
		l->spare_fd = open_spare();
}

enum listener_event listener_accept(struct listener *l, int *fd, struct sockaddr_storage *from)
{
	/* Another thread may have taken the spare descriptor's place when it was given up. */
	listener_spare(l);
	*fd = accept_next(l, from);
	if (*fd >= 0)
		return LISTENER_CONNECTION;
	if ((errno == EMFILE || errno == ENFILE) && l->spare_fd >= 0) {
		/* Else the connection would stay in the backlog and wake us again and again. */
		close(l->spare_fd);
		l->spare_fd = -1;
		*fd = accept_next(l, from);
		return *fd >= 0 ? LISTENER_LAST : LISTENER_NONE;
	}
	return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED ? LISTENER_NONE
									  : LISTENER_FAILED;
}
