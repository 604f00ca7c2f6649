#include "base/addr.h"
#include "base/clock.h"
#include "base/json.h"
#include "heal/allow.h"
#include "heal/remedy.h"
#include "tools/channel.h"
#include "tools/progress.h"
#include "tools/sink_file.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define ACCEPT_WAIT_MS 1000
#define RESOLVE_MS     5000

struct settings {
	struct channel_settings channel; /* first: CHANNEL_OPTIONS */
	const char *listen, *out, *accept;
	struct option_number count, wait_s, max_snapshot, connections;
	bool discard, force;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{0, "listen", "HOST:PORT",
		"where to listen; with port 0 the kernel chooses one\n"
		"(default: recon_listen of -c, else 127.0.0.1:8105)",
		OPTION_TEXT, AT(listen), 0, 0, 0},
	{0, "redis", "ADDR",
		"replay into this Redis: host:port, or the path of a\n"
		"Unix socket (default: the server of -c)",
		OPTION_TEXT, AT(channel.redis), 0, 0, 0},
	{0, "out", "FILE", "write to this file instead, which must not exist", OPTION_TEXT, AT(out),
		0, 0, 0},
	{0, "force", NULL, "let --out replace a file", OPTION_FLAG, AT(force), 0, 0, 0},
	{0, "discard", NULL, "count the bytes and discard them instead", OPTION_FLAG, AT(discard),
		0, 0, 0},
	{0, "accept", "WHAT",
		"into a Redis: restore, RESTORE only, or data, plain\n"
		"data-writing commands as well\n"
		"(default: recon_accept of -c, else restore)",
		OPTION_TEXT, AT(accept), 0, 0, 0},
	{0, "count", "N",
		"end after N snapshots, 0: when interrupted\n"
		"(default 0, with --out 1)",
		OPTION_NUMBER, AT(count), 0, INT64_MAX, 0},
	{0, "wait", "SECONDS",
		"with a count, or --out: give up when no connection comes for\n"
		"this long, 0: never (default 0)",
		OPTION_NUMBER, AT(wait_s), 0, 1000000, 0},
	{0, "max-snapshot", "BYTES", "the largest snapshot that is accepted", OPTION_SIZE,
		AT(max_snapshot), 0, DYN_ENTROPY_SNAPSHOT_MAX, DYN_ENTROPY_SNAPSHOT_MAX},
	{0, "connections", "N", "the most connections served at a time, without a count",
		OPTION_NUMBER, AT(connections), 1, DYN_ENTROPY_CONNECTIONS_MAX,
		DYN_ENTROPY_DEFAULT_CONNECTIONS},
	CHANNEL_OPTIONS,
};

struct run {
	const struct settings *settings;
	struct channel *channel;
	uint64_t wanted; /* snapshots; 0: no end */
	struct dyn_entropy_sink sink;
	struct heal_allow *allow;
	dyn_entropy_receiver *receiver;
	int64_t started_us;
	pthread_mutex_t lock; /* protects the rest, and standard output */
	uint64_t committed, failed, bytes, commands, applied, kept;
};

/* ---- Results ------------------------------------------------------------------------------
 */

static void write_snapshot_json(const struct dyn_entropy_receive_result *result, const char *error)
{
	struct json j;

	json_begin(&j, stdout, "snapshot");
	json_text(&j, "peer", result->peer);
	json_bool(&j, "ok", error == NULL);
	json_number(&j, "bytes", result->bytes);
	json_real(&j, "seconds", result->seconds);
	json_number(&j, "commands", result->applied.commands);
	json_number(&j, "applied", result->applied.applied);
	json_number(&j, "kept", result->applied.kept);
	json_number(&j, "failed", result->applied.failed);
	json_text(&j, "error", error);
	json_end(&j);
}

static void write_snapshot_text(const struct dyn_entropy_receive_result *result)
{
	char a[PROGRESS_TEXT_MAX], b[PROGRESS_TEXT_MAX];

	printf("received from %s: %s, %.1f s", result->peer,
		progress_bytes((double)result->bytes, a), result->seconds);
	if (result->applied.commands > 0)
		printf("; %s commands applied, %s kept what was there",
			progress_count(result->applied.applied, a),
			progress_count(result->applied.kept, b));
	putchar('\n');
	fflush(stdout);
}

/* A connection has ended.  Also called by the workers' threads. */
static void ended(void *arg, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	struct run *r = arg;
	const struct channel_settings *s = &r->settings->channel;
	struct dyn_entropy_error told = *err;
	const char *error = status == DYN_ENTROPY_OK ? NULL : told.message;

	if (error == NULL && result->bytes == 0)
		return; /* an empty snapshot: a sender checked that we accept connections */
	heal_remedy_add(&told);
	pthread_mutex_lock(&r->lock);
	if (error == NULL) {
		r->committed++;
		r->bytes += result->bytes;
		r->commands += result->applied.commands;
		r->applied += result->applied.applied;
		r->kept += result->applied.kept;
	} else {
		r->failed++;
	}
	if (s->json)
		write_snapshot_json(result, error);
	else if (error == NULL && !s->quiet)
		write_snapshot_text(result);
	if (error != NULL)
		tool_error("receive: %s: %s", result->peer, error);
	pthread_mutex_unlock(&r->lock);
}

static void write_listening(const struct run *r)
{
	struct addr a;
	char text[ADDR_TEXT_MAX];

	if (!addr_parse(&a, r->channel->config.listen_addr))
		return;
	a.port = dyn_entropy_receiver_port(r->receiver);
	addr_format(&a, text, sizeof(text));
	if (r->settings->channel.json) {
		struct json j;

		json_begin(&j, stdout, "listening");
		json_text(&j, "address", text);
		json_number(&j, "port", a.port);
		json_end(&j);
	} else if (!r->settings->channel.quiet) {
		printf("listening on %s\n", text);
		fflush(stdout);
	}
}

static void write_result(const struct run *r, bool ok)
{
	double seconds = (double)(clock_monotonic_us() - r->started_us) / 1e6;
	char a[PROGRESS_TEXT_MAX], b[PROGRESS_TEXT_MAX];

	if (r->settings->channel.json) {
		struct json j;

		tool_result_begin(&j, "receive", ok);
		json_number(&j, "snapshots", r->committed);
		json_number(&j, "failed", r->failed);
		json_number(&j, "bytes", r->bytes);
		json_number(&j, "commands", r->commands);
		json_number(&j, "applied", r->applied);
		json_number(&j, "kept", r->kept);
		json_real(&j, "seconds", seconds);
		json_end(&j);
	} else if (!r->settings->channel.quiet) {
		printf("%s snapshot%s, %s", progress_count(r->committed, a),
			r->committed == 1 ? "" : "s", progress_bytes((double)r->bytes, b));
		if (r->commands > 0)
			printf("; %s commands applied", progress_count(r->applied, a));
		if (r->kept > 0)
			printf(", %s kept what was there", progress_count(r->kept, a));
		if (r->failed > 0)
			printf("; %s connection%s failed", progress_count(r->failed, a),
				r->failed == 1 ? "" : "s");
		putchar('\n');
	}
}

/* ---- Receiving ----------------------------------------------------------------------------------
 */

/* Serve one connection after the other until enough snapshots have arrived. */
static int serve_counted(struct run *r)
{
	int64_t wait_ms = (int64_t)r->settings->wait_s.value * 1000;
	int64_t deadline_ms = wait_ms > 0 ? clock_deadline_ms(wait_ms) : CLOCK_NEVER;

	while (r->committed < r->wanted) {
		struct dyn_entropy_receive_result result = {.struct_size = sizeof(result)};
		struct dyn_entropy_error err = {0};
		enum dyn_entropy_status status =
			dyn_entropy_receiver_accept_one(r->receiver, ACCEPT_WAIT_MS, &result, &err);

		if (dyn_entropy_cancel_is_set(r->channel->cancel) && status != DYN_ENTROPY_OK) {
			tool_error("receive: interrupted after %" PRIu64 " of %" PRIu64
				   " snapshots",
				r->committed, r->wanted);
			return TOOL_EXIT_FAILED;
		}
		/* no peer: there was no connection within the time */
		if (status == DYN_ENTROPY_OK || result.peer[0] != '\0') {
			ended(r, status, &result, &err);
			deadline_ms = wait_ms > 0 ? clock_deadline_ms(wait_ms) : CLOCK_NEVER;
		} else if (clock_monotonic_ms() >= deadline_ms) {
			tool_error("receive: gave up after %" PRIu64 " of %" PRIu64
				   " snapshots: no connection came for %" PRIu64 " s (--wait)",
				r->committed, r->wanted, r->settings->wait_s.value);
			return TOOL_EXIT_FAILED;
		}
	}
	return TOOL_EXIT_OK;
}

static int serve(struct run *r)
{
	struct dyn_entropy_error err = {0};
	int code = TOOL_EXIT_OK;

	if (r->wanted > 0)
		return serve_counted(r);
	if (dyn_entropy_receiver_run(r->receiver, &err) != DYN_ENTROPY_OK) {
		tool_error("receive: %s", err.message);
		code = TOOL_EXIT_FAILED;
	}
	if (r->settings->out != NULL && sink_file_finish(&r->sink, &err) != DYN_ENTROPY_OK) {
		tool_error("receive: %s", err.message);
		code = TOOL_EXIT_FAILED;
	}
	return code;
}

static void stop(void *arg)
{
	dyn_entropy_receiver_stop(arg);
}

/* Apply recon_allow of the file; without a file any address may connect. */
static bool open_allow(struct run *r)
{
	const struct conf *conf = r->channel->conf;

	if (conf == NULL || conf->recon_allow != CONF_ALLOW_PEERS)
		return true;
	r->allow = heal_allow_new(&conf->recon_peers);
	if (r->allow == NULL) {
		tool_error("receive: out of memory");
		return false;
	}
	heal_allow_refresh(r->allow, clock_deadline_ms(RESOLVE_MS));
	return true;
}

static enum dyn_entropy_status open_sink(struct run *r, struct dyn_entropy_error *err)
{
	const struct settings *s = r->settings;
	struct sink_file_options file = {.path = s->out, .replace = s->force, .wanted = r->wanted};
	const struct dyn_entropy_sink_redis_options redis = {
		.struct_size = sizeof(redis),
		.accept = r->channel->accept,
	};

	if (s->out != NULL)
		return sink_file_new(&file, &r->sink, err);
	if (s->discard)
		return dyn_entropy_sink_discard(&r->sink, err);
	return dyn_entropy_sink_redis(&r->channel->redis, &redis, &r->sink, err);
}

static int receive(struct run *r)
{
	struct dyn_entropy_receiver_options o = {
		.struct_size = sizeof(o), .ended = ended, .ended_arg = r};
	struct dyn_entropy_error err = {0};
	enum dyn_entropy_status status;
	const char *left_over;
	int code = TOOL_EXIT_FAILED;

	if (!open_allow(r))
		return code;
	o.allow = r->allow != NULL ? heal_allow_admits : NULL;
	o.allow_arg = r->allow;
	status = open_sink(r, &err);
	if (status == DYN_ENTROPY_OK)
		status = dyn_entropy_receiver_new(&r->channel->config, r->channel->material,
			&r->sink, &o, &r->receiver, &err);
	if (status != DYN_ENTROPY_OK) {
		tool_error("receive: %s", err.message);
		goto done;
	}
	tool_on_cancel(stop, r->receiver);
	write_listening(r);
	code = serve(r);
	tool_on_cancel(NULL, NULL);
	write_result(r, code == TOOL_EXIT_OK);
	left_over = r->settings->out != NULL ? sink_file_left_over(&r->sink) : NULL;
	if (left_over != NULL)
		tool_error("receive: what was received is in %s", left_over);
done:
	dyn_entropy_receiver_free(r->receiver);
	dyn_entropy_sink_free(&r->sink);
	heal_allow_free(r->allow);
	return code;
}

/* ---- Settings -----------------------------------------------------------------------------------
 */

/* Refuse options that have no effect with the others, since they are mistakes. */
static bool all_have_effect(const struct settings *s)
{
	bool counted = s->count.given ? s->count.value > 0 : s->out != NULL;
	const struct {
		const char *option, *needs;
		bool idle;
	} all[] = {
		{"--wait", "a --count, or --out", s->wait_s.given && !counted},
		{"--connections", "no count", s->connections.given && counted},
		{"--force", "--out", s->force && s->out == NULL},
		{"--accept", "a Redis", s->accept != NULL && (s->out != NULL || s->discard)},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].idle) {
			tool_error("receive: %s has an effect only with %s", all[i].option,
				all[i].needs);
			return false;
		}
	}
	return true;
}

static bool settings_are_good(const struct settings *s)
{
	int given = (s->channel.redis != NULL) + (s->out != NULL) + s->discard;

	if (!channel_one_of("receive", &s->channel, given, "--redis, --out and --discard"))
		return false;
	if (s->accept != NULL && strcmp(s->accept, "restore") != 0 &&
		strcmp(s->accept, "data") != 0) {
		tool_error("receive: --accept %s: must be restore or data", s->accept);
		return false;
	}
	return all_have_effect(s);
}

static int override(struct run *r)
{
	const struct settings *s = r->settings;
	struct channel *ch = r->channel;

	if (s->listen != NULL)
		ch->config.listen_addr = s->listen;
	if (s->max_snapshot.given)
		ch->config.max_snapshot_bytes = s->max_snapshot.value;
	if (s->connections.given)
		ch->config.max_connections = (unsigned)s->connections.value;
	if (s->accept != NULL)
		ch->accept = strcmp(s->accept, "data") == 0 ? DYN_ENTROPY_ACCEPT_DATA
							    : DYN_ENTROPY_ACCEPT_RESTORE;
	r->wanted = s->count.given ? s->count.value : s->out != NULL;
	if (ch->config.listen_addr == NULL) {
		tool_error("receive: %s does not say where to listen: say --listen HOST:PORT",
			s->channel.conf);
		return TOOL_EXIT_USAGE;
	}
	if (s->out == NULL && !s->discard && !channel_has_redis(ch, &s->channel))
		return TOOL_EXIT_USAGE;
	return channel_check(ch, ch->config.listen_addr);
}

static int override_and_receive(struct channel *ch, void *arg)
{
	struct run *r = arg;
	int code;

	r->channel = ch;
	code = override(r);
	return code == TOOL_EXIT_OK ? receive(r) : code;
}

static int run(const void *settings, const char *const *operands)
{
	const struct settings *s = settings;
	struct run r = {.settings = s,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.started_us = clock_monotonic_us()};

	(void)operands;
	if (!settings_are_good(s))
		return TOOL_EXIT_USAGE;
	return channel_run("receive", &s->channel, override_and_receive, &r);
}

const struct subcommand cmd_receive = {
	.name = "receive",
	.operands = "",
	.summary = "Receive snapshots, into a Redis or a file.",
	.about = "The first line of output is the address that it listens on.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
