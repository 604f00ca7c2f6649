#include "base/addr.h"
#include "base/json.h"
#include "heal/ledger.h"
#include "tools/channel.h"
#include "tools/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
	struct channel_settings channel; /* first: CHANNEL_OPTIONS */
	struct option_list to;
	const char *source, *rdb, *file, *bind;
	struct option_number rate, buffer_size, header_size, segment_bytes;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{0, "to", "HOST:PORT",
		"a target to push to; may be given several times\n"
		"(default: recon_peers of -c, those that the node pushes to)",
		OPTION_LIST, AT(to), 0, 0, 0},
	{0, "redis", "ADDR",
		"send the keys of this Redis: host:port, or the path of a\n"
		"Unix socket (default: the server of -c)",
		OPTION_TEXT, AT(channel.redis), 0, 0, 0},
	{0, "source", "HOW",
		"how they are read: scan, or sync, the replication stream\n"
		"(default: recon_source of -c, else scan)",
		OPTION_TEXT, AT(source), 0, 0, 0},
	{0, "rdb", "FILE", "send the keys of an RDB file", OPTION_TEXT, AT(rdb), 0, 0, 0},
	{0, "file", "FILE", "send the bytes of a file as one snapshot", OPTION_TEXT, AT(file), 0, 0,
		0},
	{0, "rate", "BYTES", "the most bytes per second to send, 0: unlimited", OPTION_RATE,
		AT(rate), DYN_ENTROPY_RATE_MIN, CONF_RECON_RATE_MAX, DYN_ENTROPY_DEFAULT_MAX_RATE},
	{0, "segment-bytes", "BYTES", "plaintext per snapshot", OPTION_SIZE, AT(segment_bytes), 1,
		DYN_ENTROPY_SNAPSHOT_MAX, DYN_ENTROPY_DEFAULT_SEGMENT_BYTES},
	{0, "buffer-size", "BYTES", "plaintext per chunk", OPTION_SIZE, AT(buffer_size), 1,
		DYN_ENTROPY_CIPHER_SIZE_MAX - DYN_ENTROPY_BLOCK_SIZE,
		DYN_ENTROPY_DEFAULT_BUFFER_SIZE},
	{0, "header-size", "BYTES", "of the snapshot header", OPTION_SIZE, AT(header_size),
		DYN_ENTROPY_HEADER_SIZE_MIN, DYN_ENTROPY_HEADER_SIZE_MAX,
		DYN_ENTROPY_DEFAULT_HEADER_SIZE},
	{0, "bind", "HOST", "the local address to send from", OPTION_TEXT, AT(bind), 0, 0, 0},
	CHANNEL_OPTIONS,
};

/* The sums over all targets. */
struct totals {
	uint64_t targets, failed, snapshots, keys, bytes, wire_bytes;
	double seconds;
};

struct run {
	const struct settings *settings;
	struct channel *channel;
	struct progress progress;
	struct totals totals;
	char bind[ADDR_TEXT_MAX];
	size_t node; /* the target's node in the ring; SIZE_MAX: none */
	bool sync;
};

static void show_progress(void *arg, const struct dyn_entropy_push_result *so_far)
{
	struct run *r = arg;
	struct progress_state state = {
		.keys = so_far->keys,
		.keys_expected = so_far->source.keys_expected,
		.bytes = so_far->bytes,
		.bytes_expected = so_far->source.bytes_expected,
		.snapshots = so_far->snapshots,
	};

	progress_update(&r->progress, &state);
}

/* ---- Results ----------------------------------------------------------------------------
 */

static void write_target_json(
	const char *target, const struct dyn_entropy_push_result *p, const char *error)
{
	struct json j;

	json_begin(&j, stdout, "peer");
	json_text(&j, "peer", target);
	json_bool(&j, "ok", error == NULL);
	json_text(&j, "outcome", heal_ledger_outcome_word(p->outcome));
	json_number(&j, "snapshots", p->snapshots);
	json_number(&j, "closed", p->closed);
	json_number(&j, "keys", p->keys);
	json_number(&j, "bytes", p->bytes);
	json_number(&j, "wire_bytes", p->wire_bytes);
	json_number(&j, "not_carried", p->source.not_carried);
	json_real(&j, "seconds", p->seconds);
	json_text(&j, "error", error);
	json_end(&j);
}

static void write_target_text(const char *target, const struct dyn_entropy_push_result *p)
{
	char a[PROGRESS_TEXT_MAX];

	printf("pushed to %s:", target);
	if (p->keys > 0)
		printf(" %s keys,", progress_count(p->keys, a));
	printf(" %s snapshot%s,", progress_count(p->snapshots, a), p->snapshots == 1 ? "" : "s");
	printf(" %s", progress_bytes((double)p->bytes, a));
	if (p->seconds > 0)
		printf(", %.1f s, %s/s", p->seconds,
			progress_bytes((double)p->bytes / p->seconds, a));
	printf("; %s\n", dyn_entropy_outcome_text(p->outcome));
}

static void write_result_json(const struct totals *t)
{
	struct json j;

	tool_result_begin(&j, "push", t->failed == 0);
	json_number(&j, "peers", t->targets);
	json_number(&j, "failed", t->failed);
	json_number(&j, "snapshots", t->snapshots);
	json_number(&j, "keys", t->keys);
	json_number(&j, "bytes", t->bytes);
	json_number(&j, "wire_bytes", t->wire_bytes);
	json_real(&j, "seconds", t->seconds);
	json_end(&j);
}

static void note_target(struct run *r, const char *target, const struct dyn_entropy_push_result *p,
	const char *error)
{
	const struct channel_settings *s = &r->settings->channel;

	r->totals.snapshots += p->snapshots;
	r->totals.keys += p->keys;
	r->totals.bytes += p->bytes;
	r->totals.wire_bytes += p->wire_bytes;
	r->totals.seconds += p->seconds;
	if (error != NULL)
		r->totals.failed++;
	if (s->json)
		write_target_json(target, p, error);
	else if (error == NULL && !s->quiet)
		write_target_text(target, p);
	if (error != NULL)
		tool_error("push: %s: %s", target, error);
	if (p->source.not_carried > 0)
		tool_error(
			"push: warning: the channel cannot carry %s", p->source.not_carried_what);
}

/* ---- Sending ------------------------------------------------------------------------------------
 */

/* Send what the node itself would: a node of the ring gets the keys that it owns. */
static bool owns(void *arg, const void *key, size_t len)
{
	const struct run *r = arg;

	return heal_targets_owns(&r->channel->setup.targets, r->node, key, len);
}

static enum dyn_entropy_status open_source(
	struct run *r, struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	const struct settings *s = r->settings;
	const struct channel *ch = r->channel;
	struct dyn_entropy_source_options from = ch->source;

	from.owns = owns;
	from.owns_arg = r;
	if (s->file != NULL)
		return dyn_entropy_source_file(s->file, out, err);
	if (s->rdb != NULL)
		return dyn_entropy_source_rdb(s->rdb, &from, out, err);
	if (r->sync)
		return dyn_entropy_source_sync(&ch->redis, &from, out, err);
	return dyn_entropy_source_scan(&ch->redis, &from, out, err);
}

/* Check first that the target accepts connections: an error even if there is nothing to send, found
 * before anything is read. */
static enum dyn_entropy_status push_source(struct run *r, struct dyn_entropy_source *source,
	struct dyn_entropy_push_result *result, struct dyn_entropy_error *err)
{
	const struct channel *ch = r->channel;
	const struct dyn_entropy_push_options o = {.struct_size = sizeof(o),
		.cancel = ch->cancel,
		.progress = show_progress,
		.progress_arg = r};
	enum dyn_entropy_status status =
		dyn_entropy_knock(&ch->config, ch->material, ch->cancel, &result->outcome, err);

	if (status != DYN_ENTROPY_OK)
		return status;
	status = open_source(r, source, err);
	if (status == DYN_ENTROPY_OK)
		return dyn_entropy_push(&ch->config, ch->material, source, &o, result, err);
	result->outcome = DYN_ENTROPY_OUTCOME_FAILED;
	return status;
}

static void push_to(struct run *r, const char *target)
{
	struct dyn_entropy_push_result result = {.struct_size = sizeof(result)};
	struct dyn_entropy_source source = {0};
	struct dyn_entropy_error err = {0};
	enum dyn_entropy_status status;
	char label[ADDR_TEXT_MAX + 8];

	snprintf(label, sizeof(label), "push %s", target);
	progress_begin(&r->progress,
		progress_style_choose(r->settings->channel.json, r->settings->channel.quiet),
		label);
	r->channel->config.peer_endpoint = target;
	r->node = heal_targets_find(&r->channel->setup.targets, target);
	status = push_source(r, &source, &result, &err);
	dyn_entropy_source_free(&source);
	progress_clear(&r->progress);
	note_target(r, target, &result, status == DYN_ENTROPY_OK ? NULL : err.message);
}

static int push_to_all(struct run *r, const char *const *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct addr a;
		int code;

		if (!addr_parse(&a, targets[i]) || a.port == 0) {
			tool_error("push: '%s' is not the address of a target: write host:port",
				targets[i]);
			return TOOL_EXIT_USAGE;
		}
		r->channel->config.peer_endpoint = targets[i];
		code = channel_check(r->channel, targets[i]);
		if (code != TOOL_EXIT_OK)
			return code;
	}
	for (size_t i = 0; i < n && !dyn_entropy_cancel_is_set(r->channel->cancel); i++) {
		r->totals.targets++;
		push_to(r, targets[i]);
	}
	if (r->settings->channel.json)
		write_result_json(&r->totals);
	return r->totals.failed == 0 && r->totals.targets == n ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

/* ---- Settings -----------------------------------------------------------------------------------
 */

static bool source_is_good(const struct settings *s)
{
	int given = (s->channel.redis != NULL) + (s->rdb != NULL) + (s->file != NULL);

	if (!channel_one_of("push", &s->channel, given, "--redis, --rdb and --file"))
		return false;
	if (s->source != NULL && strcmp(s->source, "scan") != 0 && strcmp(s->source, "sync") != 0) {
		tool_error("push: --source %s: must be scan or sync", s->source);
		return false;
	}
	if (s->source != NULL && (s->rdb != NULL || s->file != NULL)) {
		tool_error("push: --source says how a Redis is read: it does not go with --rdb or "
			   "--file");
		return false;
	}
	return true;
}

static int override(struct run *r)
{
	const struct settings *s = r->settings;
	struct channel *ch = r->channel;
	struct addr a;

	if (s->rate.given)
		ch->config.max_rate = ch->source.max_rate = s->rate.value;
	if (s->buffer_size.given)
		ch->config.buffer_size = (uint32_t)s->buffer_size.value;
	if (s->header_size.given)
		ch->config.header_size = (uint32_t)s->header_size.value;
	if (s->segment_bytes.given)
		ch->source.segment_bytes = (uint32_t)s->segment_bytes.value;
	if (s->bind == NULL)
		return TOOL_EXIT_OK;
	if (!addr_parse_host(&a, s->bind) || a.port != 0) {
		tool_error("push: --bind %s: must be a host without a port, which several "
			   "connections share",
			s->bind);
		return TOOL_EXIT_USAGE;
	}
	ch->config.send_addr = addr_format(&a, r->bind, sizeof(r->bind));
	return TOOL_EXIT_OK;
}

/* Push to the targets of the file, as the node itself does. */
static int push_to_targets(struct run *r)
{
	const struct heal_targets *targets = &r->channel->setup.targets;
	const struct conf_list *all = &r->channel->conf->recon_peers;
	const char **chosen = calloc(all->n, sizeof(*chosen));
	size_t n = 0;
	int code = TOOL_EXIT_USAGE;

	if (chosen == NULL) {
		tool_error("push: out of memory");
		return TOOL_EXIT_FAILED;
	}
	for (size_t i = 0; i < all->n; i++) {
		if (heal_targets_takes_part(targets, i))
			chosen[n++] = all->items[i];
		else if (!r->settings->channel.quiet)
			tool_error("push: %s is sent %s", all->items[i],
				heal_targets_part_text(heal_targets_part(targets, i)));
	}
	if (n > 0)
		code = push_to_all(r, chosen, n);
	else
		tool_error("push: no target to push to: none of %s shares keys with this node; say "
			   "--to HOST:PORT to push to one anyway",
			r->settings->channel.conf);
	free(chosen);
	return code;
}

static int push(struct channel *ch, void *arg)
{
	struct run *r = arg;
	const struct settings *s = r->settings;
	int code;

	r->channel = ch;
	code = override(r);
	if (code != TOOL_EXIT_OK)
		return code;
	if (s->source != NULL)
		r->sync = strcmp(s->source, "sync") == 0;
	else
		r->sync = ch->conf != NULL && ch->conf->recon_source == CONF_SOURCE_SYNC;
	if (s->rdb == NULL && s->file == NULL && !channel_has_redis(ch, &s->channel))
		return TOOL_EXIT_USAGE;
	if (s->to.n > 0)
		return push_to_all(r, s->to.items, s->to.n);
	if (ch->conf != NULL && ch->conf->recon_peers.n > 0)
		return push_to_targets(r);
	tool_error("push: no target to push to: say --to HOST:PORT%s",
		ch->conf != NULL ? ", or name recon_peers in the file" : "");
	return TOOL_EXIT_USAGE;
}

static int run(const void *settings, const char *const *operands)
{
	const struct settings *s = settings;
	struct run r = {.settings = s};

	(void)operands;
	return source_is_good(s) ? channel_run("push", &s->channel, push, &r) : TOOL_EXIT_USAGE;
}

const struct subcommand cmd_push = {
	.name = "push",
	.operands = "",
	.summary = "Send the keys of a Redis or of an RDB file, or a file's bytes, to a target.",
	.about = "Keys that exist on the target are not changed.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
