#include "base/shown.h"
#include "conf/conf_internal.h"

#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 32 /* of nested lists and mappings; a valid file has three levels */

struct reader {
	struct conf_loader *l;
	const uint8_t *text;
	yaml_parser_t parser;
	yaml_event_t event; /* the current event */
	bool have_event;
	size_t depth;
};

/* The text of an event, and the buffers of the parser, may hold a password: wipe them. */
static void forget_event(struct reader *r)
{
	if (!r->have_event)
		return;
	if (r->event.type == YAML_SCALAR_EVENT)
		explicit_bzero(r->event.data.scalar.value, r->event.data.scalar.length);
	yaml_event_delete(&r->event);
	r->have_event = false;
}

static void forget_parser(yaml_parser_t *p)
{
	if (p->raw_buffer.start)
		explicit_bzero(
			p->raw_buffer.start, (size_t)(p->raw_buffer.end - p->raw_buffer.start));
	if (p->buffer.start)
		explicit_bzero(p->buffer.start, (size_t)(p->buffer.end - p->buffer.start));
	yaml_parser_delete(p);
}

static size_t line_of(const struct reader *r)
{
	return r->event.start_mark.line + 1;
}

static size_t line_of_offset(const struct reader *r, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset; i++)
		line += r->text[i] == '\n';
	return line;
}

/* The place of the current event, for an error. */
static struct conf_where here(const struct reader *r, const char *key)
{
	return (struct conf_where){r->l->conf->path, line_of(r), key};
}

static struct conf_where at_line(const struct reader *r, size_t line)
{
	return (struct conf_where){.path = r->l->conf->path, .line = line};
}

/* An error of libyaml, in its words.  problem_mark is where it gave up, context what it was
 * reading. */
static void fault_of_parser(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "the text cannot be read";

	if (p->error == YAML_MEMORY_ERROR)
		r->l->report->no_memory = true;
	else if (p->error == YAML_READER_ERROR)
		conf_report_error(r->l->report, at_line(r, line_of_offset(r, p->problem_offset)),
			"not a text in UTF-8: %s (0x%02x)", problem, (unsigned)p->problem_value);
	else if (p->context)
		conf_report_error(r->l->report, at_line(r, p->problem_mark.line + 1),
			"broken YAML: %s, %s that began in line %zu", problem, p->context,
			p->context_mark.line + 1);
	else
		conf_report_error(r->l->report, at_line(r, p->problem_mark.line + 1),
			"broken YAML: %s", problem);
}

/* Go to the next event.  False, with an error reported, when reading must stop. */
static bool next(struct reader *r)
{
	forget_event(r);
	if (conf_loader_is_spent(r->l))
		return false;
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		fault_of_parser(r);
		return false;
	}
	r->have_event = true;
	switch (r->event.type) {
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		r->depth++;
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		r->depth--;
		break;
	default:
		break;
	}
	if (r->depth > DEPTH_MAX) {
		conf_report_error(r->l->report, here(r, NULL),
			"lists or mappings nested more than %d deep; a configuration has three "
			"levels",
			DEPTH_MAX);
		forget_event(r);
		return false;
	}
	return true;
}

static bool is_start(const yaml_event_t *e)
{
	return e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
}

/* Skip to the last event of the value that begins with the current event. */
static bool skip_value(struct reader *r)
{
	size_t outside = r->depth - 1;

	if (!is_start(&r->event))
		return true;
	while (r->depth > outside) {
		if (!next(r))
			return false;
	}
	return true;
}

/*
 * NULL, or why the value that begins here is not accepted.  The name of an anchor, alias or tag is
 * not shown: it may be a password that should have been quoted.
 */
static const char *decoration(const yaml_event_t *e)
{
	static const char alias[] = "begins with '*', an alias, which is not followed: write the "
				    "value out, or quote it";
	static const char anchor[] = "begins with '&', an anchor, which has no use here: leave it "
				     "out, or quote the value";
	static const char tag[] =
		"begins with '!', a tag, which has no use here: leave it out, or quote the value";

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return alias;
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor ? anchor : e->data.scalar.tag ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor ? anchor
		       : e->data.sequence_start.tag  ? tag
						     : NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor ? anchor
		       : e->data.mapping_start.tag  ? tag
						    : NULL;
	default:
		return NULL;
	}
}

static bool is_null(const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;

	if (e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* The text of a scalar, or NULL, with an error reported, when a C string cannot hold it. */
static const char *scalar_text(struct reader *r, const char *key)
{
	const yaml_event_t *e = &r->event;
	const char *problem = decoration(e);

	if (problem) {
		conf_report_error(r->l->report, here(r, key), "the value %s", problem);
		return NULL;
	}
	if (memchr(e->data.scalar.value, '\0', e->data.scalar.length)) {
		conf_report_error(
			r->l->report, here(r, key), "the value holds a NUL character; remove it");
		return NULL;
	}
	return (const char *)e->data.scalar.value;
}

static void fault_of_key(struct reader *r, const struct conf_key *k, const char *problem)
{
	char allowed[CONF_WORDS_MAX];

	conf_place_of(r->l, k)->bad = true;
	conf_report_error(r->l->report, here(r, k->name), "%s; allowed: %s", problem,
		conf_key_allowed(k, allowed, sizeof(allowed)));
}

static void take_scalar(struct reader *r, const struct conf_key *k)
{
	const char *text;

	if (r->event.type == YAML_SCALAR_EVENT && !decoration(&r->event) && is_null(&r->event)) {
		fault_of_key(r, k, "has no value: write one, or remove the key");
		return;
	}
	text = scalar_text(r, k->name);
	if (text)
		conf_value_set(r->l, k, text, line_of(r));
	else
		conf_place_of(r->l, k)->bad = true;
}

static bool take_list(struct reader *r, const struct conf_key *k)
{
	while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
		if (is_start(&r->event)) {
			/* YAML reads a text that ends in a colon as the key of a mapping. */
			fault_of_key(r, k,
				k->type == CONF_TYPE_SEEDS &&
						r->event.type == YAML_MAPPING_START_EVENT
					? "an entry has no tokens behind its last colon"
					: "an entry is itself a list or a mapping");
			if (!skip_value(r))
				return false;
		} else {
			take_scalar(r, k);
		}
	}
	return r->have_event;
}

/* Read the value of a known key, which begins here, up to its last event. */
static bool take_value(struct reader *r, const struct conf_key *k)
{
	if (r->event.type == YAML_SEQUENCE_START_EVENT && !decoration(&r->event) &&
		conf_key_is_list(k))
		return take_list(r, k);
	if (!is_start(&r->event)) {
		take_scalar(r, k);
		return true;
	}
	if (decoration(&r->event))
		scalar_text(r, k->name);
	else
		fault_of_key(r, k,
			r->event.type == YAML_MAPPING_START_EVENT ? "has a mapping as its value"
								  : "has a list as its value");
	conf_place_of(r->l, k)->bad = true;
	return skip_value(r);
}

/* The row of the current key, or NULL, with an error reported, when it is unknown or a duplicate.
 */
static const struct conf_key *take_key(struct reader *r)
{
	const struct conf_key *k;
	char shown[SHOWN_QUOTED_MAX];
	const char *name;

	if (r->event.type != YAML_SCALAR_EVENT) {
		conf_report_error(r->l->report, here(r, NULL), "a key is not a word but %s",
			r->event.type == YAML_ALIAS_EVENT ? "an alias" : "a list or a mapping");
		return NULL;
	}
	name = scalar_text(r, "a key");
	if (!name)
		return NULL;
	k = conf_key_find(name);
	if (!k) {
		conf_report_error(r->l->report, here(r, NULL),
			"%s: unknown key; the nearest known one is %s (--help-conf lists all)",
			shown_quoted(name, shown), conf_key_nearest(name)->name);
		return NULL;
	}
	if (conf_place_of(r->l, k)->line) {
		conf_report_error(r->l->report, here(r, k->name),
			"is given a second time; the first is in line %zu: remove one",
			conf_place_of(r->l, k)->line);
		return NULL;
	}
	conf_place_of(r->l, k)->line = line_of(r);
	return k;
}

/* Read the mapping below the root key, which begins here. */
static bool read_settings(struct reader *r)
{
	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		const struct conf_key *k = take_key(r);

		if (!skip_value(r) || !next(r))
			return false;
		if (k ? !take_value(r, k) : !skip_value(r))
			return false;
	}
	return r->have_event;
}

/* Read the value of the first root key, which begins here. */
static bool read_root_value(struct reader *r)
{
	const char *root = r->l->conf->root;
	char shown[SHOWN_QUOTED_MAX];

	if (r->event.type == YAML_MAPPING_START_EVENT && !decoration(&r->event))
		return read_settings(r);
	shown_quoted(root, shown);
	if (decoration(&r->event))
		conf_report_error(
			r->l->report, here(r, shown), "the value %s", decoration(&r->event));
	else if (conf_key_find(root))
		conf_report_error(r->l->report, here(r, shown),
			"stands at the root: begin the file with a line \"dyn_o_mite:\" and indent "
			"the keys below it");
	else
		conf_report_error(r->l->report, here(r, shown),
			"the root key has no keys below it: write them on the following lines, "
			"indented");
	return false;
}

/* Report a root key after the first. */
static bool refuse_root(struct reader *r)
{
	const char *name =
		r->event.type == YAML_SCALAR_EVENT ? (const char *)r->event.data.scalar.value : "?";
	char shown[SHOWN_QUOTED_MAX], root[SHOWN_QUOTED_MAX];

	shown_quoted(name, shown);
	shown_quoted(r->l->conf->root, root);
	if (conf_key_find(name))
		conf_report_error(r->l->report, here(r, shown),
			"stands beside the root key %s: indent it like the keys below that", root);
	else
		conf_report_error(r->l->report, here(r, shown),
			"is a second root key; a file has one, here %s", root);
	return skip_value(r) && next(r) && skip_value(r);
}

/* Read the root mapping, which begins here. */
static bool read_root(struct reader *r)
{
	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		if (r->l->conf->root) {
			if (!refuse_root(r))
				return false;
			continue;
		}
		if (r->event.type != YAML_SCALAR_EVENT || !scalar_text(r, "the root key")) {
			if (r->event.type != YAML_SCALAR_EVENT)
				conf_report_error(
					r->l->report, here(r, NULL), "the root key is not a word");
			return false;
		}
		r->l->conf->root = strdup((const char *)r->event.data.scalar.value);
		if (!r->l->conf->root) {
			r->l->report->no_memory = true;
			return false;
		}
		if (!next(r) || !read_root_value(r))
			return false;
	}
	return r->have_event;
}

static bool read_document(struct reader *r)
{
	bool empty;

	if (!next(r) || !next(r)) /* the stream, the document */
		return false;
	empty = r->event.type == YAML_STREAM_END_EVENT;
	if (!empty && !next(r))
		return false;
	if (!empty && r->event.type == YAML_MAPPING_START_EVENT && !decoration(&r->event)) {
		if (!read_root(r))
			return false;
	} else if (empty || (r->event.type == YAML_SCALAR_EVENT && is_null(&r->event))) {
		conf_report_error(r->l->report, conf_at_file(r->l->conf),
			"the file is empty: write a root key such as \"dyn_o_mite:\" and the keys "
			"below it");
		return false;
	} else {
		conf_report_error(r->l->report, here(r, NULL),
			"the file does not begin with a root key, such as \"dyn_o_mite:\"");
		return false;
	}
	if (!next(r) || !next(r)) /* the document's end, the stream's */
		return false;
	if (r->event.type != YAML_STREAM_END_EVENT) {
		conf_report_error(r->l->report, here(r, NULL),
			"a second document begins; a file has one: remove what follows");
		return false;
	}
	return true;
}

bool conf_yaml_read(struct conf_loader *l, const uint8_t *text, size_t len)
{
	struct reader r = {.l = l, .text = text};
	bool whole;

	if (!yaml_parser_initialize(&r.parser)) {
		l->report->no_memory = true;
		return false;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, text, len);
	whole = read_document(&r);
	forget_event(&r);
	forget_parser(&r.parser);
	return whole;
}
