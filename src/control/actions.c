#include "base/consistency.h"
#include "base/log.h"
#include "base/number.h"
#include "control/internal.h"

#include <math.h>
#include <string.h>

/* ---- Consistency ---- */

#define LEVELS "dc_one, dc_quorum, dc_safe_quorum, dc_each_safe_quorum"

void control_actions_get_consistency(struct control *c, const char *value, struct control_answer *a)
{
	(void)value;
	if (control_pages_need_proxy(c, a))
		fprintf(a->to, "Read Consistency: %s\r\nWrite Consistency: %s\r\n",
			consistency_name(proxy_read_level(c->proxy)),
			consistency_name(proxy_write_level(c->proxy)));
}

/* The part of value after "WORD/", or NULL when it does not begin so. */
static const char *after(const char *value, const char *word)
{
	size_t len = strlen(word);

	return value && strncmp(value, word, len) == 0 && value[len] == '/' ? value + len + 1
									    : NULL;
}

void control_actions_set_consistency(struct control *c, const char *value, struct control_answer *a)
{
	const char *read = after(value, "read"), *write = after(value, "write");
	const char *level_text = read ? read : write;
	char shown[CONTROL_ANSWER_SHOWN_MAX];
	enum consistency level;

	if (!control_pages_need_proxy(c, a))
		return;
	if (!level_text) {
		control_answer_refuse(a, 400, "%s: allowed: read/LEVEL, write/LEVEL",
			control_answer_shown(value, shown));
		return;
	}
	if (!consistency_parse(level_text, &level)) {
		control_answer_refuse(a, 400, "%s: no such level; allowed: " LEVELS,
			control_answer_shown(level_text, shown));
		return;
	}
	if (read)
		proxy_set_read_level(c->proxy, level);
	else
		proxy_set_write_level(c->proxy, level);
	log_notice("control: %s consistency is now %s, set by %s", read ? "read" : "write",
		consistency_name(level), a->from);
	fputs("OK\n", a->to);
}

/* ---- The log ---- */

static void set_log_level(int level, struct control_answer *a)
{
	log_set_level(level);
	log_notice("control: log level is now %d, set by %s", log_get_level(), a->from);
	fprintf(a->to, "OK\nlog level %d (%s)\n", log_get_level(), log_level_name(log_get_level()));
}

void control_actions_set_log_level(struct control *c, const char *value, struct control_answer *a)
{
	char shown[CONTROL_ANSWER_SHOWN_MAX];
	uint64_t level;

	(void)c;
	if (!value || number_read(value, strlen(value), LOG_LEVEL_MAX, &level) != NUMBER_OK)
		control_answer_refuse(a, 400, "%s: no such log level; allowed: 0..%d",
			control_answer_shown(value, shown), LOG_LEVEL_MAX);
	else
		set_log_level((int)level, a);
}

void control_actions_log_level_up(struct control *c, const char *value, struct control_answer *a)
{
	(void)c;
	(void)value;
	set_log_level(log_get_level() + 1, a);
}

void control_actions_log_level_down(struct control *c, const char *value, struct control_answer *a)
{
	(void)c;
	(void)value;
	set_log_level(log_get_level() - 1, a);
}

/* ---- Peers ---- */

static const struct peer_action {
	const char *word;
	bool (*act)(struct proxy *p, const char *name);
	const char *done;
} peer_actions[] = {
	{"up", proxy_peer_up, "back in use"},
	{"down", proxy_peer_down, "out of use"},
	{"reset", proxy_peer_reset, "connections reset"},
};

static void refuse_peer(struct control *c, const char *name, struct control_answer *a)
{
	char shown[CONTROL_ANSWER_SHOWN_MAX];

	control_answer_refuse(
		a, 400, "%s: no such peer; allowed: all", control_answer_shown(name, shown));
	for (size_t i = 1; i < c->ring->n_nodes; i++)
		fprintf(a->to, "%s\n", c->ring->nodes[i].name);
}

void control_actions_peer(struct control *c, const char *value, struct control_answer *a)
{
	char shown[CONTROL_ANSWER_SHOWN_MAX];

	if (!control_pages_need_proxy(c, a))
		return;
	for (size_t i = 0; i < sizeof(peer_actions) / sizeof(peer_actions[0]); i++) {
		const char *name = after(value, peer_actions[i].word);

		if (!name)
			continue;
		if (!peer_actions[i].act(c->proxy, name)) {
			refuse_peer(c, name, a);
			return;
		}
		log_notice(
			"control: peer %s: %s, asked by %s", name, peer_actions[i].done, a->from);
		fputs("OK\n", a->to);
		return;
	}
	control_answer_refuse(a, 400,
		"%s: allowed: up/NAME, down/NAME, reset/NAME, and all for NAME",
		control_answer_shown(value, shown));
}

/* ---- The state of the node ---- */

static const enum proxy_state states[] = {
	PROXY_NORMAL,
	PROXY_STANDBY,
	PROXY_WRITES_ONLY,
	PROXY_RESUMING,
};

void control_actions_get_state(struct control *c, const char *value, struct control_answer *a)
{
	(void)value;
	if (control_pages_need_proxy(c, a))
		fprintf(a->to, "State: %s\n", proxy_state_name(proxy_get_state(c->proxy)));
}

void control_actions_set_state(struct control *c, const char *value, struct control_answer *a)
{
	char shown[CONTROL_ANSWER_SHOWN_MAX];

	if (!control_pages_need_proxy(c, a))
		return;
	for (size_t i = 0; value && i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(value, proxy_state_name(states[i])) != 0)
			continue;
		proxy_set_state(c->proxy, states[i]);
		log_notice("control: state is now %s, set by %s", value, a->from);
		fputs("OK\n", a->to);
		return;
	}
	control_answer_refuse(a, 400,
		"%s: no such state; allowed: get_state, normal, standby, writes_only, resuming",
		control_answer_shown(value, shown));
}

/* ---- The entropy channel ---- */

void control_actions_run_round(struct control *c, const char *value, struct control_answer *a)
{
	struct heal_schedule_figures schedule;

	(void)value;
	if (!control_pages_need_healer(c, a))
		return;
	healer_schedule(c->healer, &schedule);
	if (isnan(schedule.next_round)) {
		control_answer_refuse(a, 409,
			"there is no target that shares keys with this node: see dyn_seeds and "
			"recon_peers");
	} else if (!healer_run_now(c->healer)) {
		control_answer_refuse(a, 409,
			"a round to all targets is running already: ask again when it has ended");
	} else {
		log_notice("control: a round is started, asked by %s", a->from);
		fputs("OK\n", a->to);
	}
}

/* ---- Sessions ---- */

/* The index of a node in the ring; SIZE_MAX for "all"; 0, this node itself, when there is none. */
static size_t find_node(const struct control *c, const char *name, size_t len)
{
	if (len == strlen("all") && memcmp(name, "all", len) == 0)
		return SIZE_MAX;
	for (size_t i = 1; i < c->ring->n_nodes; i++)
		if (strlen(c->ring->nodes[i].name) == len &&
			memcmp(c->ring->nodes[i].name, name, len) == 0)
			return i;
	return 0;
}

void control_actions_reconcile(struct control *c, const char *value, struct control_answer *a)
{
	static const char full_word[] = "/full";
	size_t len = value ? strlen(value) : 0, full_len = sizeof(full_word) - 1, node;
	bool full = len > full_len && strcmp(value + len - full_len, full_word) == 0;

	if (!control_pages_need_reconciler(c, a))
		return;
	node = value ? find_node(c, value, full ? len - full_len : len) : 0;
	if (node == 0) {
		refuse_peer(c, value, a);
	} else if (reconciler_is_paused(c->reconciler)) {
		control_answer_refuse(a, 409, "sessions are paused: /entropy/resume ends that");
	} else if (!reconciler_run(c->reconciler, node, full)) {
		control_answer_refuse(a, 409, "no such node owns keys of this one");
	} else {
		log_notice("control: sessions%s with %s now, asked by %s",
			full ? " that compare every key" : "",
			node == SIZE_MAX ? "all" : c->ring->nodes[node].name, a->from);
		fputs("OK\n", a->to);
	}
}

static void set_paused(struct control *c, bool pause, struct control_answer *a)
{
	if (!control_pages_need_reconciler(c, a))
		return;
	reconciler_pause(c->reconciler, pause);
	log_notice("control: sessions are %s, asked by %s",
		pause ? "paused: what nodes miss stays missing" : "held again", a->from);
	fputs("OK\n", a->to);
}

void control_actions_pause(struct control *c, const char *value, struct control_answer *a)
{
	(void)value;
	set_paused(c, true, a);
}

void control_actions_resume(struct control *c, const char *value, struct control_answer *a)
{
	(void)value;
	set_paused(c, false, a);
}
