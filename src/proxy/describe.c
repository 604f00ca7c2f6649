#include "proxy/describe.h"

#include "proto/command.h"

#include <string.h>

static bool is_sub(const struct command *c)
{
	return strchr(c->name, ' ') != NULL;
}

static bool is_sub_of(const struct command *c, const struct command *container)
{
	size_t len;

	if (c->name[0] != container->name[0])
		return false; /* fast path: called for every pair of commands */
	len = strlen(container->name);
	return strncmp(c->name, container->name, len) == 0 && c->name[len] == ' ';
}

static size_t count_subs(const struct command *container)
{
	size_t n = 0;

	for (size_t i = 0; i < command_count; i++)
		n += is_sub_of(&command_table[i], container);
	return n;
}

/* Whether a command, or one of its subcommands, is served. */
static bool is_served(const struct command *c)
{
	return c->kind != COMMAND_REFUSED || count_subs(c) > 0;
}

static bool is_listed(const struct command *c)
{
	return !is_sub(c) && is_served(c);
}

static size_t count_listed(void)
{
	size_t n = 0;

	for (size_t i = 0; i < command_count; i++)
		n += is_listed(&command_table[i]);
	return n;
}

/* ---- COMMAND INFO ---- */

/* The positions of the keys as Redis reports them; "movablekeys" if they depend on other arguments.
 */
struct key_positions {
	int first, last, step;
	bool movable;
};

static struct key_positions place_of(const struct command *c)
{
	switch ((enum command_keys)c->keys) {
	case COMMAND_KEYS_NONE:
		break;
	case COMMAND_KEYS_RANGE:
		return (struct key_positions){c->first, c->last, c->step, false};
	case COMMAND_KEYS_NUMKEYS:
	case COMMAND_KEYS_STREAMS:
		return (struct key_positions){.movable = true};
	case COMMAND_KEYS_STORE_NUMKEYS:
	case COMMAND_KEYS_STORE_OPTION:
		return (struct key_positions){1, 1, 1, true};
	}
	return (struct key_positions){.movable = false};
}

static bool write_flags(const struct resp_writer *w, const struct command *c, bool movable)
{
	const char *flag = NULL;

	if (c->kind == COMMAND_READ)
		flag = "readonly";
	else if (c->kind == COMMAND_WRITE)
		flag = "write";
	return resp_write_set(w, (size_t)(flag != NULL) + movable) &&
	       (!flag || resp_write_status(w, flag)) &&
	       (!movable || resp_write_status(w, "movablekeys"));
}

static bool write_name(const struct resp_writer *w, const struct command *c)
{
	char name[COMMAND_NAME_MAX];

	return resp_write_text(w, command_lower_name(c, name));
}

/* An entry without its subcommands; categories, tips and key specifications are empty. */
static bool write_entry(const struct resp_writer *w, const struct command *c)
{
	struct key_positions place = place_of(c);

	return resp_write_array(w, 10) && write_name(w, c) && resp_write_integer(w, c->arity) &&
	       write_flags(w, c, place.movable) && resp_write_integer(w, place.first) &&
	       resp_write_integer(w, place.last) && resp_write_integer(w, place.step) &&
	       resp_write_set(w, 0) && resp_write_array(w, 0) && resp_write_array(w, 0);
}

static bool write_info(const struct resp_writer *w, const struct command *c)
{
	size_t n = is_sub(c) ? 0 : count_subs(c);
	bool ok = write_entry(w, c) && resp_write_array(w, n);

	for (size_t i = 0; ok && n > 0 && i < command_count; i++)
		if (is_sub_of(&command_table[i], c))
			ok = write_entry(w, &command_table[i]) && resp_write_array(w, 0);
	return ok;
}

/* ---- COMMAND DOCS ---- */

static const char *group_of(const struct command *c)
{
	switch ((enum command_class)c->kind) {
	case COMMAND_READ:
		return "read";
	case COMMAND_WRITE:
		return "write";
	case COMMAND_LOCAL:
		return "proxy";
	case COMMAND_REFUSED:
		break;
	}
	return "container";
}

static const char *summary_of(const struct command *c)
{
	bool spread =
		c->join == COMMAND_VALUES || c->join == COMMAND_SUM || c->join == COMMAND_STATUS;

	if (command_is_for_all(c))
		return "Sent to every node.";
	switch ((enum command_class)c->kind) {
	case COMMAND_READ:
		return spread ? "A read, of keys that may have different owners."
			      : "A read, sent to an owner of its keys.";
	case COMMAND_WRITE:
		return spread ? "A write, of keys that may have different owners."
			      : "A write, sent to every replica of its keys.";
	case COMMAND_LOCAL:
		return "Answered by the proxy itself.";
	case COMMAND_REFUSED:
		break;
	}
	return "Served with one of its subcommands only.";
}

/* Of the fields of COMMAND DOCS, every command has a summary and a group. */
#define DOC_FIELDS 2

static bool write_doc_fields(const struct resp_writer *w, const struct command *c)
{
	return resp_write_text(w, "summary") && resp_write_text(w, summary_of(c)) &&
	       resp_write_text(w, "group") && resp_write_text(w, group_of(c));
}

static bool write_doc(const struct resp_writer *w, const struct command *c)
{
	size_t n = is_sub(c) ? 0 : count_subs(c);
	bool ok = write_name(w, c) && resp_write_map(w, DOC_FIELDS + (n > 0)) &&
		  write_doc_fields(w, c);

	if (ok && n > 0)
		ok = resp_write_text(w, "subcommands") && resp_write_map(w, n);
	for (size_t i = 0; ok && n > 0 && i < command_count; i++)
		if (is_sub_of(&command_table[i], c))
			ok = write_name(w, &command_table[i]) && resp_write_map(w, DOC_FIELDS) &&
			     write_doc_fields(w, &command_table[i]);
	return ok;
}

/* ---- The replies ---- */

/* The served command that argument i names, as "get" or "script|load", or NULL. */
static const struct command *named(const struct request *r, uint32_t i)
{
	char name[COMMAND_NAME_MAX] = "";
	const struct command *c;
	char *bar;

	if (r->args[i].len >= sizeof(name))
		return NULL;
	memcpy(name, request_arg(r, i), r->args[i].len);
	bar = strchr(name, '|');
	if (bar)
		*bar = ' ';
	c = command_named(name);
	return c && strlen(c->name) == r->args[i].len && is_served(c) ? c : NULL;
}

/* More names than there are commands are refused, to bound the reply. */
static bool too_many(const struct request *r)
{
	return r->argc > 2 && r->argc - 2 > command_count;
}

static bool refuse(const struct resp_writer *w)
{
	return resp_write_error(w, "ERR more names than there are commands (%zu)", command_count);
}

static bool write_all(const struct resp_writer *w,
	bool (*write_one)(const struct resp_writer *, const struct command *))
{
	bool ok = true;

	for (size_t i = 0; ok && i < command_count; i++)
		if (is_listed(&command_table[i]))
			ok = write_one(w, &command_table[i]);
	return ok;
}

bool describe_count(const struct resp_writer *w)
{
	return resp_write_integer(w, (int64_t)count_listed());
}

bool describe_info(const struct resp_writer *w, const struct request *r)
{
	bool ok;

	if (r->argc <= 2)
		return resp_write_array(w, count_listed()) && write_all(w, write_info);
	if (too_many(r))
		return refuse(w);
	ok = resp_write_array(w, r->argc - 2);
	for (uint32_t i = 2; ok && i < r->argc; i++) {
		const struct command *c = named(r, i);

		ok = c ? write_info(w, c) : resp_write_null_array(w);
	}
	return ok;
}

bool describe_docs(const struct resp_writer *w, const struct request *r)
{
	size_t n = 0;
	bool ok;

	if (r->argc <= 2)
		return resp_write_map(w, count_listed()) && write_all(w, write_doc);
	if (too_many(r))
		return refuse(w);
	for (uint32_t i = 2; i < r->argc; i++)
		n += named(r, i) != NULL;
	ok = resp_write_map(w, n);
	for (uint32_t i = 2; ok && i < r->argc; i++) {
		const struct command *c = named(r, i);

		ok = !c || write_doc(w, c);
	}
	return ok;
}
