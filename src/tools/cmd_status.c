#include "base/json.h"
#include "base/json_view.h"
#include "control/figures.h"
#include "heal/figures.h"
#include "proxy/figures.h"
#include "repair/figures.h"
#include "tools/page.h"
#include "tools/progress.h"
#include "tools/tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TARGET(field)   FIGURE_NAME(heal_target_figures, field)
#define SENDER(field)   FIGURE_NAME(heal_sender_figures, field)
#define SESSIONS(field) FIGURE_NAME(repair_figures, field)
#define SESSION(field)  FIGURE_NAME(repair_peer_figures, field)

static const struct option options[] = {PAGE_OPTIONS};

/* ---- Values ---- */

static const char *bytes(
	const struct json_view *object, const char *name, char out[PROGRESS_TEXT_MAX])
{
	double n = page_number(object, name);

	return n >= 0 ? progress_bytes(n, out) : "-";
}

static const char *duration(double seconds, char out[PROGRESS_TEXT_MAX])
{
	return seconds >= 0 ? progress_duration(seconds, out) : "-";
}

/* The seconds since a time in the page, by the node's own clock. */
static double ago(const struct json_view *info, const struct json_view *object, const char *name)
{
	double seconds = page_number(info, "timestamp") - page_number(object, name);

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
		if (page_number(&peer, TARGET(rounds)) > 0 && !page_is_true(&peer, TARGET(last_ok)))
			well = false;
	} while (json_view_next(&peer));
	return well;
}

/* What of the sessions is not as it should be; NULL: nothing, or there are none. */
static const char *session_trouble(const struct json_view *entropy)
{
	struct json_view sessions;

	if (!json_view_member(entropy, "sessions", &sessions) ||
		!page_is_true(&sessions, "enabled"))
		return NULL;
	if (page_is_true(&sessions, SESSIONS(catching_up)))
		return "this node lacks data, or does not know whether it does";
	if (page_number(&sessions, SESSIONS(peers_settled)) <
		page_number(&sessions, SESSIONS(peers)))
		return "not everything is settled with every peer";
	return NULL;
}

/* ---- Text output ---- */

static void write_node(const struct json_view *info)
{
	char version[PAGE_TEXT_MAX], source[PAGE_TEXT_MAX], rack[PAGE_TEXT_MAX], dc[PAGE_TEXT_MAX],
		state[PAGE_TEXT_MAX];
	char up[PROGRESS_TEXT_MAX];

	printf("dynomite %s on %s, up %s, datacenter %s, rack %s",
		page_text(info, "version", version), page_text(info, "source", source),
		duration(page_number(info, FIGURE_NAME(figures_node, uptime)), up),
		page_text(info, "dc", dc), page_text(info, "rack", rack));
	if (strcmp(page_text(info, "state", state), "-") != 0)
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
		char name[PAGE_TEXT_MAX], dc[PAGE_TEXT_MAX], rack[PAGE_TEXT_MAX],
			state[PAGE_TEXT_MAX];
		char missed[PROGRESS_TEXT_MAX];

		printf("%-32s %-12s %-12s %-10s %13s\n", page_text(&peer, "name", name),
			page_text(&peer, "dc", dc), page_text(&peer, "rack", rack),
			page_text(&peer, "state", state),
			page_count(&peer, FIGURE_NAME(replica_figures, missed_writes), missed));
	} while (json_view_next(&peer));
}

static void write_identity(const struct json_view *entropy)
{
	char identity[PAGE_TEXT_MAX], number[PROGRESS_TEXT_MAX];

	if (strcmp(page_text(entropy, "identity", identity), "-") != 0)
		printf("\nidentity %s, number %s in stamps\n", identity,
			page_count(entropy, "stamp_number", number));
}

static void write_rounds(const struct json_view *entropy)
{
	char rounds[PROGRESS_TEXT_MAX], skipped[PROGRESS_TEXT_MAX], next[PROGRESS_TEXT_MAX];
	double seconds = page_number(entropy, FIGURE_NAME(heal_schedule_figures, next_round));

	printf("\nentropy channel: %s rounds, %s skipped, ",
		page_count(entropy, FIGURE_NAME(heal_figures, rounds), rounds),
		page_count(entropy, FIGURE_NAME(heal_figures, rounds_skipped), skipped));
	if (page_is_true(entropy, FIGURE_NAME(heal_schedule_figures, running)))
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
		char name[PAGE_TEXT_MAX], outcome[PAGE_TEXT_MAX], error[PAGE_TEXT_MAX];
		char rounds[PROGRESS_TEXT_MAX], failed[PROGRESS_TEXT_MAX], keys[PROGRESS_TEXT_MAX];
		char sent[PROGRESS_TEXT_MAX], since[PROGRESS_TEXT_MAX], took[PROGRESS_TEXT_MAX];

		printf("%-32s %7s %7s %13s %10s  ", page_text(&peer, "peer", name),
			page_count(&peer, TARGET(rounds), rounds),
			page_count(&peer, TARGET(rounds_failed), failed),
			page_count(&peer, TARGET(keys_sent), keys),
			bytes(&peer, TARGET(bytes_sent), sent));
		if (page_number(&peer, TARGET(rounds)) > 0)
			printf("%s ago, %s, took %s\n",
				duration(ago(info, &peer, TARGET(last_round)), since),
				page_text(&peer, "outcome", outcome),
				duration(page_number(&peer, TARGET(last_seconds)), took));
		else
			puts("none yet");
		if (strcmp(page_text(&peer, "error", error), "-") != 0)
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
		char name[PAGE_TEXT_MAX], error[PAGE_TEXT_MAX];
		char snapshots[PROGRESS_TEXT_MAX], failed[PROGRESS_TEXT_MAX];
		char applied[PROGRESS_TEXT_MAX], kept[PROGRESS_TEXT_MAX];
		char left_alone[PROGRESS_TEXT_MAX];
		char refused[PROGRESS_TEXT_MAX], got[PROGRESS_TEXT_MAX], since[PROGRESS_TEXT_MAX];

		printf("%-32s %9s %7s %13s %13s %10s %8s %10s  %s ago\n",
			page_text(&sender, "sender", name),
			page_count(&sender, SENDER(snapshots_committed), snapshots),
			page_count(&sender, SENDER(connections_failed), failed),
			page_count(&sender, SENDER(applied), applied),
			page_count(&sender, SENDER(kept), kept),
			page_count(&sender, SENDER(left_alone), left_alone),
			page_count(&sender, SENDER(failed), refused),
			bytes(&sender, SENDER(bytes_received), got),
			duration(ago(info, &sender, SENDER(last_connection)), since));
		if (strcmp(page_text(&sender, "error", error), "-") != 0)
			printf("    %s\n", error);
	} while (json_view_next(&sender));
}

/* How far everything is settled with a peer. */
static void write_settled(const struct json_view *peer)
{
	double age = page_number(peer, SESSION(settled_age));
	char text[PROGRESS_TEXT_MAX];

	if (isnan(age))
		fputs("nothing is settled yet", stdout);
	else if (page_is_true(peer, SESSION(settled)))
		printf("settled but for the last %s", progress_duration(age, text));
	else
		printf("NOT settled: nothing newer than %s ago is", progress_duration(age, text));
}

static void write_session_peer(const struct json_view *info, const struct json_view *peer)
{
	char name[PAGE_TEXT_MAX], why[PAGE_TEXT_MAX], error[PAGE_TEXT_MAX];
	char here[PROGRESS_TEXT_MAX], there[PROGRESS_TEXT_MAX], differ[PROGRESS_TEXT_MAX];
	char since[PROGRESS_TEXT_MAX];

	printf("%-32s ", page_text(peer, "peer", name));
	write_settled(peer);
	printf("; repaired %s keys here, %s there, %s stay different",
		page_count(peer, SESSION(keys_repaired), here),
		page_count(peer, SESSION(keys_given), there),
		page_count(peer, SESSION(keys_unsettled), differ));
	if (page_is_true(peer, SESSION(running)))
		fputs("; a session runs", stdout);
	else if (page_number(peer, SESSION(last_session)) > 0)
		printf("; last session %s ago",
			duration(ago(info, peer, SESSION(last_session)), since));
	else
		fputs("; no session yet", stdout);
	putchar('\n');
	if (page_is_true(peer, SESSION(full)))
		printf("    every key is compared: %s\n", page_text(peer, "why", why));
	if (strcmp(page_text(peer, "error", error), "-") != 0)
		printf("    the last session failed: %s\n", error);
}

static void write_sessions(const struct json_view *info, const struct json_view *entropy)
{
	struct json_view sessions, peers, peer;
	char condition[PAGE_TEXT_MAX];

	if (!json_view_member(entropy, "sessions", &sessions) ||
		!page_is_true(&sessions, "enabled"))
		return;
	printf("\nsessions: this node %s%s\n", page_text(&sessions, "condition", condition),
		page_is_true(&sessions, SESSIONS(paused))
			? "; PAUSED: 'dyn-entropy resume' ends that"
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
	if (!page_is_true(entropy, "enabled")) {
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

static int show(const struct page_settings *s, const struct addr *from)
{
	struct json_view info, entropy;
	char address[ADDR_TEXT_MAX];
	struct buf page = {0};
	bool ok = false, pushed;
	const char *trouble;

	addr_format(from, address, sizeof(address));
	if (!page_get("status", s, from, "/info", &page) || !look(&page, address, &info, &entropy))
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
	const struct page_settings *s = settings;
	struct addr from;
	int code = page_choose("status", s, &from);

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
	.settings_size = sizeof(struct page_settings),
	.run = run,
};
