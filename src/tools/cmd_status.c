#include "base/json.h"
#include "base/json_view.h"
#include "conf/conf_load.h"
#include "control/figures.h"
#include "heal/figures.h"
#include "proxy/figures.h"
#include "repair/figures.h"
#include "tools/channel.h"
#include "tools/fetch.h"
#include "tools/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_STATS      "127.0.0.1:22222"
#define DEFAULT_TIMEOUT_MS 5000
#define TEXT_MAX           512

#define TARGET(field)   FIGURE_NAME(heal_target_figures, field)
#define SENDER(field)   FIGURE_NAME(heal_sender_figures, field)
#define SESSIONS(field) FIGURE_NAME(repair_figures, field)
#define SESSION(field)  FIGURE_NAME(repair_peer_figures, field)

struct settings {
	const char *stats, *conf;
	struct option_number timeout_ms;
	bool json, quiet;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{0, "stats", "HOST:PORT", "the stats_listen of the node\n(default " DEFAULT_STATS ")",
		OPTION_TEXT, AT(stats), 0, 0, 0},
	{'c', "conf", "FILE", "take stats_listen from this dynomite.yml", OPTION_TEXT, AT(conf), 0,
		0, 0},
	{0, "timeout", "MS", "to wait for the whole reply", OPTION_NUMBER, AT(timeout_ms), 1,
		3600000, DEFAULT_TIMEOUT_MS},
	{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, AT(json), 0, 0, 0},
	{'q', "quiet", NULL, "print errors only", OPTION_FLAG, AT(quiet), 0, 0, 0},
};

/* ---- The node's address ---- */

/* Replace a wildcard address, which cannot be connected to, by loopback. */
static void make_reachable(struct addr *a)
{
	if (strcmp(a->host, "0.0.0.0") == 0)
		strcpy(a->host, "127.0.0.1");
	else if (strcmp(a->host, "::") == 0)
		strcpy(a->host, "::1");
}

static int address_from_conf(const char *path, struct addr *a)
{
	struct conf_report report = {0};
	struct conf *c = conf_load(path, &report);
	bool ok = channel_tell("status", &report) && c != NULL;

	if (ok && (!addr_parse(a, c->stats_listen) || a->port == 0)) {
		tool_error("status: %s: stats_listen %s names no port: give --stats HOST:PORT, "
			   "which is in the node's log",
			path, c->stats_listen);
		ok = false;
	}
	conf_free(c);
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static int choose_address(const struct settings *s, struct addr *a)
{
	const char *text = s->stats != NULL ? s->stats : DEFAULT_STATS;
	int code = TOOL_EXIT_OK;

	if (s->stats == NULL && s->conf != NULL) {
		code = address_from_conf(s->conf, a);
	} else if (!addr_parse(a, text) || a->port == 0) {
		tool_error("status: --stats %s: not HOST:PORT with a port of 1..65535", text);
		code = TOOL_EXIT_USAGE;
	}
	if (code == TOOL_EXIT_OK)
		make_reachable(a);
	return code;
}

/* ---- Values ---- */

static double number(const struct json_view *object, const char *name)
{
	struct json_view v;

	return json_view_member(object, name, &v) ? json_view_number(&v, (double)NAN) : (double)NAN;
}

/* "1,234", or "-" when unknown. */
static const char *count(
	const struct json_view *object, const char *name, char out[PROGRESS_TEXT_MAX])
{
	double n = number(object, name);

	if (!(n >= 0 && n < 1.8e19))
		return "-";
	return progress_count((uint64_t)n, out);
}

static const char *bytes(
	const struct json_view *object, const char *name, char out[PROGRESS_TEXT_MAX])
{
	double n = number(object, name);

	return n >= 0 ? progress_bytes(n, out) : "-";
}

static const char *duration(double seconds, char out[PROGRESS_TEXT_MAX])
{
	return seconds >= 0 ? progress_duration(seconds, out) : "-";
}

static const char *text(const struct json_view *object, const char *name, char out[TEXT_MAX])
{
	struct json_view v;

	if (!json_view_member(object, name, &v) || !json_view_text(&v, out, TEXT_MAX))
		strcpy(out, "-");
	return out;
}

static bool is_true(const struct json_view *object, const char *name)
{
	struct json_view v;

	return json_view_member(object, name, &v) && json_view_is_true(&v);
}

/* The seconds since a time in the page, by the node's own clock. */
static double ago(const struct json_view *info, const struct json_view *object, const char *name)
{
	double seconds = number(info, "timestamp") - number(object, name);

	return seconds < 0 ? 0
			   : seconds; /* within the same second, to which timestamp is truncated */
}

/* Whether the last round to each target succeeded. */
static bool all_went_well(const struct json_view *entropy)
{
	struct json_view peers, peer;
	bool well = true;

	if (!json_view_member(entropy, "peers", &peers) || !json_view_first(&peers, &peer))
		return true;
	do {
		if (number(&peer, TARGET(rounds)) > 0 && !is_true(&peer, TARGET(last_ok)))
			well = false;
	} while (json_view_next(&peer));
	return well;
}

/* What of the sessions is not as it should be; NULL: nothing, or there are none. */
static const char *session_trouble(const struct json_view *entropy)
{
	struct json_view sessions;

	if (!json_view_member(entropy, "sessions", &sessions) || !is_true(&sessions, "enabled"))
		return NULL;
	if (is_true(&sessions, SESSIONS(catching_up)))
		return "this node lacks data, or does not know whether it does";
	if (number(&sessions, SESSIONS(peers_settled)) < number(&sessions, SESSIONS(peers)))
		return "not everything is settled with every peer";
	return NULL;
}

/* ---- Text output ---- */

static void write_node(const struct json_view *info)
{
	char version[TEXT_MAX], source[TEXT_MAX], rack[TEXT_MAX], dc[TEXT_MAX], state[TEXT_MAX];
	char up[PROGRESS_TEXT_MAX];

	printf("dynomite %s on %s, up %s, datacenter %s, rack %s", text(info, "version", version),
		text(info, "source", source),
		duration(number(info, FIGURE_NAME(figures_node, uptime)), up), text(info, "dc", dc),
		text(info, "rack", rack));
	if (strcmp(text(info, "state", state), "-") != 0)
		printf(", state %s", state);
	putchar('\n');
}

static void write_ring(const struct json_view *info)
{
	struct json_view peers, peer;

	if (!json_view_member(info, "peers", &peers) || !json_view_first(&peers, &peer))
		return;
	printf("\n%-32s %-12s %-12s %-10s %13s\n", "node of the ring", "datacenter", "rack",
		"state", "missed writes");
	do {
		char name[TEXT_MAX], dc[TEXT_MAX], rack[TEXT_MAX], state[TEXT_MAX];
		char missed[PROGRESS_TEXT_MAX];

		printf("%-32s %-12s %-12s %-10s %13s\n", text(&peer, "name", name),
			text(&peer, "dc", dc), text(&peer, "rack", rack),
			text(&peer, "state", state),
			count(&peer, FIGURE_NAME(replica_figures, missed_writes), missed));
	} while (json_view_next(&peer));
}

static void write_identity(const struct json_view *entropy)
{
	char identity[TEXT_MAX], number[PROGRESS_TEXT_MAX];

	if (strcmp(text(entropy, "identity", identity), "-") != 0)
		printf("\nidentity %s, number %s in stamps\n", identity,
			count(entropy, "stamp_number", number));
}

static void write_rounds(const struct json_view *entropy)
{
	char rounds[PROGRESS_TEXT_MAX], skipped[PROGRESS_TEXT_MAX], next[PROGRESS_TEXT_MAX];
	double seconds = number(entropy, FIGURE_NAME(heal_schedule_figures, next_round));

	printf("\nentropy channel: %s rounds, %s skipped, ",
		count(entropy, FIGURE_NAME(heal_figures, rounds), rounds),
		count(entropy, FIGURE_NAME(heal_figures, rounds_skipped), skipped));
	if (is_true(entropy, FIGURE_NAME(heal_schedule_figures, running)))
		puts("one is running");
	else if (seconds >= 0)
		printf("the next in %s\n", progress_duration(seconds, next));
	else
		puts("no target to push to");
}

static void write_pushes(const struct json_view *info, const struct json_view *entropy)
{
	struct json_view peers, peer;

	if (!json_view_member(entropy, "peers", &peers) || !json_view_first(&peers, &peer))
		return;
	printf("\n%-32s %7s %7s %13s %10s  %s\n", "pushed to", "rounds", "failed", "keys", "bytes",
		"last round");
	do {
		char name[TEXT_MAX], outcome[TEXT_MAX], error[TEXT_MAX];
		char rounds[PROGRESS_TEXT_MAX], failed[PROGRESS_TEXT_MAX], keys[PROGRESS_TEXT_MAX];
		char sent[PROGRESS_TEXT_MAX], since[PROGRESS_TEXT_MAX], took[PROGRESS_TEXT_MAX];

		printf("%-32s %7s %7s %13s %10s  ", text(&peer, "peer", name),
			count(&peer, TARGET(rounds), rounds),
			count(&peer, TARGET(rounds_failed), failed),
			count(&peer, TARGET(keys_sent), keys),
			bytes(&peer, TARGET(bytes_sent), sent));
		if (number(&peer, TARGET(rounds)) > 0)
			printf("%s ago, %s, took %s\n",
				duration(ago(info, &peer, TARGET(last_round)), since),
				text(&peer, "outcome", outcome),
				duration(number(&peer, TARGET(last_seconds)), took));
		else
			puts("none yet");
		if (strcmp(text(&peer, "error", error), "-") != 0)
			printf("    %s\n", error);
	} while (json_view_next(&peer));
}

static void write_senders(const struct json_view *info, const struct json_view *entropy)
{
	struct json_view senders, sender;

	if (!json_view_member(entropy, "senders", &senders) || !json_view_first(&senders, &sender))
		return;
	printf("\n%-32s %9s %7s %13s %13s %10s %8s %10s  %s\n", "received from", "snapshots",
		"failed", "applied", "kept", "left alone", "refused", "bytes", "last");
	do {
		char name[TEXT_MAX], error[TEXT_MAX];
		char snapshots[PROGRESS_TEXT_MAX], failed[PROGRESS_TEXT_MAX];
		char applied[PROGRESS_TEXT_MAX], kept[PROGRESS_TEXT_MAX];
		char left_alone[PROGRESS_TEXT_MAX];
		char refused[PROGRESS_TEXT_MAX], got[PROGRESS_TEXT_MAX], since[PROGRESS_TEXT_MAX];

		printf("%-32s %9s %7s %13s %13s %10s %8s %10s  %s ago\n",
			text(&sender, "sender", name),
			count(&sender, SENDER(snapshots_committed), snapshots),
			count(&sender, SENDER(connections_failed), failed),
			count(&sender, SENDER(applied), applied),
			count(&sender, SENDER(kept), kept),
			count(&sender, SENDER(left_alone), left_alone),
			count(&sender, SENDER(failed), refused),
			bytes(&sender, SENDER(bytes_received), got),
			duration(ago(info, &sender, SENDER(last_connection)), since));
		if (strcmp(text(&sender, "error", error), "-") != 0)
			printf("    %s\n", error);
	} while (json_view_next(&sender));
}

/* How far everything is settled with a peer. */
static void write_settled(const struct json_view *peer)
{
	double age = number(peer, SESSION(settled_age));
	char text[PROGRESS_TEXT_MAX];

	if (isnan(age))
		fputs("nothing is settled yet", stdout);
	else if (is_true(peer, SESSION(settled)))
		printf("settled but for the last %s", progress_duration(age, text));
	else
		printf("NOT settled: nothing newer than %s ago is", progress_duration(age, text));
}

static void write_session_peer(const struct json_view *info, const struct json_view *peer)
{
	char name[TEXT_MAX], why[TEXT_MAX], error[TEXT_MAX];
	char here[PROGRESS_TEXT_MAX], there[PROGRESS_TEXT_MAX], differ[PROGRESS_TEXT_MAX];
	char since[PROGRESS_TEXT_MAX];

	printf("%-32s ", text(peer, "peer", name));
	write_settled(peer);
	printf("; repaired %s keys here, %s there, %s stay different",
		count(peer, SESSION(keys_repaired), here), count(peer, SESSION(keys_given), there),
		count(peer, SESSION(keys_unsettled), differ));
	if (is_true(peer, SESSION(running)))
		fputs("; a session runs", stdout);
	else if (number(peer, SESSION(last_session)) > 0)
		printf("; last session %s ago",
			duration(ago(info, peer, SESSION(last_session)), since));
	else
		fputs("; no session yet", stdout);
	putchar('\n');
	if (is_true(peer, SESSION(full)))
		printf("    every key is compared: %s\n", text(peer, "why", why));
	if (strcmp(text(peer, "error", error), "-") != 0)
		printf("    the last session failed: %s\n", error);
}

static void write_sessions(const struct json_view *info, const struct json_view *entropy)
{
	struct json_view sessions, peers, peer;
	char condition[TEXT_MAX];

	if (!json_view_member(entropy, "sessions", &sessions) || !is_true(&sessions, "enabled"))
		return;
	printf("\nsessions: this node %s%s\n", text(&sessions, "condition", condition),
		is_true(&sessions, SESSIONS(paused)) ? "; PAUSED: 'dyn-entropy resume' ends that"
						     : "");
	if (!json_view_member(&sessions, "with", &peers) || !json_view_first(&peers, &peer))
		return;
	do {
		write_session_peer(info, &peer);
	} while (json_view_next(&peer));
}

static void write_text(const struct json_view *info, const struct json_view *entropy)
{
	write_node(info);
	write_ring(info);
	if (!is_true(entropy, "enabled")) {
		puts("\nentropy channel: not enabled (recon_enabled)");
		return;
	}
	write_identity(entropy);
	write_rounds(entropy);
	write_pushes(info, entropy);
	write_senders(info, entropy);
	write_sessions(info, entropy);
}

/* ---- The command ---- */

static bool look(const struct buf *page, const char *address, struct json_view *info,
	struct json_view *entropy)
{
	if (json_view_init(info, (const char *)buf_head(page), buf_len(page)) &&
		json_view_member(info, "entropy", entropy))
		return true;
	tool_error("status: %s: its /info is not that of a node with an entropy channel", address);
	return false;
}

static void write_status_json(const struct buf *page, const char *address)
{
	const char *info = (const char *)buf_head(page);
	size_t len = buf_len(page);
	struct json j;

	while (len > 0 && info[len - 1] == '\n')
		len--;
	json_begin(&j, stdout, "status");
	json_text(&j, "address", address);
	json_raw(&j, "info", info, len);
	json_end(&j);
}

static void write_result_json(bool ok)
{
	struct json j;

	tool_result_begin(&j, "status", ok);
	json_end(&j);
}

static int show(const struct settings *s, const struct addr *from)
{
	uint32_t timeout_ms =
		s->timeout_ms.given ? (uint32_t)s->timeout_ms.value : DEFAULT_TIMEOUT_MS;
	dyn_entropy_cancel *cancel = tool_cancel();
	struct dyn_entropy_error err;
	struct json_view info, entropy;
	char address[ADDR_TEXT_MAX];
	struct buf page = {0};
	bool ok = false, pushed;
	const char *trouble;

	addr_format(from, address, sizeof(address));
	if (cancel == NULL)
		goto done;
	if (fetch(from, "/info", timeout_ms, cancel, &page, &err) != DYN_ENTROPY_OK) {
		tool_error("status: %s", err.message);
		goto done;
	}
	if (!look(&page, address, &info, &entropy))
		goto done;
	pushed = all_went_well(&entropy);
	trouble = session_trouble(&entropy);
	ok = pushed && !trouble;
	if (s->json)
		write_status_json(&page, address);
	else if (!s->quiet)
		write_text(&info, &entropy);
	if (!pushed)
		tool_error("status: the last round did not reach every target");
	if (trouble)
		tool_error("status: %s", trouble);
done:
	if (s->json)
		write_result_json(ok);
	buf_fini(&page);
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static int run(const void *settings, const char *const *operands)
{
	const struct settings *s = settings;
	struct addr from;
	int code = choose_address(s, &from);

	(void)operands;
	return code == TOOL_EXIT_OK ? show(s, &from) : code;
}

const struct subcommand cmd_status = {
	.name = "status",
	.operands = "",
	.summary = "Show the state of a running node and of its entropy channel.",
	.about = "Exits with 0 if the node answers and the last round to each target succeeded,\n"
		 "and in sessions this node lacks no data and everything is settled with each "
		 "peer.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
