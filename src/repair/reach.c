#include "repair/reach.h"

#include <string.h>

void reach_begin(struct reach *r, int64_t now_ms)
{
	r->since_ms = now_ms;
	r->n = 0;
}

/* Without some of the marks it only moves later: keep every second one. */
static void thin_out(struct reach *r)
{
	r->n /= 2;
	for (size_t i = 0; i < r->n; i++)
		r->marks[i] = r->marks[2 * i + 1];
}

static void pass(struct reach *r, uint32_t oldest)
{
	size_t n = 0;

	while (n < r->n && r->marks[n].epoch < oldest)
		r->since_ms = r->marks[n++].at_ms;
	r->n -= n;
	memmove(r->marks, r->marks + n, r->n * sizeof(r->marks[0]));
}

void reach_look(struct reach *r, uint32_t oldest, uint32_t newest, int64_t now_ms)
{
	if (newest == 0) {
		reach_begin(r, now_ms);
		return;
	}
	pass(r, oldest);
	if (r->n > 0 && r->marks[r->n - 1].epoch >= newest) {
		r->marks[r->n - 1].at_ms = now_ms;
		return;
	}
	if (r->n == REACH_MARKS)
		thin_out(r);
	r->marks[r->n++] = (struct reach_mark){now_ms, newest};
}
