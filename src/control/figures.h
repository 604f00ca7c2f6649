/*
 * figures - every figure that the node reports, from which -D, the pages of control and the last
 * line of the log are made.
 *
 * Each room counts in structs and says in tables beside them what each field means; here those
 * tables are put together, with what control itself counts.  Any thread.
 */
#ifndef CONTROL_FIGURES_H
#define CONTROL_FIGURES_H

#include "base/json.h"
#include "heal/figures.h"
#include "proxy/figures.h"
#include "repair/figures.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a figure describes: each scope has its struct. */
enum figures_scope {
	FIGURES_IDENTITY, /* struct figures_identity */
	FIGURES_NODE,     /* struct figures_node */
	FIGURES_POOL,     /* struct proxy_figures */
	FIGURES_STORE,    /* struct replica_figures */
	FIGURES_PEER,     /* struct replica_figures, for each other node of the ring */
	FIGURES_ENTROPY,  /* struct heal_figures */
	FIGURES_SCHEDULE, /* struct heal_schedule_figures */
	FIGURES_TARGET,   /* struct heal_target_figures, for each target of the entropy channel */
	FIGURES_SENDER,   /* struct heal_sender_figures, for each address that pushed to us */
	FIGURES_SESSIONS, /* struct repair_figures */
	FIGURES_SESSION,  /* struct repair_peer_figures, for each peer that owns keys of this node
			   */
	FIGURES_N_SCOPES,
};

/* Always 1: the labels identify the node. */
struct figures_identity {
	uint64_t info;
};

/* The process. */
struct figures_node {
	uint64_t uptime, resident_bytes, stats_count;
};

/* For -D: write every figure with its unit and meaning. */
void control_figures_describe(FILE *to);

/* "name value, name value, ..." of all counters; cut to cap.  Returns text. */
const char *control_figures_format(const struct heal_figures *f, char *text, size_t cap);

/* Write the figures of a scope into the open object; values is the scope's struct. */
void control_figures_write_json(struct json *j, enum figures_scope scope, const void *values);

struct figures_label {
	const char *name, *value;
};

/* The figures of one instance of a scope (a peer, say), and the labels that identify it. */
struct figures_sample {
	const struct figures_label *labels;
	size_t n_labels;
	const void *values; /* the scope's struct */
};

/* Write the figures of n instances of a scope in the Prometheus text format, with HELP and TYPE. */
void control_figures_write_metrics(
	FILE *to, enum figures_scope scope, const struct figures_sample *samples, size_t n);

#ifdef __cplusplus
}
#endif

#endif
