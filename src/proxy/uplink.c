#include "proxy/uplink.h"

#include <errno.h>
#include <event2/util.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define BACKOFF_FIRST_MS 50

const char *uplink_state_name(enum uplink_state state)
{
	switch (state) {
	case UPLINK_IDLE:
		return "idle";
	case UPLINK_RESOLVING:
		return "resolving";
	case UPLINK_CONNECTING:
		return "connecting";
	case UPLINK_UP:
		return "up";
	case UPLINK_WAITING:
		return "waiting";
	case UPLINK_HELD:
		return "held";
	}
	return "unknown";
}

static void set_timer(struct uplink *u, int64_t ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	event_add(&u->timer, &tv);
}

/* The pause before the next attempt. */
static int64_t pause_ms(const struct uplink *u)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint8_t jitter;

	if (u->policy->auto_eject && u->failures >= u->policy->failure_limit)
		return u->policy->retry_timeout_ms;
	for (unsigned i = 1; i < u->failures && ms < u->policy->pause_max_ms; i++)
		ms *= 2;
	if (ms > u->policy->pause_max_ms)
		ms = u->policy->pause_max_ms;
	evutil_secure_rng_get_bytes(&jitter, sizeof(jitter));
	return ms / 2 + ms * jitter / 512; /* between half and all of it */
}

/* Disconnected: wait before the next attempt. */
static void went_down(struct uplink *u, const char *why)
{
	conn_close(&u->conn);
	outq_clear(&u->early);
	outq_clear(&u->conn.out);
	u->failures++;
	u->state = UPLINK_WAITING;
	set_timer(u, pause_ms(u));
	u->ops->down(u, why);
}

/* ---- The connection ---- */

static struct uplink *uplink_of(struct conn *c)
{
	return (struct uplink *)c; /* conn is its first member */
}

/* Whether a socket is connected to itself: the kernel may choose the target port as the local one.
 */
static bool is_to_itself(int fd)
{
	struct sockaddr_storage here, there;
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	memset(&here, 0, sizeof(here));
	memset(&there, 0, sizeof(there));
	return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 &&
	       here.ss_family != AF_UNIX && here_len == there_len &&
	       memcmp(&here, &there, here_len) == 0;
}

static void on_connected(struct conn *c)
{
	struct uplink *u = uplink_of(c);

	if (is_to_itself(c->fd)) {
		went_down(u, strerror(ECONNREFUSED));
		return;
	}
	event_del(&u->timer);
	u->state = UPLINK_UP;
	u->connects++;
	u->ops->up(u);
	if (u->state == UPLINK_UP && u->early.bytes > 0) {
		outq_splice(&u->conn.out, &u->early);
		conn_wrote(&u->conn);
	}
}

static size_t on_bytes(struct conn *c, const uint8_t *bytes, size_t len)
{
	struct uplink *u = uplink_of(c);

	return u->ops->bytes(u, bytes, len);
}

static void on_ended(struct conn *c, const char *why)
{
	went_down(uplink_of(c), why ? why : "closed by the other side");
}

static const struct conn_ops uplink_conn_ops = {
	.connected = on_connected,
	.bytes = on_bytes,
	.ended = on_ended,
};

/* ---- Connecting ---- */

static void dial(struct uplink *u, const struct sockaddr *sa, socklen_t len)
{
	if (!conn_connect(&u->conn, &uplink_conn_ops, u->policy->loop, sa, len)) {
		went_down(u, strerror(errno));
		return;
	}
	u->state = UPLINK_CONNECTING;
	set_timer(u, u->policy->connect_timeout_ms);
}

static void dial_path(struct uplink *u)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (strlen(u->path) >= sizeof(un.sun_path)) {
		went_down(u, "its path is too long for a Unix socket");
		return;
	}
	strcpy(un.sun_path, u->path);
	dial(u, (const struct sockaddr *)&un, sizeof(un));
}

/* Choose an address of a name, a different one after each failure. */
static const struct evutil_addrinfo *choose_address(
	const struct evutil_addrinfo *answer, unsigned failures)
{
	unsigned n = 0;

	for (const struct evutil_addrinfo *a = answer; a; a = a->ai_next)
		n++;
	for (unsigned i = failures % n; i > 0; i--)
		answer = answer->ai_next;
	return answer;
}

static void on_resolved(int code, struct evutil_addrinfo *answer, void *arg)
{
	struct uplink *u = arg;

	if (code == EVUTIL_EAI_CANCEL) {
		if (answer)
			evutil_freeaddrinfo(answer);
		return; /* u may be released */
	}
	u->lookup = NULL;
	if (u->state == UPLINK_RESOLVING) {
		if (code || !answer) {
			went_down(u, evutil_gai_strerror(code));
		} else {
			const struct evutil_addrinfo *a = choose_address(answer, u->failures);

			dial(u, a->ai_addr, (socklen_t)a->ai_addrlen);
		}
	}
	if (answer)
		evutil_freeaddrinfo(answer);
}

static void begin(struct uplink *u)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct evdns_getaddrinfo_request *lookup;
	char port[8];

	if (u->path) {
		dial_path(u);
		return;
	}
	snprintf(port, sizeof(port), "%u", (unsigned)u->addr.port);
	u->state = UPLINK_RESOLVING;
	set_timer(u, u->policy->connect_timeout_ms);
	/* For a literal address the callback is called immediately. */
	lookup = evdns_getaddrinfo(u->policy->dns, u->addr.host, port, &hints, on_resolved, u);
	if (lookup)
		u->lookup = lookup;
}

static void stop_lookup(struct uplink *u)
{
	if (u->lookup)
		evdns_getaddrinfo_cancel(u->lookup);
	u->lookup = NULL;
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct uplink *u = arg;

	(void)fd;
	(void)events;
	switch (u->state) {
	case UPLINK_WAITING:
		begin(u);
		break;
	case UPLINK_RESOLVING:
		stop_lookup(u);
		went_down(u, "its name was not resolved in time");
		break;
	case UPLINK_CONNECTING:
		went_down(u, "it did not accept the connection in time");
		break;
	case UPLINK_IDLE:
	case UPLINK_UP:
	case UPLINK_HELD:
		break;
	}
}

/* ---- Public functions ---- */

bool uplink_init(struct uplink *u, const struct uplink_ops *ops, const struct uplink_policy *policy,
	const char *text)
{
	memset(u, 0, sizeof(*u));
	conn_init(&u->conn);
	u->ops = ops;
	u->policy = policy;
	if (text[0] == '/')
		u->path = text;
	else if (!addr_parse(&u->addr, text))
		return false;
	snprintf(u->name, sizeof(u->name), "%s", text);
	event_assign(&u->timer, policy->loop->base, -1, 0, on_timer, u);
	return true;
}

void uplink_fini(struct uplink *u)
{
	if (!u->policy)
		return;
	stop_lookup(u);
	event_del(&u->timer);
	conn_close(&u->conn);
	outq_clear(&u->early);
}

void uplink_start(struct uplink *u)
{
	if (u->state == UPLINK_IDLE)
		begin(u);
}

bool uplink_usable(const struct uplink *u)
{
	return u->state == UPLINK_UP ||
	       ((u->state == UPLINK_CONNECTING || u->state == UPLINK_RESOLVING) &&
		       u->failures == 0);
}

bool uplink_send(struct uplink *u, const void *bytes, size_t len)
{
	if (len > u->largest)
		u->largest = len;
	if (u->state == UPLINK_UP)
		return conn_send(&u->conn, bytes, len);
	return outq_append(&u->early, bytes, len);
}

bool uplink_has_room(struct uplink *u, size_t max)
{
	size_t waiting = u->conn.out.bytes + u->early.bytes;

	if (waiting == 0)
		u->largest = 0;
	return waiting < max + u->largest;
}

void uplink_fail(struct uplink *u, const char *why)
{
	if (u->state != UPLINK_UP && !uplink_usable(u))
		return;
	stop_lookup(u);
	went_down(u, why);
}

void uplink_nudge(struct uplink *u)
{
	if (u->state != UPLINK_WAITING)
		return;
	event_del(&u->timer);
	begin(u);
}

void uplink_hold(struct uplink *u, const char *why)
{
	if (u->state == UPLINK_HELD)
		return;
	stop_lookup(u);
	event_del(&u->timer);
	conn_close(&u->conn);
	outq_clear(&u->early);
	u->state = UPLINK_HELD;
	u->ops->down(u, why);
}

void uplink_release(struct uplink *u)
{
	if (u->state != UPLINK_HELD)
		return;
	u->failures = 0;
	u->state = UPLINK_IDLE;
	begin(u);
}
