#include "proxy/own.h"

#include "proxy/proxy_internal.h"

struct own_call {
	struct call call; /* first: own_of() casts it */
	proxy_answered *answered;
	void *arg;
	enum write_fate fate;
};

static struct own_call *own_of(struct call *c)
{
	return (struct own_call *)c;
}

static void on_answer(struct call *c, const struct reply *reply)
{
	struct own_call *o = own_of(c);
	struct buf room = {0};
	struct reply whole;

	if (reply_in_one_piece(reply, &room, &whole))
		o->answered(o->arg, whole.bytes, whole.len, o->fate);
	else
		o->answered(o->arg, NULL, 0, o->fate);
	buf_fini(&room);
	call_release(c);
}

static const struct call_origin origin = {.answer = on_answer};
static const struct command own_command = {.name = "", .join = COMMAND_WHOLE};

void own_init(struct call_list *own, int64_t timeout_ms)
{
	call_list_init(own, sizeof(struct own_call), timeout_ms);
}

bool own_note_fate(struct call *c, enum write_fate fate)
{
	if (c->origin != &origin)
		return false;
	own_of(c)->fate = fate;
	return true;
}

bool proxy_ask(struct proxy *p, const struct proxy_own_request *ask)
{
	const struct lane_keys lanes = {
		.token = ask->key ? ring_token(p->ring, ask->key, ask->len) : ask->token};
	struct call *c = call_new(&p->own, &origin, &own_command, p->now_ms);
	struct leg *leg;

	if (!c)
		return false;
	own_of(c)->answered = ask->answered;
	own_of(c)->arg = ask->arg;
	own_of(c)->fate = WRITE_TAKEN; /* unless told otherwise */
	/* A write, so that its fate is told; the first leg of a call needs no memory. */
	leg = call_leg(&c->one, 0, true, true);
	leg->is_own = true;
	replica_send(p->replicas[0], leg, &lanes, ask->request, ask->request_len);
	call_sent(c);
	return true;
}
