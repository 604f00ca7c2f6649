#include "proxy/reply.h"

bool reply_move(const struct reply *r, struct outq *to)
{
	if (r->bytes)
		return outq_append(to, r->bytes, r->len);
	outq_splice(to, r->queue);
	return true;
}

bool reply_in_one_piece(const struct reply *r, struct buf *room, struct reply *whole)
{
	*whole = *r;
	if (r->bytes)
		return true;
	if (!outq_copy(r->queue, room))
		return false;
	*whole = reply_of_bytes(buf_head(room), buf_len(room));
	return true;
}
