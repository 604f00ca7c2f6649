#include "control/control.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "control/internal.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define RESOLVE_MS    5000
#define BACKLOG       64
#define TICK_MS       100
#define IDLE_S        5
#define LIFETIME_MS   10000
#define HEADERS_BYTES 8192
#define BODY_BYTES    1024

/* ---- Connections ----
 *
 * evhttp neither bounds its connections nor says when one ends.  So we make each connection's
 * bufferevent and hold a reference to it: when evhttp has released it, its callbacks are unset.
 */

static bool has_ended(const struct control_conn *g)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(g->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void release_conn(struct control *c, struct control_conn *g)
{
	bufferevent_decref(g->bev);
	g->bev = NULL;
	c->n_conns--;
}

static void on_tick(evutil_socket_t fd, short events, void *arg)
{
	struct control *c = arg;
	int64_t now_ms = clock_monotonic_ms();

	(void)fd;
	(void)events;
	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++) {
		struct control_conn *g = &c->conns[i];

		if (!g->bev)
			continue;
		if (has_ended(g))
			release_conn(c, g);
		else if (now_ms >= g->close_ms)
			shutdown(bufferevent_getfd(g->bev), SHUT_RDWR); /* evhttp sees the end */
	}
	if (c->n_conns < CONTROL_CONNS_MAX)
		evconnlistener_enable(c->listener);
}

/* Most likely no descriptor is left: stop accepting until the next tick.  arg is evhttp's. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	log_info("statistics: cannot accept: %s", strerror(errno));
	evconnlistener_disable(listener);
}

/* A connection was accepted. */
static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
	struct control *c = arg;
	struct control_conn *g = NULL;

	for (size_t i = 0; i < CONTROL_CONNS_MAX && !g; i++)
		if (!c->conns[i].bev)
			g = &c->conns[i];
	/* The descriptor is closed with the last reference to the bufferevent.  If evhttp closed it
	 * earlier, the loop would keep waiting for it and miss the next connection that gets its
	 * number. */
	if (!g || !(g->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE)))
		return NULL;
	bufferevent_incref(g->bev);
	g->close_ms = clock_deadline_ms(LIFETIME_MS);
	if (++c->n_conns == CONTROL_CONNS_MAX)
		evconnlistener_disable(c->listener); /* until a tick that finds room */
	return g->bev;
}

/* ---- Who may change something, and see keys ---- */

static bool is_local(struct evhttp_request *request)
{
	struct bufferevent *bev =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return getpeername(bufferevent_getfd(bev), (struct sockaddr *)&sa, &len) == 0 &&
	       addr_sockaddr_is_loopback((const struct sockaddr *)&sa);
}

/* A page of another site, open in the operator's browser, sends requests from this machine too.
 * Browsers mark such requests; commands, and addresses typed into the browser, do not. */
static bool is_of_web_page(struct evhttp_request *request)
{
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
	const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");

	return evhttp_find_header(headers, "Origin") || evhttp_find_header(headers, "Referer") ||
	       (site && strcasecmp(site, "none") != 0);
}

static bool is_allowed(struct control *c, struct evhttp_request *request, const char *path,
	struct control_answer *a)
{
	bool ok = false;

	if (is_of_web_page(request))
		control_answer_refuse(a, 403,
			"a web page may neither change anything nor see keys: use a command such "
			"as curl");
	else if (c->conf->stats_admin != CONF_ADMIN_ANY && !is_local(request))
		control_answer_refuse(a, 403,
			"this changes something, or shows keys: ask from the node's own machine, "
			"or set stats_admin: any");
	else
		ok = true;
	if (!ok)
		log_rarely(&c->gate, LOG_LEVEL_WARN, "control: refused to %s: %s", a->from, path);
	return ok;
}

/* ---- Requests ---- */

static const char *reason(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 409:
		return "Conflict";
	default:
		return "Internal Server Error";
	}
}

static void serve(struct control *c, struct evhttp_request *request, struct control_answer *a)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *raw = uri ? evhttp_uri_get_path(uri) : NULL;
	const struct control_page *page = NULL;
	const char *value = NULL;
	size_t len = 0;
	char *path = evhttp_uridecode(raw && *raw ? raw : "/", 0, &len);

	if (!path) {
		a->code = 500;
		return;
	}
	if (strlen(path) == len) /* no NUL in it */
		page = control_pages_find(path, &value);
	if (!page)
		control_answer_refuse(a, 404, "there is no such path; /help lists them");
	else if (!page->is_guarded || is_allowed(c, request, page->path, a))
		page->serve(c, value, a);
	free(path);
}

static void reply(struct evhttp_request *request, const struct control_answer *a, const char *text,
	size_t len)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);

	evhttp_add_header(headers, "Content-Type", a->type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Connection", "close");
	if (evbuffer_add(body, text, len) == 0)
		evhttp_send_reply(request, a->code, reason(a->code), NULL);
	else
		evhttp_send_error(request, 500, NULL);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct control *c = arg;
	struct control_answer a = {.code = 200, .type = "text/plain; charset=utf-8"};
	char *text = NULL, *from = NULL;
	size_t len = 0;
	ev_uint16_t port;

	c->requests++;
	evhttp_connection_get_peer(evhttp_request_get_connection(request), &from, &port);
	a.from = from ? from : "?";
	a.to = open_memstream(&text, &len);
	if (!a.to) {
		evhttp_send_error(request, 500, NULL);
		return;
	}
	serve(c, request, &a);
	if (fclose(a.to) == 0 && text)
		reply(request, &a, text, len);
	else
		evhttp_send_error(request, 500, NULL);
	free(text);
}

void control_server_figures(const struct control *c, struct figures_node *f)
{
	f->uptime = (uint64_t)(clock_monotonic_ms() - c->started_ms) / 1000;
	f->resident_bytes = process_resident_bytes();
	f->stats_count = c->requests;
}

/* ---- Start and stop ---- */

static bool start_listening(struct control *c)
{
	const char *address = c->conf->stats_listen;
	struct addr_resolved found[ADDR_RESOLVED_MAX];
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	const char *why = "not host:port";
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (!addr_parse(&a, address) ||
		addr_resolve(&a, clock_deadline_ms(RESOLVE_MS), -1, found, &why) == 0) {
		log_error("cannot start: statistics on %s: %s: correct stats_listen", address, why);
		return false;
	}
	c->listener = evconnlistener_new_bind(c->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
		(const struct sockaddr *)&found[0].sa, (int)found[0].len);
	if (!c->listener) {
		log_error("cannot start: statistics on %s: %s: give each node of a machine a "
			  "stats_listen of its own",
			address, strerror(errno));
		return false;
	}
	if (getsockname(evconnlistener_get_fd(c->listener), (struct sockaddr *)&sa, &len) != 0 ||
		!evhttp_bind_listener(c->http, c->listener)) {
		evconnlistener_free(c->listener);
		log_error("cannot start: statistics on %s: out of memory", address);
		return false;
	}
	evconnlistener_set_error_cb(c->listener, on_accept_error);
	log_notice("statistics on http://%s",
		addr_format_sockaddr((const struct sockaddr *)&sa, text, sizeof(text)));
	return true;
}

struct control *control_new(const struct control_options *options)
{
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		log_error("cannot start: out of memory");
		return NULL;
	}
	c->base = options->base;
	c->conf = options->conf;
	c->proxy = options->proxy;
	c->healer = options->healer;
	c->reconciler = options->reconciler;
	c->ring = options->ring;
	c->started_ms = clock_monotonic_ms();
	c->http = evhttp_new(c->base);
	c->ticker = event_new(c->base, -1, EV_PERSIST, on_tick, c);
	if (!c->http || !c->ticker || event_add(c->ticker, &tick) != 0) {
		log_error("cannot start: no memory for the statistics");
		goto failed;
	}
	evhttp_set_allowed_methods(c->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_max_headers_size(c->http, HEADERS_BYTES);
	evhttp_set_max_body_size(c->http, BODY_BYTES);
	evhttp_set_timeout(c->http, IDLE_S);
	evhttp_set_bevcb(c->http, on_accepted, c);
	evhttp_set_gencb(c->http, on_request, c);
	if (start_listening(c))
		return c;
failed:
	control_free(c);
	return NULL;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	if (c->http)
		evhttp_free(c->http);
	for (size_t i = 0; i < CONTROL_CONNS_MAX; i++)
		if (c->conns[i].bev)
			release_conn(c, &c->conns[i]);
	if (c->ticker)
		event_free(c->ticker);
	free(c);
}
