#include "base/addr.h"
#include "base/clock.h"
#include "entropy/cancel.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/listener.h"
#include "entropy/session.h"
#include "entropy/settings.h"
#include "entropy/sized.h"
#include "entropy/stream.h"

#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long connections wait in the backlog for a worker before they are turned away, or
 * config->timeout_ms where that is shorter. */
#define BUSY_PATIENCE_MS 5000

/* Pause after an accept() that failed for lack of memory and the like. */
#define ACCEPT_RETRY_US 100000

struct dyn_entropy_receiver {
	struct dyn_entropy_config config;
	const dyn_entropy_material *material; /* borrowed */
	struct dyn_entropy_sink_ops sink_ops;
	struct dyn_entropy_sink sink; /* borrowed, with these ops */
	struct dyn_entropy_receiver_options options;
	dyn_entropy_cancel *cancel;
	struct listener listener;
	int freed_fd;     /* eventfd: a worker has ended */
	pthread_t thread; /* of dyn_entropy_receiver_start */
	bool has_thread;
	pthread_mutex_t lock; /* of counters */
	pthread_cond_t idle;  /* counters.active became 0 */
	struct dyn_entropy_receiver_counters counters;
};

/* ---- One connection ---- */

static void count_end(dyn_entropy_receiver *r, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result)
{
	struct dyn_entropy_receiver_counters *c = &r->counters;

	pthread_mutex_lock(&r->lock);
	if (status == DYN_ENTROPY_OK) {
		c->committed++;
		c->bytes += result->bytes;
	} else {
		c->failed++;
	}
	c->commands += result->applied.commands;
	c->applied += result->applied.applied;
	c->kept += result->applied.kept;
	c->left_alone += result->applied.left_alone;
	pthread_mutex_unlock(&r->lock);
}

static bool was_taken(const struct stream *stream)
{
	return stream->fd < 0;
}

/* Serve a connection, whose end_connection() comes next. */
static enum dyn_entropy_status serve(dyn_entropy_receiver *r, int fd, int64_t began_ms,
	struct stream *stream, struct dyn_entropy_receive_result *result,
	struct dyn_entropy_error *err)
{
	const struct session_options options = {
		.config = &r->config,
		.receiver = &r->options,
		.material = r->material,
		.sink = &r->sink,
		.began_ms = began_ms,
	};
	enum dyn_entropy_status status;

	stream_adopt(stream, fd, r->config.timeout_ms, r->cancel, result->peer);
	/* If the process is killed while it applies, it must not look committed. */
	stream_reset_by_default(stream);
	status = session_serve(&options, stream, result, err);
	/* Count before the close: a sender that sees the close must find it counted. */
	if (!was_taken(stream)) {
		count_end(r, status, result);
		return status;
	}
	pthread_mutex_lock(&r->lock);
	r->counters.taken++;
	pthread_mutex_unlock(&r->lock);
	return status;
}

/* Applied and closed in good order, or reset. */
static void end_connection(struct stream *stream, enum dyn_entropy_status status)
{
	if (status == DYN_ENTROPY_OK)
		stream_close(stream);
	else
		stream_abort(stream);
}

struct worker {
	dyn_entropy_receiver *receiver;
	int fd;
	int64_t began_ms;
	struct dyn_entropy_receive_result result;
};

static void worker_began(dyn_entropy_receiver *r)
{
	pthread_mutex_lock(&r->lock);
	r->counters.connections++;
	r->counters.active++;
	pthread_mutex_unlock(&r->lock);
}

static void worker_ended(dyn_entropy_receiver *r)
{
	eventfd_t one = 1;

	pthread_mutex_lock(&r->lock);
	r->counters.active--;
	/* Under the lock: once active is 0 and the lock free, the receiver may be freed. */
	if (write(r->freed_fd, &one, sizeof(one)) < 0)
		(void)0; /* it is readable already */
	if (r->counters.active == 0)
		pthread_cond_broadcast(&r->idle);
	pthread_mutex_unlock(&r->lock);
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	dyn_entropy_receiver *r = w->receiver;
	struct dyn_entropy_error err = {0};
	struct stream stream;
	enum dyn_entropy_status status = serve(r, w->fd, w->began_ms, &stream, &w->result, &err);

	if (r->options.ended && !was_taken(&stream))
		r->options.ended(r->options.ended_arg, status, &w->result, &err);
	end_connection(&stream, status);
	free(w);
	/* The thread is detached: free what OpenSSL keeps for it here. */
	OPENSSL_thread_stop();
	worker_ended(r);
	return NULL;
}

/* Start a worker for a connection; on failure the connection stays the caller's. */
static bool start_worker(dyn_entropy_receiver *r, int fd, const char *peer)
{
	struct worker *w = calloc(1, sizeof(*w));
	pthread_attr_t attr;
	pthread_t thread;
	int failed;

	if (!w)
		return false;
	w->receiver = r;
	w->fd = fd;
	w->result.struct_size = sizeof(w->result);
	w->began_ms = clock_monotonic_ms();
	memcpy(w->result.peer, peer, sizeof(w->result.peer));
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	worker_began(r);
	failed = pthread_create(&thread, &attr, worker_thread, w);
	pthread_attr_destroy(&attr);
	if (failed) {
		pthread_mutex_lock(&r->lock);
		r->counters.connections--;
		r->counters.active--;
		pthread_mutex_unlock(&r->lock);
		free(w);
	}
	return !failed;
}

/* ---- Accepting ---- */

static void turn_away(
	dyn_entropy_receiver *r, int fd, const char *peer, const char *why, const char *setting)
{
	struct dyn_entropy_receive_result result = {.struct_size = sizeof(result)};
	struct dyn_entropy_error err;
	struct stream stream;

	stream_adopt(&stream, fd, r->config.timeout_ms, NULL, peer);
	pthread_mutex_lock(&r->lock);
	r->counters.turned_away++;
	pthread_mutex_unlock(&r->lock);
	memcpy(result.peer, peer, sizeof(result.peer));
	result.turned_away = true;
	error_by_setting(
		&err, setting, error_set(&err, DYN_ENTROPY_ERR_IO, "turned away: %s", why));
	if (r->options.ended)
		r->options.ended(r->options.ended_arg, err.status, &result, &err);
	stream_abort(&stream);
}

/*
 * Accept one connection: its descriptor, and its address as text; -1 when none is waiting or it was
 * turned away.
 */
static int accept_allowed(dyn_entropy_receiver *r, char peer[80])
{
	struct sockaddr_storage sa;
	const struct sockaddr *from = (const struct sockaddr *)&sa;
	int fd;

	switch (listener_accept(&r->listener, &fd, &sa)) {
	case LISTENER_NONE:
		return -1;
	case LISTENER_FAILED:
		cancel_sleep_until(r->cancel, clock_monotonic_us() + ACCEPT_RETRY_US);
		return -1;
	case LISTENER_LAST:
		addr_format_sockaddr(from, peer, 80);
		turn_away(
			r, fd, peer, "no descriptor is left (raise the limit on open files)", NULL);
		listener_spare(&r->listener);
		return -1;
	case LISTENER_CONNECTION:
		break;
	}
	addr_format_sockaddr(from, peer, 80);
	if (r->options.allow && !r->options.allow(r->options.allow_arg, from)) {
		turn_away(r, fd, peer, "not the address of a known peer", "allow");
		return -1;
	}
	return fd;
}

/* Wait until fd is readable; false when the time is up or the receiver was stopped. */
static bool wait_readable(const dyn_entropy_receiver *r, int fd, int64_t deadline_ms)
{
	struct pollfd fds[2] = {
		{.fd = fd, .events = POLLIN},
		{.fd = cancel_fd(r->cancel), .events = POLLIN},
	};

	while (!dyn_entropy_cancel_is_set(r->cancel)) {
		if (poll(fds, 2, clock_poll_timeout(deadline_ms)) > 0 && fds[0].revents)
			return !dyn_entropy_cancel_is_set(r->cancel);
		if (clock_poll_timeout(deadline_ms) == 0)
			return false;
	}
	return false;
}

enum dyn_entropy_status dyn_entropy_receiver_accept_one(dyn_entropy_receiver *r,
	uint32_t timeout_ms, struct dyn_entropy_receive_result *out, struct dyn_entropy_error *err)
{
	static const struct dyn_entropy_receive_result none = {.struct_size = sizeof(none)};
	struct dyn_entropy_receive_result result = none;
	int64_t deadline_ms = clock_deadline_ms(timeout_ms);

	sized_out(out, &none, sizeof(none));
	while (wait_readable(r, r->listener.fd, deadline_ms)) {
		int fd = accept_allowed(r, result.peer);
		enum dyn_entropy_status status;
		struct stream stream;
		bool taken;

		if (fd < 0) {
			result = none; /* forget those turned away */
			continue;
		}
		worker_began(r);
		status = serve(r, fd, clock_monotonic_ms(), &stream, &result, err);
		taken = was_taken(&stream);
		end_connection(&stream, status);
		worker_ended(r);
		if (taken) {
			result = none;
			continue;
		}
		sized_out(out, &result, sizeof(result));
		return status;
	}
	if (dyn_entropy_cancel_is_set(r->cancel))
		return error_cancelled(err);
	return error_set(err, DYN_ENTROPY_ERR_IO, "no connection came within %u ms", timeout_ms);
}

static bool all_busy(dyn_entropy_receiver *r)
{
	bool busy;

	pthread_mutex_lock(&r->lock);
	busy = r->counters.active >= r->config.max_connections;
	pthread_mutex_unlock(&r->lock);
	return busy;
}

static int64_t patience_end_ms(const dyn_entropy_receiver *r)
{
	uint32_t timeout_ms = r->config.timeout_ms;

	return clock_deadline_ms(timeout_ms < BUSY_PATIENCE_MS ? timeout_ms : BUSY_PATIENCE_MS);
}

/* Wait for a free worker; when none gets free in time, turn away all that wait. */
static void wait_for_worker(dyn_entropy_receiver *r)
{
	int64_t deadline_ms = patience_end_ms(r);
	char peer[80];
	eventfd_t ignored;

	while (all_busy(r)) {
		if (wait_readable(r, r->freed_fd, deadline_ms)) {
			(void)!read(r->freed_fd, &ignored, sizeof(ignored)); /* empty it */
			continue;
		}
		if (dyn_entropy_cancel_is_set(r->cancel))
			return;
		/* New connections must not delay noticing a free worker. */
		while (all_busy(r) && wait_readable(r, r->listener.fd, 0)) {
			int fd = accept_allowed(r, peer);

			if (fd >= 0)
				turn_away(r, fd, peer, "all workers are busy", "max_connections");
		}
		deadline_ms = patience_end_ms(r);
	}
}

enum dyn_entropy_status dyn_entropy_receiver_run(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err)
{
	char peer[80];

	(void)err;
	while (!dyn_entropy_cancel_is_set(r->cancel)) {
		int fd;

		wait_for_worker(r);
		if (!wait_readable(r, r->listener.fd, CLOCK_NEVER))
			continue;
		fd = accept_allowed(r, peer);
		if (fd >= 0 && !start_worker(r, fd, peer))
			turn_away(r, fd, peer, "no memory or thread is left for a worker", NULL);
	}
	/* Nothing will accept the backlog: reset those in it, and later ones. */
	shutdown(r->listener.fd, SHUT_RD);
	pthread_mutex_lock(&r->lock);
	while (r->counters.active > 0)
		pthread_cond_wait(&r->idle, &r->lock);
	pthread_mutex_unlock(&r->lock);
	return DYN_ENTROPY_OK;
}

static void *receiver_thread(void *arg)
{
	/* Returns only when stopped, which is success. */
	if (dyn_entropy_receiver_run(arg, NULL) != DYN_ENTROPY_OK)
		abort();
	return NULL;
}

enum dyn_entropy_status dyn_entropy_receiver_start(
	dyn_entropy_receiver *r, struct dyn_entropy_error *err)
{
	int failed;

	if (r->has_thread)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"the receiver has a thread already: join it before another is started");
	failed = pthread_create(&r->thread, NULL, receiver_thread, r);
	if (failed)
		return error_set(err, DYN_ENTROPY_ERR_IO, "cannot start the receiver's thread: %s",
			strerror(failed));
	r->has_thread = true;
	return DYN_ENTROPY_OK;
}

void dyn_entropy_receiver_join(dyn_entropy_receiver *r)
{
	if (r->has_thread)
		pthread_join(r->thread, NULL);
	r->has_thread = false;
}

/* ---- Coming and going ---- */

/* Copy what the program passed, whatever version it was built with. */
static enum dyn_entropy_status receiver_take(dyn_entropy_receiver *r,
	const struct dyn_entropy_config *config, const struct dyn_entropy_sink *sink,
	const struct dyn_entropy_receiver_options *options, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = settings_take(&r->config, config, r->material, err);

	if (status == DYN_ENTROPY_OK)
		status = sized_in(
			&r->sink_ops, sizeof(r->sink_ops), sink->ops, "dyn_entropy_sink_ops", err);
	r->sink.ops = &r->sink_ops;
	r->sink.self = sink->self;
	if (status == DYN_ENTROPY_OK && options)
		status = sized_in(&r->options, sizeof(r->options), options,
			"dyn_entropy_receiver_options", err);
	return status;
}

enum dyn_entropy_status dyn_entropy_receiver_new(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, const struct dyn_entropy_sink *sink,
	const struct dyn_entropy_receiver_options *options, dyn_entropy_receiver **out,
	struct dyn_entropy_error *err)
{
	dyn_entropy_receiver *r = calloc(1, sizeof(*r));
	struct addr listen_addr;
	enum dyn_entropy_status status;

	if (!r)
		return error_no_memory(err);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->idle, NULL);
	r->listener = LISTENER_CLOSED;
	r->freed_fd = -1;
	r->material = material;
	status = receiver_take(r, config, sink, options, err);
	if (status == DYN_ENTROPY_OK &&
		(!r->config.listen_addr || !addr_parse(&listen_addr, r->config.listen_addr)))
		status = error_set(err, DYN_ENTROPY_ERR_CONFIG, "no listen_addr to bind to");
	if (status != DYN_ENTROPY_OK)
		goto failed;
	r->cancel = dyn_entropy_cancel_new();
	r->freed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!r->cancel || r->freed_fd < 0)
		status = error_set(
			err, DYN_ENTROPY_ERR_IO, "no memory or descriptor is left for a receiver");
	else
		status = listener_open(&r->listener, &listen_addr, r->config.timeout_ms, err);
	if (status != DYN_ENTROPY_OK)
		goto failed;
	*out = r;
	return DYN_ENTROPY_OK;
failed:
	dyn_entropy_receiver_free(r);
	return status;
}

uint16_t dyn_entropy_receiver_port(const dyn_entropy_receiver *r)
{
	return r->listener.port;
}

void dyn_entropy_receiver_stop(dyn_entropy_receiver *r)
{
	dyn_entropy_cancel_set(r->cancel);
}

void dyn_entropy_receiver_count(
	dyn_entropy_receiver *r, struct dyn_entropy_receiver_counters *counters)
{
	pthread_mutex_lock(&r->lock);
	sized_out(counters, &r->counters, sizeof(r->counters));
	pthread_mutex_unlock(&r->lock);
}

void dyn_entropy_receiver_free(dyn_entropy_receiver *r)
{
	if (!r)
		return;
	if (r->has_thread)
		dyn_entropy_receiver_stop(r);
	dyn_entropy_receiver_join(r);
	listener_close(&r->listener);
	if (r->freed_fd >= 0)
		close(r->freed_fd);
	dyn_entropy_cancel_free(r->cancel);
	pthread_cond_destroy(&r->idle);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
