#include "proxy/describe.h"

#include "proto/command.h"

#include <stdio.h>
#include <string.h>

static bool is_sub(const struct command *c)
{
	return strchr(c->name, ' ') != NULL;
}

static bool is_sub_of(const struct command *c, const struct command *container)
{
	size_t len;

	if (c->name[0] != container->name[0])
		return false; /* most of them: this is asked for each two commands */
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

/* Served, by itself or by its subcommands. */
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

/* Where Redis would say that the keys are; what depends on other arguments is "movablekeys". */
struct place {
	int first, last, step;
	bool movable;
};

static struct place place_of(const struct command *c)
{
	switch ((enum command_keys)c->keys) {
	case COMMAND_KEYS_NONE:
		break;
	case COMMAND_KEYS_RANGE:
		return (struct place){c->first, c->last, c->step, false};
	case COMMAND_KEYS_NUMKEYS:
	case COMMAND_KEYS_STREAMS:
		return (struct place){.movable = true};
	case COMMAND_KEYS_STORE_NUMKEYS:
	case COMMAND_KEYS_STORE_OPTION:
		return (struct place){1, 1, 1, true};
	}
	return (struct place){.movable = false};
}

static bool write_flags(struct buf *out, const struct command *c, bool movable)
{
	const char *flag = NULL;

	if (c->kind == COMMAND_READ)
		flag = "readonly";
	else if (c->kind == COMMAND_WRITE)
		flag = "write";
	return buf_printf(out, "*%d\r\n", (flag != NULL) + movable) &&
	       (!flag || buf_printf(out, "+%s\r\n", flag)) &&
	       (!movable || buf_append(out, "+movablekeys\r\n", 14));
}

/* All of an entry but its subcommands. */
static bool write_entry(struct buf *out, const struct command *c)
{
	char name[COMMAND_NAME_MAX];
	struct place place = place_of(c);

	return buf_printf(out, "*10\r\n$%zu\r\n%s\r\n:%d\r\n", strlen(command_lower_name(c, name)),
		       name, c->arity) &&
	       write_flags(out, c, place.movable) &&
	       buf_printf(out, ":%d\r\n:%d\r\n:%d\r\n*0\r\n*0\r\n*0\r\n", place.first, place.last,
		       place.step);
}

static bool write_info(struct buf *out, const struct command *c)
{
	size_t n = is_sub(c) ? 0 : count_subs(c);
	bool ok = write_entry(out, c) && buf_printf(out, "*%zu\r\n", n);

	for (size_t i = 0; ok && n > 0 && i < command_count; i++)
		if (is_sub_of(&command_table[i], c))
			ok = write_entry(out, &command_table[i]) && buf_append(out, "*0\r\n", 4);
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

static bool write_pair(struct buf *out, const char *key, const char *value)
{
	return buf_printf(
		out, "$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(key), key, strlen(value), value);
}

static bool write_name(struct buf *out, const struct command *c)
{
	char name[COMMAND_NAME_MAX];

	return buf_printf(out, "$%zu\r\n%s\r\n", strlen(command_lower_name(c, name)), name);
}

/* What is known of every command: the summary and the group. */
static bool write_doc_fields(struct buf *out, const struct command *c)
{
	return write_pair(out, "summary", summary_of(c)) && write_pair(out, "group", group_of(c));
}

static bool write_doc(struct buf *out, const struct command *c)
{
	size_t n = is_sub(c) ? 0 : count_subs(c);
	bool ok = write_name(out, c) && buf_printf(out, "*%d\r\n", n > 0 ? 6 : 4) &&
		  write_doc_fields(out, c);

	if (ok && n > 0)
		ok = buf_printf(out, "$11\r\nsubcommands\r\n*%zu\r\n", n * 2);
	for (size_t i = 0; ok && n > 0 && i < command_count; i++)
		if (is_sub_of(&command_table[i], c))
			ok = write_name(out, &command_table[i]) && buf_append(out, "*4\r\n", 4) &&
			     write_doc_fields(out, &command_table[i]);
	return ok;
}

/* ---- The replies ---- */

/* The served command that argument i names, as "get" or "script|load"; NULL when it is none. */
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

/* Whoever asks for more names than there are commands only wants a large reply. */
static bool too_many(const struct request *r)
{
	return r->argc > 2 && r->argc - 2 > command_count;
}

static bool refuse(struct buf *out)
{
	return buf_printf(out, "-ERR more names than there are commands (%zu)\r\n", command_count);
}

static bool write_all(struct buf *out, bool (*write_one)(struct buf *, const struct command *))
{
	bool ok = true;

	for (size_t i = 0; ok && i < command_count; i++)
		if (is_listed(&command_table[i]))
			ok = write_one(out, &command_table[i]);
	return ok;
}

bool describe_count(struct buf *out)
{
	return buf_printf(out, ":%zu\r\n", count_listed());
}

bool describe_info(struct buf *out, const struct request *r)
{
	bool ok;

	if (r->argc <= 2)
		return buf_printf(out, "*%zu\r\n", count_listed()) && write_all(out, write_info);
	if (too_many(r))
		return refuse(out);
	ok = buf_printf(out, "*%u\r\n", r->argc - 2);
	for (uint32_t i = 2; ok && i < r->argc; i++) {
		const struct command *c = named(r, i);

		ok = c ? write_info(out, c) : buf_append(out, "*-1\r\n", 5);
	}
	return ok;
}

bool describe_docs(struct buf *out, const struct request *r)
{
	size_t n = 0;
	bool ok;

	if (r->argc <= 2)
		return buf_printf(out, "*%zu\r\n", count_listed() * 2) && write_all(out, write_doc);
	if (too_many(r))
		return refuse(out);
	for (uint32_t i = 2; i < r->argc; i++)
		n += named(r, i) != NULL;
	ok = buf_printf(out, "*%zu\r\n", n * 2);
	for (uint32_t i = 2; ok && i < r->argc; i++) {
		const struct command *c = named(r, i);

		ok = !c || write_doc(out, c);
	}
	return ok;
}
