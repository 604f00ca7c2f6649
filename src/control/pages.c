#include "control/internal.h"

#include <string.h>

static void help(struct control *c, const char *value, struct control_answer *a);
static void ping(struct control *c, const char *value, struct control_answer *a);

/* The first match is used. */
static const struct control_page pages[] = {
	{"/info", NULL, false, "all figures and the state of the node, as JSON", control_tell_info},
	{"/metrics", NULL, false, "all figures in the Prometheus text format", control_metrics},
	{"/help", NULL, false, "this", help},
	{"/ping", NULL, false, "whether the node answers", ping},
	{"/cluster_describe", NULL, false,
		"the ring as this node sees it, as JSON: datacenters, racks, nodes, tokens, states",
		control_tell_describe},
	{"/get_consistency", NULL, false, "the consistency of reads and of writes",
		control_actions_get_consistency},
	{"/set_consistency", "{read,write}/{dc_one,dc_quorum,dc_safe_quorum,dc_each_safe_quorum}",
		true, "change it, until the node is restarted", control_actions_set_consistency},
	{"/setloglevel", "N", true, "log up to this level, 0 (emerg) to 11 (verbose)",
		control_actions_set_log_level},
	{"/loglevelup", NULL, true, "log one level more", control_actions_log_level_up},
	{"/logleveldown", NULL, true, "log one level less", control_actions_log_level_down},
	{"/peer", "{up,down,reset}/{NAME,all}", true,
		"take a node of the ring back into use, out of use, or close its connections "
		"and connect again",
		control_actions_peer},
	{"/state/get_state", NULL, false, "what the node does for its clients",
		control_actions_get_state},
	{"/state", "{normal,standby,writes_only,resuming}", true,
		"change it: all, nothing, only writes, only writes on the way back to normal",
		control_actions_set_state},
	{"/entropy/run", NULL, true, "start a round of the entropy channel now",
		control_actions_run_round},
	{"/entropy/reconcile", "{NAME,all}[/full]", true,
		"sessions with a node of the ring until all is settled; full: comparing every key",
		control_actions_reconcile},
	{"/entropy/conflicts", NULL, true, "the keys that stay different, as JSON",
		control_tell_conflicts},
	{"/entropy/pause", NULL, true, "end all sessions, and begin none", control_actions_pause},
	{"/entropy/resume", NULL, true, "have sessions again", control_actions_resume},
	{"/entropy", NULL, false, "what the entropy channel did, as JSON", control_tell_entropy},
};

#define N_PAGES (sizeof(pages) / sizeof(pages[0]))

const struct control_page *control_pages_find(const char *path, const char **value)
{
	*value = NULL;
	if (strcmp(path, "/") == 0)
		return &pages[0];
	for (size_t i = 0; i < N_PAGES; i++) {
		size_t len = strlen(pages[i].path);

		if (strncmp(path, pages[i].path, len) != 0)
			continue;
		if (path[len] == '\0')
			return &pages[i];
		if (path[len] == '/' && pages[i].values) {
			*value = path + len + 1;
			return &pages[i];
		}
	}
	return NULL;
}

static void help(struct control *c, const char *value, struct control_answer *a)
{
	(void)c;
	(void)value;
	for (size_t i = 0; i < N_PAGES; i++) {
		const struct control_page *p = &pages[i];

		fprintf(a->to, "%s%s%s\n    %s\n", p->path, p->values ? "/" : "",
			p->values ? p->values : "", p->help);
	}
}

static void ping(struct control *c, const char *value, struct control_answer *a)
{
	(void)c;
	(void)value;
	fputs("OK\n", a->to);
}

/* ---- What pages need ---- */

bool control_pages_need_proxy(const struct control *c, struct control_answer *a)
{
	if (!c->proxy)
		control_answer_refuse(
			a, 409, "no proxy runs here: the configuration has no listen");
	return c->proxy != NULL;
}

bool control_pages_need_healer(const struct control *c, struct control_answer *a)
{
	if (!c->healer)
		control_answer_refuse(a, 409,
			"no entropy channel runs here: the configuration has no "
			"recon_enabled: true");
	return c->healer != NULL;
}

bool control_pages_need_reconciler(const struct control *c, struct control_answer *a)
{
	if (!c->reconciler)
		control_answer_refuse(a, 409,
			"this node has no sessions: they need listen, recon_enabled: true, a "
			"recon_key_file and recon_protocol 2 or both");
	return c->reconciler != NULL;
}
