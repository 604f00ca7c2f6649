#include "recon/conn.h"

#include "base/clock.h"
#include "recon/conn_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What counts as getting on within a long frame or a full queue. */
#define PROGRESS_BYTES ((size_t)16 * 1024)

/* Pause before what the socket did not take is tried again; only of the end of the connection. */
#define RETRY_MS 20

/* ---- Ending ---- */

static void hold(struct recon_conn *c)
{
	c->held++;
}

static void release(struct recon_conn *c)
{
	if (--c->held > 0 || !c->is_freed)
		return;
	SSL_free(c->ssl);
	free(c);
}

/* The queue has changed: note what the socket has taken.  The timer needs no care here: it looks
 * again at the latest idle_ms after it was last set. */
static void on_queue(struct evbuffer *out, const struct evbuffer_cb_info *info, void *arg)
{
	struct recon_conn *c = arg;

	if (c->options.figures)
		c->options.figures->bytes_out += info->n_deleted;
	c->out_taken += info->n_deleted;
	if (info->orig_size > 0 && c->out_taken < PROGRESS_BYTES && evbuffer_get_length(out) > 0)
		return;
	c->out_taken = 0;
	c->out_ms = clock_monotonic_ms();
}

/* Close all; ssl stays for the other node's name. */
static void tear_down(struct recon_conn *c)
{
	c->state = RECON_CONN_STATE_ENDED;
	if (c->timer)
		event_free(c->timer);
	if (c->connecting)
		event_free(c->connecting);
	if (c->bev) {
		/* It may live on for a turn of the loop, and c not. */
		evbuffer_remove_cb(bufferevent_get_output(c->bev), on_queue, c);
		bufferevent_free(c->bev);
	}
	if (c->fd >= 0)
		close(c->fd);
	c->timer = c->connecting = NULL;
	c->bev = NULL;
	c->fd = -1;
}

void recon_conn_end(struct recon_conn *c, enum recon_conn_end how, const char *why)
{
	struct recon_conn_figures *f = c->options.figures;

	if (c->state == RECON_CONN_STATE_ENDED)
		return;
	tear_down(c);
	if (why != c->why)
		snprintf(c->why, sizeof(c->why), "%s", why);
	if (f) {
		f->ends[how]++;
		if (how == RECON_CONN_REFUSED)
			f->refusals[c->refusal]++;
	}
	hold(c);
	c->options.ops->ended(c->options.arg, how, c->why);
	release(c);
}

static void refuse(struct recon_conn *c, enum recon_tls_refusal refusal)
{
	c->refusal = refusal;
	recon_conn_end(c, RECON_CONN_REFUSED, recon_tls_refusal_text(refusal));
}

void recon_conn_free(struct recon_conn *c)
{
	if (!c)
		return;
	tear_down(c);
	c->is_freed = true;
	hold(c);
	release(c);
}

/* ---- Deadlines ---- */

/* Look at the deadlines again at at_ms. */
void recon_conn_wake_at(struct recon_conn *c, int64_t at_ms)
{
	int64_t left_ms = at_ms - clock_monotonic_ms();
	struct timeval tv = {0};

	if (left_ms > 0) {
		tv.tv_sec = left_ms / 1000;
		tv.tv_usec = left_ms % 1000 * 1000;
	}
	event_add(c->timer, &tv);
}

void recon_conn_wait(struct recon_conn *c, uint32_t timeout_ms)
{
	c->deadline_ms = clock_deadline_ms(timeout_ms);
	recon_conn_wake_at(c, c->deadline_ms);
}

size_t recon_conn_queued(const struct recon_conn *c)
{
	return c->bev ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;
}

static void stalled(struct recon_conn *c, const char *what, uint32_t timeout_ms)
{
	snprintf(c->why, sizeof(c->why), "%s for %" PRIu32 " ms", what, timeout_ms);
	recon_conn_end(c, RECON_CONN_STALLED, c->why);
}

/* Whoever waits for the end of a connection does not wait for frames. */
static void check_progress(struct recon_conn *c)
{
	uint32_t idle_ms = c->options.idle_ms;
	int64_t now_ms = clock_monotonic_ms();
	int64_t in_ms = c->state == RECON_CONN_STATE_OPEN ? c->in_ms + idle_ms : CLOCK_NEVER;
	int64_t out_ms = recon_conn_queued(c) > 0 ? c->out_ms + idle_ms : CLOCK_NEVER;

	if (now_ms >= out_ms)
		stalled(c, "it has taken nothing, or hardly anything,", idle_ms);
	else if (now_ms >= in_ms)
		stalled(c, "it has sent nothing, or hardly anything,", idle_ms);
	else
		recon_conn_wake_at(c, in_ms < out_ms ? in_ms : out_ms);
}

static void say_end(struct recon_conn *c);

void recon_conn_on_timer(evutil_socket_t fd, short events, void *arg)
{
	struct recon_conn *c = arg;
	bool is_late = clock_monotonic_ms() >= c->deadline_ms;

	(void)fd;
	(void)events;
	switch (c->state) {
	case RECON_CONN_STATE_CONNECTING:
		if (c->why[0]) /* it failed at once */
			recon_conn_end(c, RECON_CONN_UNREACHABLE, c->why);
		else if (is_late)
			recon_conn_end(
				c, RECON_CONN_UNREACHABLE, "no answer to the connection in time");
		else
			recon_conn_wake_at(c, c->deadline_ms);
		break;
	case RECON_CONN_STATE_SHAKING:
		if (is_late)
			stalled(c, "the handshake was not complete", c->options.handshake_ms);
		else
			recon_conn_wake_at(c, c->deadline_ms);
		break;
	case RECON_CONN_STATE_FINISHING:
		if (recon_conn_queued(c) == 0)
			say_end(c);
		else
			check_progress(c);
		break;
	case RECON_CONN_STATE_LINGERING:
		if (is_late)
			stalled(c, "it was not closed by the other node", c->options.idle_ms);
		else
			recon_conn_wake_at(c, c->deadline_ms);
		break;
	case RECON_CONN_STATE_OPEN:
		check_progress(c);
		break;
	case RECON_CONN_STATE_ENDED:
		break;
	}
}

/* ---- Frames ---- */

static size_t body_len(const uint8_t head[RECON_CONN_HEAD])
{
	return (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

/* Note what has come, so that a frame that comes byte by byte has a deadline too. */
static void note_input(struct recon_conn *c, size_t left, bool has_frame)
{
	if (!has_frame && left < c->in_seen + PROGRESS_BYTES)
		return;
	c->in_seen = left;
	c->in_ms = clock_monotonic_ms();
}

/* Show the first frame, if it is complete. */
static bool show_frame(struct recon_conn *c, struct evbuffer *in)
{
	uint8_t head[RECON_CONN_HEAD];
	const uint8_t *frame;
	size_t len;

	if (evbuffer_copyout(in, head, sizeof(head)) < (ev_ssize_t)sizeof(head))
		return false;
	if (body_len(head) > c->options.body_max) {
		snprintf(c->why, sizeof(c->why),
			"it sends a frame of %zu bytes, of type %u; %zu are allowed",
			body_len(head), head[4], c->options.body_max);
		recon_conn_end(c, RECON_CONN_TOO_LONG, c->why);
		return false;
	}
	len = sizeof(head) + body_len(head);
	if (evbuffer_get_length(in) < len)
		return false;
	frame = evbuffer_pullup(in, (ev_ssize_t)len);
	if (!frame) {
		recon_conn_end(c, RECON_CONN_NO_MEMORY, "no memory for a frame");
		return false;
	}
	if (c->options.figures)
		c->options.figures->bytes_in += len;
	c->options.ops->frame(c->options.arg, frame, len);
	if (c->state == RECON_CONN_STATE_OPEN)
		evbuffer_drain(in, len);
	return c->state == RECON_CONN_STATE_OPEN;
}

static void on_input(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct recon_conn *c = arg;
	bool has_frame = false;

	hold(c);
	while (c->state == RECON_CONN_STATE_OPEN && show_frame(c, in))
		has_frame = true;
	if (c->state == RECON_CONN_STATE_OPEN)
		note_input(c, evbuffer_get_length(in), has_frame);
	else if (c->bev)
		evbuffer_drain(in, evbuffer_get_length(in));
	release(c);
}

/* ---- Sending ---- */

/* At most half of the queue is left; in the end, nothing. */
static void on_output(struct bufferevent *bev, void *arg)
{
	struct recon_conn *c = arg;

	(void)bev;
	if (c->state == RECON_CONN_STATE_FINISHING && recon_conn_queued(c) == 0) {
		say_end(c);
		return;
	}
	if (c->state != RECON_CONN_STATE_OPEN || !c->wants_drained)
		return;
	c->wants_drained = false;
	hold(c);
	c->options.ops->drained(c->options.arg);
	release(c);
}

bool recon_conn_send(struct recon_conn *c, const void *bytes, size_t len)
{
	size_t queued = recon_conn_queued(c);

	if (c->state != RECON_CONN_STATE_OPEN)
		return false;
	if (len > c->options.queue_max || queued > c->options.queue_max - len) {
		c->wants_drained = c->options.ops->drained != NULL;
		return false;
	}
	return bufferevent_write(c->bev, bytes, len) == 0;
}

/* Tell the other node that no more comes; once the queue is empty. */
static void say_end(struct recon_conn *c)
{
	int result = SSL_shutdown(c->ssl);

	ERR_clear_error();
	if (result < 0 && SSL_get_error(c->ssl, result) == SSL_ERROR_WANT_WRITE) {
		if (clock_monotonic_ms() >= c->out_ms + c->options.idle_ms)
			stalled(c, "it has not taken the end of the connection",
				c->options.idle_ms);
		else
			recon_conn_wake_at(c, clock_deadline_ms(RETRY_MS));
		return;
	}
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	c->state = RECON_CONN_STATE_LINGERING;
	recon_conn_wait(c, c->options.idle_ms);
}

void recon_conn_finish(struct recon_conn *c)
{
	if (c->state != RECON_CONN_STATE_OPEN)
		return;
	c->state = RECON_CONN_STATE_FINISHING;
	bufferevent_setwatermark(c->bev, EV_WRITE, 0, 0);
	recon_conn_wake_at(c, 0);
}

/* ---- Opening ---- */

static void open_up(struct recon_conn *c)
{
	const struct recon_conn_options *o = &c->options;

	if (!recon_tls_is_proved(c->ssl)) {
		refuse(c, RECON_TLS_BROKEN);
		return;
	}
	c->state = RECON_CONN_STATE_OPEN;
	c->in_ms = c->out_ms = clock_monotonic_ms();
	if (!evbuffer_add_cb(bufferevent_get_output(c->bev), on_queue, c)) {
		recon_conn_end(c, RECON_CONN_NO_MEMORY, "no memory for the connection");
		return;
	}
	/* A whole frame always fits, and not much more. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, RECON_CONN_HEAD + o->body_max + 1);
	bufferevent_setwatermark(c->bev, EV_WRITE, o->queue_max / 2, 0);
	recon_conn_wake_at(c, c->in_ms + o->idle_ms);
	if (o->figures)
		o->figures->opened++;
	hold(c);
	o->ops->opened(o->arg);
	if (c->bev)
		bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	release(c);
}

/* The other node waits for this one to close as well. */
static void answer_end(struct recon_conn *c)
{
	SSL_shutdown(c->ssl);
	ERR_clear_error();
	recon_conn_end(c, RECON_CONN_CLOSED, "the other node closed the connection");
}

static void on_closed(struct recon_conn *c, bool in_good_order)
{
	unsigned long error, first = 0;
	bool has_half;

	/* The oldest comes last, but for SSL_ERROR_SSL and the like, which belong to no library. */
	while ((error = bufferevent_get_openssl_error(c->bev)) != 0)
		if (ERR_GET_LIB(error) != 0)
			first = error;
	has_half = evbuffer_get_length(bufferevent_get_input(c->bev)) > 0;
	if (c->state == RECON_CONN_STATE_SHAKING)
		refuse(c, recon_tls_explain(c->ssl, first));
	else if (c->state == RECON_CONN_STATE_LINGERING && in_good_order)
		recon_conn_end(c, RECON_CONN_FINISHED, "finished");
	else if (in_good_order && !has_half)
		answer_end(c);
	else if (in_good_order)
		recon_conn_end(
			c, RECON_CONN_CUT, "the other node closed the connection within a frame");
	else if (first && recon_tls_explain(c->ssl, first) != RECON_TLS_CUT)
		recon_conn_end(c, RECON_CONN_CUT, "what came is damaged");
	else
		recon_conn_end(c, RECON_CONN_CUT, "the connection was cut off");
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct recon_conn *c = arg;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		open_up(c);
	else
		on_closed(c, what & BEV_EVENT_EOF);
}

void recon_conn_watch(struct recon_conn *c)
{
	bufferevent_setcb(c->bev, on_input, on_output, on_event, c);
}

/* ---- What is known of it ---- */

const char *recon_conn_peer(const struct recon_conn *c)
{
	return recon_tls_peer(c->ssl);
}

enum recon_tls_refusal recon_conn_refusal(const struct recon_conn *c)
{
	return c->refusal;
}
