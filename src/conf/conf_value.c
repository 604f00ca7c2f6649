#include "base/number.h"
#include "base/shown.h"
#include "conf/conf_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define WEIGHT_MAX 1000000 /* the largest weight of a server */

/* Choices are stored through an int pointer. */
_Static_assert(sizeof(enum conf_source) == sizeof(int), "an enum is as wide as an int");

/* The field of k in the conf. */
static void *slot(const struct conf_loader *l, const struct conf_key *k)
{
	return (char *)l->conf + k->offset;
}

static void refuse(struct conf_loader *l, const struct conf_key *k, size_t line, const char *text,
	const char *problem)
{
	const struct conf_where where = {l->conf->path, line, k->name};
	char shown[SHOWN_QUOTED_MAX], allowed[CONF_WORDS_MAX];

	conf_place_of(l, k)->bad = true;
	conf_key_allowed(k, allowed, sizeof(allowed));
	if (k->type == CONF_TYPE_SECRET)
		conf_report_error(l->report, where, "the value %s; allowed: %s", problem, allowed);
	else
		conf_report_error(l->report, where, "%s %s; allowed: %s", shown_quoted(text, shown),
			problem, allowed);
}

static void set_text(struct conf_loader *l, const struct conf_key *k, const char *text)
{
	char **at = slot(l, k);
	char *copy = strdup(text);

	if (!copy) {
		l->report->no_memory = true;
		return;
	}
	free(*at);
	*at = copy;
}

/* ---- Booleans, numbers, choices ---------------------------------------------------------------
 */

static void set_bool(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	bool *at = slot(l, k);

	if (strcmp(text, "true") == 0)
		*at = true;
	else if (strcmp(text, "false") == 0)
		*at = false;
	else
		refuse(l, k, line, text, "is not a boolean");
}

/* The shift for the unit of a size, and the length of its digits. */
static bool split_size(const char *text, size_t *digits, unsigned *shift)
{
	static const struct {
		const char *name;
		unsigned shift;
	} units[] = {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}};
	const char *unit;

	*digits = strspn(text, "0123456789");
	unit = text + *digits;
	if (*digits && *unit == ' ' && unit[1])
		unit++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			*shift = units[i].shift;
			return *digits > 0;
		}
	}
	return false;
}

static void set_number(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	int64_t *at = slot(l, k);
	size_t digits = strlen(text);
	unsigned shift = 0;
	uint64_t value = 0;
	enum number_status status;

	if (k->type == CONF_TYPE_SIZE && !split_size(text, &digits, &shift)) {
		refuse(l, k, line, text, "is not a size, such as 16384 or 16 KiB");
		return;
	}
	status = number_read(text, digits, (uint64_t)INT64_MAX >> shift, &value);
	if (status != NUMBER_OK) {
		refuse(l, k, line, text,
			status == NUMBER_OVERFLOW ? "is out of range" : "is not a number");
		return;
	}
	value <<= shift;
	if (value == 0 && k->flags & CONF_ZERO_DEFAULT)
		return; /* the default is stored already */
	if (value == 0 && k->flags & CONF_OR_UNLIMITED)
		*at = 0;
	else if ((int64_t)value < k->min || (int64_t)value > k->max)
		refuse(l, k, line, text, "is out of range");
	else if (k->flags & CONF_MULTIPLE_16 && value % 16)
		refuse(l, k, line, text, "is not a multiple of 16");
	else
		*at = (int64_t)value;
}

static void set_choice(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	int (*const compare)(const char *, const char *) =
		k->flags & CONF_NO_CASE ? strcasecmp : strcmp;

	for (size_t i = 0; i < k->n_words; i++) {
		if (compare(k->words[i], text) == 0) {
			*(int *)slot(l, k) = (int)i;
			return;
		}
	}
	refuse(l, k, line, text, "is not one of them");
}

static void set_string(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	size_t len = strlen(text);

	if ((int64_t)len < k->min)
		refuse(l, k, line, text, "is too short");
	else if ((int64_t)len > k->max)
		refuse(l, k, line, text, "is too long");
	else
		set_text(l, k, text);
}

static bool tokens_valid(const char *text)
{
	uint64_t token;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (number_read(text, len, UINT32_MAX, &token) != NUMBER_OK)
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

static void set_tokens(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	char **at = slot(l, k);
	char *joined;

	if (!tokens_valid(text)) {
		refuse(l, k, line, text, "is not a list of tokens");
	} else if (strlen(text) + (*at ? strlen(*at) : 0) > (size_t)k->max) {
		refuse(l, k, line, text, "makes the list of tokens too long");
	} else if (!*at) {
		set_text(l, k, text);
	} else if (asprintf(&joined, "%s,%s", *at, text) < 0) {
		l->report->no_memory = true;
	} else {
		free(*at);
		*at = joined;
	}
}

/* ---- Addresses --------------------------------------------------------------------------------
 */

static bool unix_path_fits(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* NULL, or a description of the error. */
static const char *address_problem(const struct conf_key *k, const char *text)
{
	struct addr a;

	if (k->flags & CONF_UNIX_TOO && text[0] == '/')
		return unix_path_fits(text) ? NULL : "is too long for the path of a socket";
	if (!addr_parse(&a, text))
		return "is not host:port";
	if (a.port == 0 && !(k->flags & CONF_PORT_ZERO))
		return "has port 0, which names no port";
	return NULL;
}

static void set_address(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	const char *problem = address_problem(k, text);

	if (problem)
		refuse(l, k, line, text, problem);
	else
		set_text(l, k, text);
}

static void set_bind(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	char normal[ADDR_TEXT_MAX];
	struct addr a;

	if (!addr_parse_host(&a, text))
		refuse(l, k, line, text, "is not a host");
	else if (a.port != 0)
		refuse(l, k, line, text, "has a port");
	else
		set_text(l, k, addr_format(&a, normal, sizeof(normal)));
}

static void add_address(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	const char *problem = address_problem(k, text);

	if (problem)
		refuse(l, k, line, text, problem);
	else if (!conf_list_add(slot(l, k), text))
		l->report->no_memory = true;
}

/*
 * Host and port at the start of a longer entry.  A host with colons needs no brackets here, since
 * the port is known to follow the last colon.
 */
static bool parse_host_port(const char *text, struct addr *a)
{
	char bracketed[ADDR_TEXT_MAX];
	const char *port = strrchr(text, ':');
	int host_len;

	if (addr_parse(a, text))
		return a->port != 0;
	if (!port || strchr(text, '[') || port == text)
		return false;
	host_len = (int)(port - text);
	if (!memchr(text, ':', (size_t)host_len) || host_len > ADDR_HOST_MAX)
		return false;
	snprintf(bracketed, sizeof(bracketed), "[%.*s]%s", host_len, text, port);
	return addr_parse(a, bracketed) && a->port != 0;
}

/* ---- servers and dyn_seeds --------------------------------------------------------------------
 */

/* Cut the text at its last mark.  Returns what follows it, or NULL without a cut if there is none.
 */
static char *cut_last(char *text, char mark)
{
	char *at = strrchr(text, mark);

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

/* Fill in s from an entry, which is modified.  Returns NULL, or a description of the error. */
static const char *parse_server(char *entry, struct conf_server *s, bool *no_memory)
{
	char *name = cut_last(entry, ' ');
	bool is_path = entry[0] == '/';
	char *weight = NULL;
	uint64_t value = 1;
	struct addr a;
	char address[ADDR_TEXT_MAX];

	if (name && !*name)
		return "has no name behind the blank";
	if (!is_path && addr_parse(&a, entry))
		return "has no weight behind the port, such as the 1 of 127.0.0.1:6379:1";
	if (!is_path || strchr(entry, ':'))
		weight = cut_last(entry, ':');
	if (weight ? number_read(weight, strlen(weight), WEIGHT_MAX, &value) != NUMBER_OK
		   : !is_path)
		return "has no weight of 0..1000000";
	if (is_path && !unix_path_fits(entry))
		return "is too long for the path of a socket";
	if (!is_path) {
		if (!parse_host_port(entry, &a))
			return "does not begin with host:port";
		addr_format(&a, address, sizeof(address));
	}
	s->weight = (unsigned)value;
	s->address = strdup(is_path ? entry : address);
	s->name = name ? strdup(name) : NULL;
	*no_memory = !s->address || (name && !s->name);
	return NULL;
}

static void add_server(
	struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	struct conf *c = l->conf;
	struct conf_server *grown;
	char *entry;
	const char *problem;

	if (c->n_servers == 1) {
		refuse(l, k, line, text, "is a second entry: a node has one datastore");
		return;
	}
	entry = strdup(text);
	grown = calloc(1, sizeof(*grown));
	if (!entry || !grown) {
		l->report->no_memory = true;
		goto done;
	}
	problem = parse_server(entry, grown, &l->report->no_memory);
	if (problem) {
		refuse(l, k, line, text, problem);
		goto done;
	}
	c->servers = grown;
	c->n_servers = 1;
	grown = NULL;
done:
	free(grown);
	free(entry);
}

static bool is_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static const char *parse_seed(char *entry, struct conf_seed *s, bool *no_memory)
{
	char *name = cut_last(entry, ' ');
	char *tokens = cut_last(entry, ':');
	char *datacenter = tokens ? cut_last(entry, ':') : NULL;
	char *rack = datacenter ? cut_last(entry, ':') : NULL;

	if (name && !*name)
		return "has no name behind the blank";
	/* In host:port:rack:datacenter, split from the end, the port takes the rack's place. */
	if (tokens && (!*tokens || (rack && is_digits(rack) && !strchr(entry, ':'))))
		return "has no tokens, which stand at the end, as in "
		       "10.0.0.2:8101:rack2:dc1:0 or ...:dc1:0,2147483648";
	if (!rack)
		return "has too few parts";
	if (!tokens_valid(tokens))
		return "has a token that is not a decimal below 2^32";
	if (!*rack || !*datacenter)
		return "has an empty rack or datacenter";
	if (!parse_host_port(entry, &s->addr))
		return "does not begin with host:port";
	s->rack = strdup(rack);
	s->datacenter = strdup(datacenter);
	s->tokens = strdup(tokens);
	*no_memory = !s->rack || !s->datacenter || !s->tokens;
	return NULL;
}

/* Make room for one more seed; the capacity doubles whenever it is used up. */
static bool grow_seeds(struct conf *c)
{
	struct conf_seed *grown;

	if ((c->n_seeds & (c->n_seeds - 1)) != 0)
		return true;
	grown = realloc(c->seeds, (c->n_seeds ? c->n_seeds * 2 : 1) * sizeof(*grown));
	if (!grown)
		return false;
	c->seeds = grown;
	return true;
}

static void add_seed(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	struct conf *c = l->conf;
	char *entry = strdup(text);
	const char *problem;

	if (!entry || !grow_seeds(c)) {
		l->report->no_memory = true;
		goto done;
	}
	memset(&c->seeds[c->n_seeds], 0, sizeof(*c->seeds));
	c->seeds[c->n_seeds].line = line;
	problem = parse_seed(entry, &c->seeds[c->n_seeds], &l->report->no_memory);
	if (problem)
		refuse(l, k, line, text, problem);
	else
		c->n_seeds++;
done:
	free(entry);
}

/* ---- Any --------------------------------------------------------------------------------------
 */

void conf_value_set(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line)
{
	static void (*const setters[])(
		struct conf_loader *, const struct conf_key *, const char *, size_t) = {
		[CONF_TYPE_BOOL] = set_bool,
		[CONF_TYPE_NUMBER] = set_number,
		[CONF_TYPE_SIZE] = set_number,
		[CONF_TYPE_TEXT] = set_string,
		[CONF_TYPE_PATH] = set_string,
		[CONF_TYPE_SECRET] = set_string,
		[CONF_TYPE_CHOICE] = set_choice,
		[CONF_TYPE_TOKENS] = set_tokens,
		[CONF_TYPE_ADDRESS] = set_address,
		[CONF_TYPE_BIND] = set_bind,
		[CONF_TYPE_ADDRESSES] = add_address,
		[CONF_TYPE_SERVERS] = add_server,
		[CONF_TYPE_SEEDS] = add_seed,
	};

	/* A control character would break log lines or act on a terminal. */
	if (k->type != CONF_TYPE_SECRET) {
		for (const char *c = text; *c; c++) {
			if (shown_control_len(c)) {
				refuse(l, k, line, text, "holds a control character");
				return;
			}
		}
	}
	setters[k->type](l, k, text, line);
}

void conf_value_set_default(struct conf_loader *l, const struct conf_key *k)
{
	void *at = slot(l, k);

	switch (k->type) {
	case CONF_TYPE_BOOL:
		*(bool *)at = k->def_number != 0;
		break;
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_SIZE:
		*(int64_t *)at = k->def_number;
		break;
	case CONF_TYPE_CHOICE:
		*(int *)at = (int)k->def_number;
		break;
	default:
		if (k->def_text)
			set_text(l, k, k->def_text);
	}
}
