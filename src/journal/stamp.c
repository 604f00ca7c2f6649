#include "journal/stamp.h"

uint64_t stamp_draw(struct stamp_clock *c, uint64_t now_ms)
{
	uint64_t ms = stamp_ms(c->last);
	uint32_t node = stamp_node(c->last);
	uint32_t counter = c->last & STAMP_COUNTER_MAX;

	if (now_ms > ms)
		c->last = stamp_make(now_ms, c->node, 0);
	else if (node < c->node)
		c->last = stamp_make(ms, c->node, 0);
	else if (node == c->node && counter < STAMP_COUNTER_MAX)
		c->last++;
	else
		c->last = stamp_make(ms + 1, c->node, 0);
	return c->last;
}

bool stamp_see(struct stamp_clock *c, uint64_t stamp, uint64_t now_ms)
{
	if (stamp_ms(stamp) > now_ms + STAMP_AHEAD_MAX_MS)
		return false;
	if (stamp > c->last)
		c->last = stamp;
	return true;
}
