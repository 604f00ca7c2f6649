#include "proto/request.h"

#include "base/number.h"

#include <string.h>

/* The index of STREAMS in an XREAD or XREADGROUP, or 0. */
static uint32_t find_streams(const struct request *r, bool *blocks)
{
	*blocks = false;
	for (uint32_t i = 1; i < r->argc; i++) {
		if (request_arg_is(r, i, "STREAMS"))
			return i;
		if (request_arg_is(r, i, "BLOCK")) {
			*blocks = true;
			i++;
		} else if (request_arg_is(r, i, "COUNT")) {
			i++;
		} else if (request_arg_is(r, i, "GROUP")) {
			i += 2;
		} else if (!request_arg_is(r, i, "NOACK")) {
			break;
		}
	}
	return 0;
}

/* The options of SORT and GEORADIUS that take arguments, and how many. */
static const struct {
	const char *name;
	uint32_t args;
	bool stores;
	bool has_pattern;
} options[] = {
	{"STORE", 1, true, false},
	{"STOREDIST", 1, true, false},
	{"COUNT", 1, false, false},
	{"LIMIT", 2, false, false},
	{"BY", 1, false, true},
	{"GET", 1, false, true},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* The option that argument i is, or N_OPTIONS. */
static size_t option_at(const struct request *r, uint32_t i)
{
	size_t o = 0;

	while (o < N_OPTIONS && !request_arg_is(r, i, options[o].name))
		o++;
	return o;
}

/* The index of the destination key, or 0. */
static uint32_t find_store(const struct request *r)
{
	uint32_t store = 0;

	for (uint32_t i = (uint32_t)r->command->first; i < r->argc; i++) {
		size_t o = option_at(r, i);

		if (o == N_OPTIONS)
			continue;
		if (options[o].stores && i + 1 < r->argc)
			store = i + 1;
		i += options[o].args;
	}
	return store;
}

bool request_sort_reads_unnamed(const struct request *r)
{
	for (uint32_t i = 2; i < r->argc; i++) {
		size_t o = option_at(r, i);

		if (o == N_OPTIONS)
			continue;
		if (options[o].has_pattern && i + 1 < r->argc && r->args[i + 1].len &&
			memchr(request_arg(r, i + 1), '*', r->args[i + 1].len))
			return true;
		i += options[o].args;
	}
	return false;
}

/* ---- Keys ---- */

static void set_fault(struct request *r, enum request_fault fault)
{
	r->fault = fault;
	r->kind = COMMAND_REFUSED;
	r->n_keys = 0;
}

static void set_keys(struct request *r, uint32_t n, uint32_t first, uint32_t step)
{
	r->n_keys = n;
	r->key_first = first;
	r->key_second = first + step;
	r->key_step = step;
}

/* Keys from first to last, which may count from the end. */
static void find_range(struct request *r, const struct command *c)
{
	uint32_t first = (uint32_t)c->first, step = (uint32_t)c->step;
	uint32_t last = c->last < 0 ? r->argc - (uint32_t)-c->last : (uint32_t)c->last;

	if (last >= r->argc)
		set_fault(r, REQUEST_FAULT_KEYS);
	else
		set_keys(r, last < first ? 0 : (last - first) / step + 1, first, step);
}

/* Keys after an argument that is their number. */
static void find_numbered(struct request *r, const struct command *c)
{
	uint32_t at = (uint32_t)c->first;
	uint64_t n;

	if (at >= r->argc ||
		number_read(request_arg(r, at), r->args[at].len, r->argc - at - 1, &n) !=
			NUMBER_OK ||
		n < (uint64_t)c->last)
		set_fault(r, REQUEST_FAULT_KEYS);
	else
		set_keys(r, (uint32_t)n, at + 1, 1);
}

/* The same, with a destination before that number. */
static void find_store_numbered(struct request *r, const struct command *c)
{
	find_numbered(r, c);
	if (r->fault)
		return;
	r->key_second = r->key_first;
	r->key_first = 1;
	r->n_keys++;
}

static void find_streams_keys(struct request *r, const struct command *c)
{
	bool blocks;
	uint32_t first = find_streams(r, &blocks) + 1, n = r->argc - first;

	if (blocks) {
		r->refusal = c->refusal;
		set_fault(r, REQUEST_FAULT_REFUSED);
	} else if (first == 1 || n == 0 || n % 2 != 0) {
		set_fault(r, REQUEST_FAULT_KEYS);
	} else {
		set_keys(r, n / 2, first, 1);
	}
}

/* The key at 1, and the destination, if the result is stored. */
static void find_stored(struct request *r)
{
	uint32_t store = find_store(r);

	if (r->argc < 2) {
		set_fault(r, REQUEST_FAULT_KEYS);
		return;
	}
	set_keys(r, store ? 2 : 1, 1, 1);
	r->key_second = store;
	if (!store)
		r->kind = COMMAND_READ;
}

static void find_keys(struct request *r, const struct command *c)
{
	switch ((enum command_keys)c->keys) {
	case COMMAND_KEYS_NONE:
		break;
	case COMMAND_KEYS_RANGE:
		find_range(r, c);
		break;
	case COMMAND_KEYS_NUMKEYS:
		find_numbered(r, c);
		break;
	case COMMAND_KEYS_STORE_NUMKEYS:
		find_store_numbered(r, c);
		break;
	case COMMAND_KEYS_STREAMS:
		find_streams_keys(r, c);
		break;
	case COMMAND_KEYS_STORE_OPTION:
		find_stored(r);
		break;
	}
}

static void find_written(struct request *r, const struct command *c)
{
	if (r->kind != COMMAND_WRITE || r->n_keys == 0)
		return;
	switch ((enum command_writes)c->writes) {
	case COMMAND_WRITES_NONE:
		break;
	case COMMAND_WRITES_ALL:
		r->n_written = r->n_keys;
		break;
	case COMMAND_WRITES_FIRST:
		r->n_written = 1;
		break;
	case COMMAND_WRITES_LAST:
		r->first_written = r->n_keys - 1;
		r->n_written = 1;
		break;
	}
}

/* ---- Commands ---- */

static const struct command *find_command(const struct request *r)
{
	if (r->argc == 0)
		return NULL;
	return command_find(request_arg(r, 0), r->args[0].len,
		r->argc > 1 ? request_arg(r, 1) : NULL, r->argc > 1 ? r->args[1].len : 0);
}

/* Whether it is refused.  Of a command that the proxy answers itself, unknown subcommands are. */
static bool is_refused(const struct request *r, const struct command *c)
{
	return c->kind == COMMAND_REFUSED ||
	       (c->kind == COMMAND_LOCAL && c->refusal && r->argc > 1);
}

void request_understand(struct request *r)
{
	const struct command *c = find_command(r);

	r->fault = REQUEST_FAULT_NONE;
	r->command = c;
	r->refusal = NULL;
	r->n_keys = 0;
	r->first_written = 0;
	r->n_written = 0;
	if (!c) {
		set_fault(r, REQUEST_FAULT_UNKNOWN);
	} else if (!command_arity_ok(c, r->argc)) {
		set_fault(r, REQUEST_FAULT_ARITY);
	} else if (is_refused(r, c)) {
		r->refusal = c->refusal;
		set_fault(r, REQUEST_FAULT_REFUSED);
	} else {
		r->kind = (enum command_class)c->kind;
		find_keys(r, c);
		find_written(r, c);
	}
}
