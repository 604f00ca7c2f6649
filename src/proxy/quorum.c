#include "proxy/quorum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* An answer that one or more replicas of a datacenter gave, byte for byte. */
struct answer {
	STAILQ_ENTRY(answer) next;
	size_t dc;
	size_t count;
	bool of_local_rack;
	size_t len;
	uint8_t bytes[];
};

struct dc {
	size_t n; /* replicas asked */
	size_t answered, failed;
	size_t agreed; /* the largest number with the same answer */
};

struct quorum {
	enum consistency level;
	enum quorum_verdict verdict;
	STAILQ_HEAD(, answer) answers; /* those still needed, oldest first */
	struct answer *result;
	char why[160];
	size_t n_dcs;
	struct dc dcs[];
};

struct quorum *quorum_new(enum consistency level, const size_t *n_racks, size_t n_dcs)
{
	struct quorum *q = calloc(1, sizeof(*q) + n_dcs * sizeof(q->dcs[0]));

	if (!q)
		return NULL;
	q->level = level;
	q->verdict = QUORUM_WAIT;
	STAILQ_INIT(&q->answers);
	/* Other datacenters count only for that level. */
	q->n_dcs = level == CONSISTENCY_DC_EACH_SAFE_QUORUM || n_dcs == 0 ? n_dcs : 1;
	for (size_t d = 0; d < q->n_dcs; d++)
		q->dcs[d].n = n_racks[d];
	return q;
}

/* Release all answers but one. */
static void drop_answers(struct quorum *q, struct answer *keep)
{
	struct answer *a;

	while ((a = STAILQ_FIRST(&q->answers)) != NULL) {
		STAILQ_REMOVE_HEAD(&q->answers, next);
		if (a != keep)
			free(a);
	}
	if (keep)
		STAILQ_INSERT_TAIL(&q->answers, keep, next);
}

void quorum_free(struct quorum *q)
{
	if (!q)
		return;
	drop_answers(q, NULL);
	free(q);
}

static size_t majority(const struct dc *d)
{
	return d->n / 2 + 1;
}

static size_t outstanding(const struct dc *d)
{
	return d->n - d->answered - d->failed;
}

static struct answer *answer_find(
	const struct quorum *q, size_t dc, const uint8_t *bytes, size_t len)
{
	struct answer *a;

	STAILQ_FOREACH (a, &q->answers, next)
		if (a->dc == dc && a->len == len && (len == 0 || !memcmp(a->bytes, bytes, len)))
			return a;
	return NULL;
}

/* Append a copy of an answer.  NULL when out of memory. */
static struct answer *answer_add(struct quorum *q, size_t dc, const uint8_t *bytes, size_t len)
{
	struct answer *a = malloc(sizeof(*a) + len);

	if (!a)
		return NULL;
	memset(a, 0, sizeof(*a));
	a->dc = dc;
	a->len = len;
	if (len > 0)
		memcpy(a->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&q->answers, a, next);
	return a;
}

/* The local rack's answer, else the most frequent one, else the first. */
static struct answer *best_answer(const struct quorum *q)
{
	struct answer *a, *best = NULL;

	STAILQ_FOREACH (a, &q->answers, next) {
		if (a->dc != 0)
			continue;
		if (a->of_local_rack)
			return a;
		if (!best || a->count > best->count)
			best = a;
	}
	return best;
}

static struct answer *agreed_answer(const struct quorum *q)
{
	struct answer *a;

	STAILQ_FOREACH (a, &q->answers, next)
		if (a->dc == 0 && a->count >= majority(&q->dcs[0]))
			return a;
	return NULL;
}

static enum quorum_verdict decide_any(struct quorum *q)
{
	const struct dc *d = &q->dcs[0];

	if (d->answered >= majority(d)) {
		q->result = best_answer(q);
		return QUORUM_REACHED;
	}
	return d->answered + outstanding(d) < majority(d) ? QUORUM_FAILED : QUORUM_WAIT;
}

static enum quorum_verdict decide_safe(struct quorum *q)
{
	bool all = true;

	for (size_t i = 0; i < q->n_dcs; i++) {
		const struct dc *d = &q->dcs[i];

		if (d->agreed + outstanding(d) < majority(d))
			return QUORUM_FAILED;
		all = all && d->agreed >= majority(d);
	}
	if (!all)
		return QUORUM_WAIT;
	q->result = agreed_answer(q);
	return QUORUM_REACHED;
}

static void explain(struct quorum *q, size_t dc)
{
	const struct dc *d = &q->dcs[dc];
	const char *where = dc == 0 ? "" : "in another datacenter, ";
	const char *level = consistency_name(q->level);

	if (q->level == CONSISTENCY_DC_QUORUM)
		snprintf(q->why, sizeof(q->why),
			"%zu of %zu racks answered, %zu failed: %s needs %zu answers", d->answered,
			d->n, d->failed, level, majority(d));
	else
		snprintf(q->why, sizeof(q->why),
			"%s%zu of %zu racks answered, %zu failed, %zu agreed: %s needs %zu that "
			"agree",
			where, d->answered, d->n, d->failed, d->agreed, level, majority(d));
}

/* The verdict after an answer or failure in dc. */
static enum quorum_verdict decide(struct quorum *q, size_t dc)
{
	q->verdict = q->level == CONSISTENCY_DC_QUORUM ? decide_any(q) : decide_safe(q);
	if (q->verdict == QUORUM_FAILED)
		explain(q, dc);
	if (q->verdict != QUORUM_WAIT)
		drop_answers(q, q->result);
	return q->verdict;
}

/* Whether an answer or failure in dc still counts: no verdict yet, and not all replicas were heard.
 */
static bool counts(const struct quorum *q, size_t dc)
{
	return q->verdict == QUORUM_WAIT && dc < q->n_dcs && outstanding(&q->dcs[dc]) > 0;
}

enum quorum_verdict quorum_answer(
	struct quorum *q, size_t dc, bool local_rack, const uint8_t *answer, size_t len)
{
	struct answer *a;

	if (!counts(q, dc))
		return q->verdict;
	a = answer_find(q, dc, answer, len);
	if (!a)
		a = answer_add(q, dc, answer, len);
	if (!a)
		return quorum_failure(q, dc); /* without memory it counts as a failure */
	a->count++;
	a->of_local_rack = a->of_local_rack || local_rack;
	q->dcs[dc].answered++;
	if (a->count > q->dcs[dc].agreed)
		q->dcs[dc].agreed = a->count;
	return decide(q, dc);
}

enum quorum_verdict quorum_failure(struct quorum *q, size_t dc)
{
	if (!counts(q, dc))
		return q->verdict;
	q->dcs[dc].failed++;
	return decide(q, dc);
}

const uint8_t *quorum_result(const struct quorum *q, size_t *len)
{
	*len = q->result ? q->result->len : 0;
	return q->result ? q->result->bytes : NULL;
}

const char *quorum_expired(struct quorum *q)
{
	size_t dc = 0;

	while (dc + 1 < q->n_dcs && q->dcs[dc].agreed >= majority(&q->dcs[dc]))
		dc++;
	explain(q, dc);
	return q->why;
}

const char *quorum_why(const struct quorum *q)
{
	return q->why;
}
