#include "control/internal.h"

#include <stdlib.h>

#define LABELS_MAX 3

/* The samples of one scope; their values are the caller's. */
struct family {
	struct figures_sample *samples; /* n */
	struct figures_label *labels;   /* LABELS_MAX each */
};

static bool family_init(struct family *f, size_t n)
{
	f->samples = calloc(n + 1, sizeof(*f->samples));
	f->labels = calloc(n + 1, LABELS_MAX * sizeof(*f->labels));
	for (size_t i = 0; f->samples && i < n; i++)
		f->samples[i].labels = f->labels + i * LABELS_MAX;
	return f->samples && f->labels;
}

static void family_fini(struct family *f)
{
	free(f->samples);
	free(f->labels);
}

static void add_label(struct family *f, size_t i, const char *name, const char *value)
{
	struct figures_label *labels = f->labels + i * LABELS_MAX;

	labels[f->samples[i].n_labels++] = (struct figures_label){name, value};
}

/* ---- Scopes with one instance ---- */

static void write_one(FILE *to, enum figures_scope scope, const void *values)
{
	const struct figures_sample sample = {.values = values};

	control_figures_write_metrics(to, scope, &sample, 1);
}

static void write_node(const struct control *c, FILE *to)
{
	const struct figures_label labels[] = {
		{"version", DYN_ENTROPY_VERSION},
		{"dc", c->conf->datacenter},
		{"rack", c->conf->rack},
		{"state", c->proxy ? proxy_state_name(proxy_get_state(c->proxy)) : "none"},
	};
	const struct figures_identity identity = {.info = 1};
	const struct figures_sample sample = {
		.labels = labels,
		.n_labels = sizeof(labels) / sizeof(labels[0]),
		.values = &identity,
	};
	struct figures_node node;

	control_figures_write_metrics(to, FIGURES_IDENTITY, &sample, 1);
	control_server_figures(c, &node);
	write_one(to, FIGURES_NODE, &node);
}

static void write_proxy(const struct control *c, FILE *to)
{
	struct replica_figures store;
	struct proxy_figures pool;

	proxy_count(c->proxy, &pool);
	write_one(to, FIGURES_POOL, &pool);
	proxy_count_replica(c->proxy, 0, &store);
	write_one(to, FIGURES_STORE, &store);
}

static void write_entropy(const struct control *c, FILE *to)
{
	struct heal_schedule_figures schedule;
	struct heal_figures figures;

	healer_figures(c->healer, &figures);
	write_one(to, FIGURES_ENTROPY, &figures);
	healer_schedule(c->healer, &schedule);
	write_one(to, FIGURES_SCHEDULE, &schedule);
}

/* ---- Scopes with several instances; false when memory is short ---- */

static bool write_peers(const struct control *c, FILE *to)
{
	const struct ring *ring = c->ring;
	size_t n = ring->n_nodes - 1;
	struct replica_figures *peers = calloc(n + 1, sizeof(*peers));
	struct family f = {0};
	bool ok = peers && family_init(&f, n);

	for (size_t i = 0; ok && i < n; i++) {
		const struct ring_node *node = &ring->nodes[i + 1];
		const struct ring_rack *rack = &ring->racks[node->rack];

		proxy_count_replica(c->proxy, i + 1, &peers[i]);
		f.samples[i].values = &peers[i];
		add_label(&f, i, "peer", node->name);
		add_label(&f, i, "peer_rack", rack->name);
		add_label(&f, i, "peer_dc", ring->dcs[rack->dc].name);
	}
	if (ok)
		control_figures_write_metrics(to, FIGURES_PEER, f.samples, n);
	family_fini(&f);
	free(peers);
	return ok;
}

static bool write_targets(const struct control *c, FILE *to)
{
	struct heal_ledger *ledger = healer_ledger(c->healer);
	size_t n = heal_ledger_n_targets(ledger);
	struct heal_ledger_target *targets = calloc(n + 1, sizeof(*targets));
	struct family f = {0};
	bool ok = targets && family_init(&f, n);

	for (size_t i = 0; ok && i < n && heal_ledger_copy_target(ledger, i, &targets[i]); i++) {
		f.samples[i].values = &targets[i].figures;
		add_label(&f, i, "peer", targets[i].endpoint);
	}
	if (ok)
		control_figures_write_metrics(to, FIGURES_TARGET, f.samples, n);
	family_fini(&f);
	free(targets);
	return ok;
}

static bool write_senders(const struct control *c, FILE *to)
{
	struct heal_ledger *ledger = healer_ledger(c->healer);
	size_t n = heal_ledger_n_senders(ledger); /* it may grow meanwhile, never shrink */
	struct heal_ledger_sender *senders = calloc(n + 1, sizeof(*senders));
	struct family f = {0};
	bool ok = senders && family_init(&f, n);

	for (size_t i = 0; ok && i < n && heal_ledger_copy_sender(ledger, i, &senders[i]); i++) {
		f.samples[i].values = &senders[i].figures;
		add_label(&f, i, "sender", senders[i].address);
	}
	if (ok)
		control_figures_write_metrics(to, FIGURES_SENDER, f.samples, n);
	family_fini(&f);
	free(senders);
	return ok;
}

static bool write_sessions(const struct control *c, FILE *to)
{
	const struct ring *ring = c->ring;
	struct reconciler_peer *peers = calloc(ring->n_nodes, sizeof(*peers));
	struct repair_figures all;
	struct family f = {0};
	bool ok = peers && family_init(&f, ring->n_nodes);
	size_t n = 0;

	for (size_t i = 1; ok && i < ring->n_nodes; i++) {
		const struct ring_node *node = &ring->nodes[i];
		const struct ring_rack *rack = &ring->racks[node->rack];

		if (!reconciler_peer(c->reconciler, i, &peers[n]))
			continue;
		f.samples[n].values = &peers[n].figures;
		add_label(&f, n, "peer", node->name);
		add_label(&f, n, "peer_rack", rack->name);
		add_label(&f, n, "peer_dc", ring->dcs[rack->dc].name);
		n++;
	}
	if (ok) {
		reconciler_count(c->reconciler, &all);
		write_one(to, FIGURES_SESSIONS, &all);
		control_figures_write_metrics(to, FIGURES_SESSION, f.samples, n);
	}
	family_fini(&f);
	free(peers);
	return ok;
}

void control_metrics(struct control *c, const char *value, struct control_answer *a)
{
	bool ok = true;

	(void)value;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	write_node(c, a->to);
	if (c->proxy) {
		write_proxy(c, a->to);
		ok = write_peers(c, a->to);
	}
	if (c->healer) {
		write_entropy(c, a->to);
		ok = ok && write_targets(c, a->to) && write_senders(c, a->to);
	}
	if (c->reconciler)
		ok = ok && write_sessions(c, a->to);
	if (!ok)
		control_answer_refuse(a, 500, "out of memory");
}
