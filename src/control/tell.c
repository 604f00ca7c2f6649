#include "control/internal.h"

#include "base/shown.h"

#include <time.h>
#include <unistd.h>

static void begin(struct json *j, struct control_answer *a)
{
	a->type = "application/json";
	json_init(j, a->to);
	json_open_object(j, NULL);
}

static void end(struct json *j)
{
	json_close_object(j);
	fputc('\n', j->to);
}

/* ---- The entropy channel ---- */

static void write_target(struct json *j, const struct heal_ledger_target *t)
{
	const char *outcome = heal_ledger_outcome_word(t->outcome);

	json_open_object(j, NULL);
	json_text(j, "peer", t->endpoint);
	json_text(j, "outcome", t->figures.rounds > 0 ? outcome : NULL);
	json_text(j, "error", t->message[0] ? t->message : NULL);
	control_figures_write_json(j, FIGURES_TARGET, &t->figures);
	json_number(j, "not_carried", t->not_carried);
	json_close_object(j);
}

static void write_sender(struct json *j, const struct heal_ledger_sender *s)
{
	json_open_object(j, NULL);
	json_text(j, "sender", s->address);
	json_bool(j, "last_ok", s->last_ok);
	json_text(j, "error", s->message[0] ? s->message : NULL);
	control_figures_write_json(j, FIGURES_SENDER, &s->figures);
	json_close_object(j);
}

static void write_ledger(struct json *j, struct heal_ledger *l)
{
	struct heal_ledger_target target;
	struct heal_ledger_sender sender;

	json_open_array(j, "peers");
	for (size_t i = 0; heal_ledger_copy_target(l, i, &target); i++)
		write_target(j, &target);
	json_close_array(j);
	json_open_array(j, "senders");
	for (size_t i = 0; heal_ledger_copy_sender(l, i, &sender); i++)
		write_sender(j, &sender);
	json_close_array(j);
}

static void write_state(struct json *j, const struct state *s)
{
	if (!s)
		return;
	json_text(j, "identity", state_identity(s));
	json_number(j, "stamp_number", state_number(s));
}

static void write_session_peer(
	struct json *j, const struct ring_node *node, const struct reconciler_peer *p)
{
	json_open_object(j, NULL);
	json_text(j, "peer", node->name);
	json_text(j, "mode", p->why_full ? "full" : "journal");
	json_text(j, "why", p->why_full);
	json_text(j, "error", p->why_failed);
	control_figures_write_json(j, FIGURES_SESSION, &p->figures);
	json_close_object(j);
}

static void write_sessions(struct json *j, const struct control *c)
{
	struct repair_figures all;
	struct reconciler_peer peer;

	json_open_object(j, "sessions");
	json_bool(j, "enabled", c->reconciler != NULL);
	if (c->reconciler) {
		reconciler_count(c->reconciler, &all);
		json_text(j, "condition", reconciler_condition(c->reconciler));
		control_figures_write_json(j, FIGURES_SESSIONS, &all);
		json_open_array(j, "with");
		for (size_t i = 1; i < c->ring->n_nodes; i++)
			if (reconciler_peer(c->reconciler, i, &peer))
				write_session_peer(j, &c->ring->nodes[i], &peer);
		json_close_array(j);
	}
	json_close_object(j);
}

/* Written into the open object. */
static void write_entropy(struct json *j, const struct control *c)
{
	struct heal_schedule_figures schedule;
	struct heal_figures figures;

	json_bool(j, "enabled", c->healer != NULL);
	if (!c->healer)
		return;
	healer_figures(c->healer, &figures);
	healer_schedule(c->healer, &schedule);
	write_state(j, healer_state(c->healer));
	json_number(j, "interval_seconds", (uint64_t)c->conf->recon_interval_seconds);
	control_figures_write_json(j, FIGURES_SCHEDULE, &schedule);
	control_figures_write_json(j, FIGURES_ENTROPY, &figures);
	write_ledger(j, healer_ledger(c->healer));
	write_sessions(j, c);
}

/* ---- Keys ---- */

static const char *why_word(enum recon_unsettled why)
{
	switch (why) {
	case RECON_CONFLICT:
		return "conflict";
	case RECON_REFUSED:
		return "refused";
	case RECON_TOO_LARGE:
		return "too_large";
	}
	return "?";
}

static void write_conflict(struct json *j, const struct unsettled_key *k, const char *peer)
{
	char shown[UNSETTLED_KEY_BYTES * SHOWN_ESCAPE + 1];

	json_open_object(j, NULL);
	json_text(j, "key",
		shown_escaped(k->key, k->len < UNSETTLED_KEY_BYTES ? k->len : UNSETTLED_KEY_BYTES,
			shown, sizeof(shown)));
	json_number(j, "key_len", k->len);
	json_text(j, "peer", peer);
	json_text(j, "why", why_word(k->why));
	json_number(j, "times", k->times);
	json_real(j, "first", k->first_at);
	json_real(j, "found", k->found_at);
	json_close_object(j);
}

void control_tell_conflicts(struct control *c, const char *value, struct control_answer *a)
{
	const struct unsettled_key *k = NULL;
	struct json j;
	size_t node;

	(void)value;
	if (!control_pages_need_reconciler(c, a))
		return;
	begin(&j, a);
	json_number(&j, "timestamp", (uint64_t)time(NULL));
	json_open_array(&j, "keys");
	while ((k = reconciler_next_unsettled(c->reconciler, k, &node)) != NULL)
		write_conflict(&j, k, c->ring->nodes[node].name);
	json_close_array(&j);
	end(&j);
}

void control_tell_entropy(struct control *c, const char *value, struct control_answer *a)
{
	struct json j;

	(void)value;
	begin(&j, a);
	write_entropy(&j, c);
	end(&j);
}

/* ---- The node ---- */

static void write_identity(struct json *j, const struct control *c)
{
	char host[256] = "";
	struct figures_node s;

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	control_server_figures(c, &s);
	json_text(j, "service", "dynomite");
	json_text(j, "source", host);
	json_text(j, "version", DYN_ENTROPY_VERSION);
	json_number(j, "timestamp", (uint64_t)time(NULL));
	json_text(j, "rack", c->conf->rack);
	json_text(j, "dc", c->conf->datacenter);
	if (c->proxy) {
		json_text(j, "state", proxy_state_name(proxy_get_state(c->proxy)));
		json_text(j, "read_consistency", consistency_name(proxy_read_level(c->proxy)));
		json_text(j, "write_consistency", consistency_name(proxy_write_level(c->proxy)));
	}
	control_figures_write_json(j, FIGURES_NODE, &s);
}

/* As Dynomite: the proxy under the root key of the configuration, the datastore below it by name.
 */
static void write_pool(struct json *j, const struct control *c)
{
	const struct conf_server *server = &c->conf->servers[0];
	struct replica_figures store;
	struct proxy_figures pool;

	proxy_count(c->proxy, &pool);
	proxy_count_replica(c->proxy, 0, &store);
	json_open_object(j, c->conf->root);
	control_figures_write_json(j, FIGURES_POOL, &pool);
	json_open_object(j, server->name ? server->name : server->address);
	control_figures_write_json(j, FIGURES_STORE, &store);
	json_close_object(j);
	json_close_object(j);
}

static void write_peers(struct json *j, const struct control *c)
{
	json_open_array(j, "peers");
	for (size_t i = 1; i < c->ring->n_nodes; i++) {
		const struct ring_node *node = &c->ring->nodes[i];
		const struct ring_rack *rack = &c->ring->racks[node->rack];
		struct replica_figures s;

		proxy_count_replica(c->proxy, i, &s);
		json_open_object(j, NULL);
		json_text(j, "name", node->name);
		json_text(j, "rack", rack->name);
		json_text(j, "dc", c->ring->dcs[rack->dc].name);
		json_text(j, "state", proxy_node_state(c->proxy, i));
		control_figures_write_json(j, FIGURES_PEER, &s);
		json_close_object(j);
	}
	json_close_array(j);
}

void control_tell_info(struct control *c, const char *value, struct control_answer *a)
{
	struct json j;

	(void)value;
	begin(&j, a);
	write_identity(&j, c);
	if (c->proxy) {
		write_pool(&j, c);
		write_peers(&j, c);
	}
	json_open_object(&j, "entropy");
	write_entropy(&j, c);
	json_close_object(&j);
	end(&j);
}

/* ---- The ring ---- */

static void write_node(struct json *j, const struct control *c, size_t i)
{
	const struct ring_node *node = &c->ring->nodes[i];

	json_open_object(j, NULL);
	json_text(j, "name", node->name);
	json_text(j, "host", node->addr.host);
	json_number(j, "port", node->addr.port);
	if (node->n_tokens > 0)
		json_number(j, "token", node->tokens[0]);
	json_open_array(j, "tokens");
	for (size_t t = 0; t < node->n_tokens; t++)
		json_number(j, NULL, node->tokens[t]);
	json_close_array(j);
	json_bool(j, "local", node->is_local);
	json_text(j, "state", proxy_node_state(c->proxy, i));
	json_close_object(j);
}

static void write_rack(struct json *j, const struct control *c, size_t rack)
{
	json_open_object(j, NULL);
	json_text(j, "name", c->ring->racks[rack].name);
	json_open_array(j, "servers");
	for (size_t i = 0; i < c->ring->n_nodes; i++)
		if (c->ring->nodes[i].rack == rack)
			write_node(j, c, i);
	json_close_array(j);
	json_close_object(j);
}

void control_tell_describe(struct control *c, const char *value, struct control_answer *a)
{
	struct json j;

	(void)value;
	if (!control_pages_need_proxy(c, a))
		return;
	begin(&j, a);
	json_open_array(&j, "dcs");
	for (size_t d = 0; d < c->ring->n_dcs; d++) {
		const struct ring_dc *dc = &c->ring->dcs[d];

		json_open_object(&j, NULL);
		json_text(&j, "name", dc->name);
		json_open_array(&j, "racks");
		for (size_t r = 0; r < dc->n_racks; r++)
			write_rack(&j, c, dc->racks[r]);
		json_close_array(&j);
		json_close_object(&j);
	}
	json_close_array(&j);
	end(&j);
}
