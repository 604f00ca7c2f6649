#include "proxy/listener.h"

#include "base/addr.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define RESOLVE_MS     5000
#define ACCEPTS_MAX    64 /* per iteration, so that other events get their turn */
#define RETRY_PAUSE_US 100000

struct listener {
	struct listener_options options;
	int fd;
	int spare_fd; /* closed for a moment to accept and close a connection */
	char *path;   /* of a Unix socket; owned */
	struct event *event;
	struct event *resume; /* after a pause */
};

static void pause_accepting(struct listener *l)
{
	const struct timeval tv = {.tv_usec = RETRY_PAUSE_US};

	event_del(l->event);
	event_add(l->resume, &tv);
}

static void on_resume(evutil_socket_t fd, short events, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)events;
	event_add(l->event, NULL);
}

/* No descriptor is left: accept and close the pending connection, which could not be served. */
static void turn_away(struct listener *l)
{
	int fd;

	if (l->spare_fd < 0) {
		l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		pause_accepting(l);
		return;
	}
	close(l->spare_fd);
	fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		close(fd);
		l->options.turned_away(l->options.arg);
	}
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_acceptable(evutil_socket_t listen_fd, short events, void *arg)
{
	struct listener *l = arg;

	(void)events;
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			l->options.accepted(l->options.arg, fd);
		} else if (errno == EMFILE || errno == ENFILE) {
			turn_away(l);
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			pause_accepting(l);
			return;
		}
	}
}

static int bind_tcp(const char *text, char *why, size_t cap)
{
	struct addr_resolved found[ADDR_RESOLVED_MAX];
	const char *reason = "no address";
	struct addr a;
	int one = 1, fd;

	if (!addr_parse(&a, text) ||
		!addr_resolve(&a, clock_deadline_ms(RESOLVE_MS), -1, found, &reason)) {
		snprintf(why, cap, "%s: %s", text, reason);
		return -1;
	}
	fd = socket(found[0].sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		snprintf(why, cap, "%s: %s", text, strerror(errno));
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&found[0].sa, found[0].len) != 0) {
		snprintf(why, cap, "%s: %s", text, strerror(errno));
		close(fd);
		return -1;
	}
	return fd;
}

/* Whether a socket was left behind by a crash and can be removed; one that accepts belongs to
 * another process. */
static bool is_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd;
	bool stale;

	if (stat(un->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)un, sizeof(*un)) != 0 && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int bind_unix(const char *path, char *why, size_t cap)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(un.sun_path)) {
		snprintf(why, cap, "%s: the path of a Unix socket may have %zu bytes at the most",
			path, sizeof(un.sun_path) - 1);
		return -1;
	}
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && is_stale(&un))
		unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
		snprintf(why, cap, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

struct listener *listener_new(const struct listener_options *options, char *why, size_t cap)
{
	bool is_path = options->address[0] == '/';
	struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		snprintf(why, cap, "out of memory");
		return NULL;
	}
	l->options = *options;
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	l->fd = is_path ? bind_unix(options->address, why, cap)
			: bind_tcp(options->address, why, cap);
	if (l->fd < 0)
		goto failed;
	if (is_path)
		l->path = strdup(options->address);
	if (listen(l->fd, options->backlog) != 0) {
		snprintf(why, cap, "%s: %s", options->address, strerror(errno));
		goto failed;
	}
	l->event = event_new(options->base, l->fd, EV_READ | EV_PERSIST, on_acceptable, l);
	l->resume = evtimer_new(options->base, on_resume, l);
	if (!l->event || !l->resume || event_add(l->event, NULL) != 0) {
		snprintf(why, cap, "out of memory");
		goto failed;
	}
	return l;
failed:
	listener_free(l);
	return NULL;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	if (l->event)
		event_free(l->event);
	if (l->resume)
		event_free(l->resume);
	if (l->fd >= 0)
		close(l->fd);
	if (l->spare_fd >= 0)
		close(l->spare_fd);
	if (l->path)
		unlink(l->path);
	free(l->path);
	free(l);
}
