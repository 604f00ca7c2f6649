#include "control/figures.h"

#include <inttypes.h>
#include <math.h>

static const struct figure identity[] = {
	FIGURE(figures_identity, info, FIGURE_FLAG, "info", "boolean",
		"always 1; the labels give version, datacenter, rack and state"),
};

static const struct figure_table identity_table = FIGURE_TABLE("The node", identity);

static const struct figure process[] = {
	FIGURE(figures_node, uptime, FIGURE_GAUGE, "uptime_seconds", "seconds",
		"since the node was started"),
	FIGURE(figures_node, resident_bytes, FIGURE_GAUGE, "resident_memory_bytes", "bytes",
		"of memory in use"),
	FIGURE(figures_node, stats_count, FIGURE_COUNTER, "stats_requests_total", "requests",
		"for statistics and controls"),
};

static const struct figure_table process_table = FIGURE_TABLE("The process", process);

static const struct figure_table *const tables[FIGURES_N_SCOPES] = {
	[FIGURES_IDENTITY] = &identity_table,
	[FIGURES_NODE] = &process_table,
	[FIGURES_POOL] = &proxy_figures_pool,
	[FIGURES_STORE] = &proxy_figures_datastore,
	[FIGURES_PEER] = &proxy_figures_peer,
	[FIGURES_ENTROPY] = &heal_figures_channel,
	[FIGURES_SCHEDULE] = &heal_figures_schedule,
	[FIGURES_TARGET] = &heal_figures_target,
	[FIGURES_SENDER] = &heal_figures_sender,
	[FIGURES_SESSIONS] = &repair_figures_all,
	[FIGURES_SESSION] = &repair_figures_peer,
};

/* ---- For people ---- */

void control_figures_describe(FILE *to)
{
	for (size_t scope = 0; scope < FIGURES_N_SCOPES; scope++) {
		const struct figure_table *t = tables[scope];

		fprintf(to, "%s%s\n", scope ? "\n" : "", t->title);
		for (size_t i = 0; i < t->n; i++)
			fprintf(to, "  %-34s %-12s %s\n", t->figures[i].name, t->figures[i].unit,
				t->figures[i].help);
	}
}

const char *control_figures_format(const struct heal_figures *f, char *text, size_t cap)
{
	const struct figure_table *t = &heal_figures_channel;
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < t->n && at < cap; i++)
		at += (size_t)snprintf(text + at, cap - at, "%s%s %" PRIu64, i ? ", " : "",
			t->figures[i].name, figure_whole(&t->figures[i], f));
	return text;
}

/* ---- For programs ---- */

void control_figures_write_json(struct json *j, enum figures_scope scope, const void *values)
{
	const struct figure_table *t = tables[scope];

	for (size_t i = 0; i < t->n; i++) {
		const struct figure *f = &t->figures[i];

		if (f->type == FIGURE_SECONDS)
			json_real(j, f->name, figure_seconds(f, values));
		else if (f->type == FIGURE_FLAG)
			json_bool(j, f->name, figure_whole(f, values) != 0);
		else
			json_number(j, f->name, figure_whole(f, values));
	}
}

static void write_labels(FILE *to, const struct figures_sample *s)
{
	if (s->n_labels == 0)
		return;
	for (size_t i = 0; i < s->n_labels; i++) {
		fprintf(to, "%c%s=\"", i ? ',' : '{', s->labels[i].name);
		for (const char *c = s->labels[i].value; *c; c++) {
			if (*c == '\n')
				fputs("\\n", to);
			else if (*c == '"' || *c == '\\')
				fprintf(to, "\\%c", *c);
			else
				fputc(*c, to);
		}
		fputc('"', to);
	}
	fputc('}', to);
}

static void write_metric(FILE *to, const char *title, const struct figure *f,
	const struct figures_sample *samples, size_t n)
{
	fprintf(to, "# HELP dynomite_%s %s: %s %s\n", f->metric, title, f->unit, f->help);
	fprintf(to, "# TYPE dynomite_%s %s\n", f->metric,
		f->type == FIGURE_COUNTER ? "counter" : "gauge");
	for (size_t i = 0; i < n; i++) {
		if (f->type == FIGURE_SECONDS && isnan(figure_seconds(f, samples[i].values)))
			continue;
		fprintf(to, "dynomite_%s", f->metric);
		write_labels(to, &samples[i]);
		if (f->type == FIGURE_SECONDS)
			fprintf(to, " %.3f\n", figure_seconds(f, samples[i].values));
		else
			fprintf(to, " %" PRIu64 "\n", figure_whole(f, samples[i].values));
	}
}

void control_figures_write_metrics(
	FILE *to, enum figures_scope scope, const struct figures_sample *samples, size_t n)
{
	const struct figure_table *t = tables[scope];

	for (size_t i = 0; i < t->n; i++)
		if (t->figures[i].metric)
			write_metric(to, t->title, &t->figures[i], samples, n);
}
