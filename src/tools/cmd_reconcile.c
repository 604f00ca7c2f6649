#include "base/clock.h"
#include "repair/figures.h"
#include "tools/page.h"
#include "tools/progress.h"
#include "tools/tool.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COMMAND        "reconcile"
#define LOOK_EVERY_NS  200000000
#define DEFAULT_WAIT_S 600
#define LABEL_MAX      64

#define SESSION(field) FIGURE_NAME(repair_peer_figures, field)

struct settings {
	struct page_settings page; /* first */
	bool full;
	struct option_number wait_s;
};

static const struct option options[] = {
	PAGE_OPTIONS,
	{0, "full", NULL, "compare every key, not only recent writes", OPTION_FLAG,
		offsetof(struct settings, full), 0, 0, 0},
	{0, "wait", "SECONDS", "give up after this long", OPTION_NUMBER,
		offsetof(struct settings, wait_s), 1, 1000000, DEFAULT_WAIT_S},
};

/* What the sessions with the peers have done since the node was started. */
struct done {
	size_t peers, settled;
	double compared, changed, repaired, given, unsettled, bytes;
};

struct work {
	const struct settings *settings;
	struct addr from;
	const char *peer; /* NULL: all */
	struct buf page;  /* the last look */
	struct done before, now;
	char label[LABEL_MAX];
	struct progress progress;
};

/* ---- What the node tells ---- */

static bool is_chosen(const struct work *w, const struct json_view *peer)
{
	char name[PAGE_TEXT_MAX];

	return !w->peer || strcmp(page_text(peer, "peer", name), w->peer) == 0;
}

static void add(struct done *d, const struct json_view *peer)
{
	d->peers++;
	d->settled += !page_is_true(peer, SESSION(asked));
	d->compared += page_number(peer, SESSION(keys_compared));
	d->changed += page_number(peer, SESSION(keys_changed));
	d->repaired += page_number(peer, SESSION(keys_repaired));
	d->given += page_number(peer, SESSION(keys_given));
	d->unsettled += page_number(peer, SESSION(keys_unsettled));
	d->bytes +=
		page_number(peer, SESSION(bytes_sent)) + page_number(peer, SESSION(bytes_received));
}

/* The first peer of the last look; false: there is none. */
static bool first_peer(const struct work *w, struct json_view *peer)
{
	struct json_view all, sessions, with;

	return json_view_init(&all, (const char *)buf_head(&w->page), buf_len(&w->page)) &&
	       json_view_member(&all, "sessions", &sessions) &&
	       json_view_member(&sessions, "with", &with) && json_view_first(&with, peer);
}

static bool look(struct work *w)
{
	struct json_view peer;

	buf_consume(&w->page, buf_len(&w->page));
	if (!page_get(COMMAND, &w->settings->page, &w->from, "/entropy", &w->page))
		return false;
	w->now = (struct done){0};
	if (first_peer(w, &peer))
		do {
			if (is_chosen(w, &peer))
				add(&w->now, &peer);
		} while (json_view_next(&peer));
	return true;
}

/* ---- Asking and waiting ---- */

/* Ask for sessions; the node says so when there can be none. */
static bool ask(const struct work *w)
{
	struct buf answer = {0};
	char path[PAGE_TEXT_MAX];
	bool ok = false;

	if (snprintf(path, sizeof(path), "/entropy/reconcile/%s%s", w->peer ? w->peer : "all",
		    w->settings->full ? "/full" : "") >= (int)sizeof(path))
		tool_error(COMMAND ": the name of the peer is too long");
	else
		ok = page_get(COMMAND, &w->settings->page, &w->from, path, &answer);
	buf_fini(&answer);
	return ok;
}

static uint64_t grown(double now, double before)
{
	return now > before ? (uint64_t)(now - before) : 0;
}

static void show_progress(struct work *w)
{
	const struct progress_state state = {
		.keys = grown(w->now.compared, w->before.compared),
		.bytes = grown(w->now.bytes, w->before.bytes),
	};

	snprintf(w->label, sizeof(w->label),
		COMMAND ": %zu of %zu settled, %" PRIu64 " repaired, %" PRIu64 " there",
		w->now.settled, w->now.peers, grown(w->now.repaired, w->before.repaired),
		grown(w->now.given, w->before.given));
	progress_update(&w->progress, &state);
}

/* Until all is settled, or for as long as the command may wait. */
static bool wait_settled(struct work *w, int64_t deadline_ms)
{
	const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
	bool ok = true;

	progress_begin(&w->progress,
		progress_style_choose(w->settings->page.json, w->settings->page.quiet), w->label);
	while (ok && w->now.settled < w->now.peers) {
		nanosleep(&pause, NULL); /* a signal ends it */
		if (dyn_entropy_cancel_is_set(tool_cancel())) {
			tool_error(COMMAND ": interrupted; the node goes on");
			ok = false;
		} else if (clock_monotonic_ms() > deadline_ms) {
			tool_error(COMMAND ": not everything is settled in the time given by "
					   "--wait; the node goes on");
			ok = false;
		} else {
			ok = look(w);
			show_progress(w);
		}
	}
	progress_clear(&w->progress);
	return ok;
}

/* ---- The result ---- */

static void write_peers(const struct work *w)
{
	struct json_view peer;

	if (!first_peer(w, &peer))
		return;
	do {
		char name[PAGE_TEXT_MAX], error[PAGE_TEXT_MAX];
		const char *state = page_is_true(&peer, SESSION(asked)) ? "NOT settled" : "settled";

		if (!is_chosen(w, &peer))
			continue;
		printf("%-32s %s\n", page_text(&peer, "peer", name), state);
		if (strcmp(page_text(&peer, "error", error), "-") != 0)
			printf("    the last session failed: %s\n", error);
	} while (json_view_next(&peer));
}

static void write_result(const struct work *w, bool ok)
{
	uint64_t compared = grown(w->now.compared, w->before.compared);
	uint64_t repaired = grown(w->now.repaired, w->before.repaired);
	uint64_t given = grown(w->now.given, w->before.given);
	uint64_t unsettled = grown(w->now.unsettled, w->before.unsettled);
	struct json j;

	if (w->settings->page.json) {
		tool_result_begin(&j, COMMAND, ok);
		json_number(&j, "peers", w->now.peers);
		json_number(&j, "settled", w->now.settled);
		json_number(&j, "keys_compared", compared);
		json_number(&j, "keys_repaired", repaired);
		json_number(&j, "keys_given", given);
		json_number(&j, "keys_unsettled", unsettled);
		json_number(&j, "bytes", grown(w->now.bytes, w->before.bytes));
		json_end(&j);
	} else if (!w->settings->page.quiet) {
		write_peers(w);
		printf("%" PRIu64 " keys compared, %" PRIu64 " repaired here, %" PRIu64
		       " there, %" PRIu64 " stay different\n",
			compared, repaired, given, unsettled);
	}
	if (unsettled > 0)
		tool_error(COMMAND ": %" PRIu64 " keys stay different", unsettled);
}

static int reconcile(struct work *w)
{
	uint64_t wait_s = w->settings->wait_s.given ? w->settings->wait_s.value : DEFAULT_WAIT_S;
	int64_t deadline_ms = clock_monotonic_ms() + (int64_t)wait_s * 1000;
	bool ok = look(w);

	w->before = w->now;
	ok = ok && ask(w) && look(w);
	if (ok)
		ok = wait_settled(w, deadline_ms);
	ok = ok && !(w->now.unsettled > w->before.unsettled);
	write_result(w, ok);
	buf_fini(&w->page);
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static int run(const void *settings, const char *const *operands)
{
	struct work w = {.settings = settings, .peer = operands[0]};
	int code = page_choose(COMMAND, &w.settings->page, &w.from);

	return code == TOOL_EXIT_OK ? reconcile(&w) : code;
}

const struct subcommand cmd_reconcile = {
	.name = COMMAND,
	.operands = "[PEER]",
	.n_optional = 1,
	.summary = "Have a node hold sessions with its peers now, until all is settled.",
	.about = "PEER is a node of the ring as 'status' names it; without it all are meant that "
		 "own\n"
		 "keys of the node.  It waits until everything that had been written when it began "
		 "is\n"
		 "settled, which takes some seconds more than the node's timeout.\n"
		 "Exits with 0 if all is settled and no key stays different.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
