#include "conf/conf.h"

#include "base/file.h"
#include "conf/conf_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The report -------------------------------------------------------------------------------
 */

bool conf_list_add(struct conf_list *list, const char *text)
{
	/* The room doubles, so that a long list is not copied at each entry: n tells when. */
	if ((list->n & (list->n - 1)) == 0) {
		char **grown = realloc(list->items, (list->n ? list->n * 2 : 1) * sizeof(*grown));

		if (!grown)
			return false;
		list->items = grown;
	}
	list->items[list->n] = strdup(text);
	if (!list->items[list->n])
		return false;
	list->n++;
	return true;
}

static void list_fini(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

void conf_report_fini(struct conf_report *report)
{
	list_fini(&report->errors);
	list_fini(&report->warnings);
}

void conf_fault(struct conf_loader *l, size_t line, const char *key, const char *fmt, ...)
{
	va_list args;

	if (l->too_many)
		return;
	va_start(args, fmt);
	if (!conf_report_add(&l->report->errors, l->path, line, key, fmt, args))
		l->no_memory = true;
	va_end(args);
	if (l->report->errors.n == CONF_ERRORS_MAX) {
		conf_fault(l, 0, NULL, "%d errors: the rest of the file was not read",
			CONF_ERRORS_MAX);
		l->too_many = true;
	}
}

void conf_warn(struct conf_loader *l, size_t line, const char *key, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!conf_report_add(&l->report->warnings, l->path, line, key, fmt, args))
		l->no_memory = true;
	va_end(args);
}

size_t conf_control_len(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;

	if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
		return 2;
	return (c[0] && c[0] < ' ') || c[0] == 0x7f;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

#define SHOWN_ESCAPE 4 /* bytes that stand for a control character */
#define SHOWN_TAIL   5 /* the dots, the closing quote and the NUL */

const char *conf_shown(const char *text, char out[CONF_SHOWN_MAX])
{
	size_t len = 0;

	out[len++] = '"';
	for (; *text && len + SHOWN_ESCAPE + SHOWN_TAIL <= CONF_SHOWN_MAX; text++) {
		size_t control = conf_control_len(text);

		if (control) {
			text += control - 1;
			len += (size_t)snprintf(
				out + len, SHOWN_ESCAPE + 1, "\\x%02x", (unsigned char)*text);
		} else {
			out[len++] = *text;
		}
	}
	if (*text) {
		/* Half a character would not be UTF-8 any more. */
		while (len > 1 && is_continuation(*text) && text[-1] == out[len - 1]) {
			text--;
			len--;
		}
		memcpy(out + len, "...", 3);
		len += 3;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}

struct conf_place *conf_place_of(const struct conf_loader *l, const struct conf_key *k)
{
	return &l->conf->places[k - conf_keys];
}

/* ---- Loading ----------------------------------------------------------------------------------
 */

static void set_defaults(struct conf_loader *l)
{
	for (size_t i = 0; i < conf_n_keys; i++) {
		if (conf_keys[i].def)
			conf_value_set(l, &conf_keys[i], conf_keys[i].def, 0);
	}
}

struct conf *conf_load_text_partly(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* UTF-8's byte order mark */
	struct conf_loader l = {.path = path, .report = report};
	bool whole = false;

	l.conf = calloc(1, sizeof(*l.conf));
	if (l.conf) {
		l.conf->path = strdup(path);
		l.conf->places = calloc(conf_n_keys, sizeof(*l.conf->places));
	}
	if (!l.conf || !l.conf->path || !l.conf->places) {
		l.no_memory = true;
		goto done;
	}
	set_defaults(&l);
	if (len >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0) {
		text += sizeof(mark);
		len -= sizeof(mark);
	}
	whole = conf_yaml_read(&l, text, len);
	if (whole)
		conf_check(&l);
done:
	if (l.no_memory)
		conf_fault(&l, 0, NULL, "out of memory");
	if (l.no_memory || !whole) {
		conf_free(l.conf);
		return NULL;
	}
	return l.conf;
}

/* What was loaded, if there was no error. */
static struct conf *all_or_nothing(struct conf *c, const struct conf_report *report)
{
	if (report->errors.n == 0)
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_load_text(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report)
{
	return all_or_nothing(conf_load_text_partly(path, text, len, report), report);
}

static void tell_unread(struct conf_loader *l, enum file_status status)
{
	bool misnamed = status == FILE_NOT_OPENED && errno != EACCES;
	char text[FILE_PROBLEM_MAX];

	if (status == FILE_DIRECTORY)
		conf_fault(l, 0, NULL, "is a directory; name a file in it");
	else if (status == FILE_TOO_LARGE)
		conf_fault(l, 0, NULL, "is larger than 1 MiB, which is no configuration");
	else if (status == FILE_NO_MEMORY)
		conf_fault(l, 0, NULL, "out of memory");
	else
		conf_fault(l, 0, NULL, "%s%s", file_problem(status, text),
			status == FILE_NOT_REGULAR ? "; name one"
			: misnamed                 ? "; -c names another file"
						   : "");
}

struct conf *conf_load_partly(const char *path, struct conf_report *report)
{
	struct conf_loader l = {.path = path, .report = report};
	struct conf *conf = NULL;
	struct file text;
	enum file_status status = file_read(path, CONF_FILE_MAX, &text);

	memset(report, 0, sizeof(*report));
	if (status == FILE_OK)
		conf = conf_load_text_partly(path, text.bytes, text.len, report);
	else
		tell_unread(&l, status);
	file_fini(&text); /* there may be a password in it */
	return conf;
}

struct conf *conf_load(const char *path, struct conf_report *report)
{
	return all_or_nothing(conf_load_partly(path, report), report);
}

/* ---- The values -------------------------------------------------------------------------------
 */

static void servers_free(struct conf *c)
{
	for (size_t i = 0; i < c->n_servers; i++) {
		free(c->servers[i].address);
		free(c->servers[i].name);
	}
	free(c->servers);
}

static void seeds_free(struct conf *c)
{
	for (size_t i = 0; i < c->n_seeds; i++) {
		free(c->seeds[i].rack);
		free(c->seeds[i].datacenter);
		free(c->seeds[i].tokens);
	}
	free(c->seeds);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < conf_n_keys; i++) {
		void *at = (char *)c + conf_keys[i].offset;
		char *text;

		switch (conf_keys[i].type) {
		case CONF_TYPE_SECRET:
			text = *(char **)at;
			if (text)
				explicit_bzero(text, strlen(text));
			free(text);
			break;
		case CONF_TYPE_TEXT:
		case CONF_TYPE_PATH:
		case CONF_TYPE_CHOICE:
		case CONF_TYPE_TOKENS:
		case CONF_TYPE_ADDRESS:
		case CONF_TYPE_BIND:
			free(*(char **)at);
			break;
		case CONF_TYPE_ADDRESSES:
			list_fini(at);
			break;
		case CONF_TYPE_SERVERS:
			servers_free(c);
			break;
		case CONF_TYPE_SEEDS:
			seeds_free(c);
			break;
		case CONF_TYPE_BOOL:
		case CONF_TYPE_NUMBER:
		case CONF_TYPE_SIZE:
			break;
		}
	}
	free(c->path);
	free(c->root);
	free(c->places);
	free(c);
}

/* ---- For people -------------------------------------------------------------------------------
 */

void conf_print_help(FILE *to)
{
	char allowed[CONF_WORDS_MAX];

	for (size_t i = 0; i < conf_n_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		fprintf(to, "%s%s: %s\n", i ? "\n" : "", k->name, k->help);
		fprintf(to, "    %s%s%s; default: %s%s\n    allowed: %s\n", conf_key_type(k),
			k->unit ? ", " : "", k->unit ? k->unit : "", conf_key_default(k),
			k->flags & CONF_UNUSED ? "; nothing uses it yet" : "",
			conf_key_allowed(k, allowed, sizeof(allowed)));
	}
}

static void print_servers(const struct conf *c, FILE *to)
{
	if (!c->n_servers)
		fprintf(to, "(none)");
	for (size_t i = 0; i < c->n_servers; i++)
		fprintf(to, "%s%s:%u%s%s", i ? ", " : "", c->servers[i].address,
			c->servers[i].weight, c->servers[i].name ? " " : "",
			c->servers[i].name ? c->servers[i].name : "");
}

static void print_seeds(const struct conf *c, FILE *to)
{
	char text[ADDR_TEXT_MAX];

	if (!c->n_seeds)
		fprintf(to, "(none)");
	for (size_t i = 0; i < c->n_seeds; i++)
		fprintf(to, "%s%s:%s:%s:%s", i ? ", " : "",
			addr_format(&c->seeds[i].addr, text, sizeof(text)), c->seeds[i].rack,
			c->seeds[i].datacenter, c->seeds[i].tokens);
}

static void print_list(const struct conf_list *list, FILE *to)
{
	if (!list->n)
		fprintf(to, "(none)");
	for (size_t i = 0; i < list->n; i++)
		fprintf(to, "%s%s", i ? ", " : "", list->items[i]);
}

static void print_text(const struct conf_key *k, const char *text, FILE *to)
{
	if (!text)
		fprintf(to, "(%s)", conf_key_default(k));
	else if (k->type == CONF_TYPE_SECRET)
		fprintf(to, "(set)");
	else
		fprintf(to, "%s", text);
}

static void print_value(const struct conf *c, const struct conf_key *k, FILE *to)
{
	const void *at = (const char *)c + k->offset;

	switch (k->type) {
	case CONF_TYPE_BOOL:
		fprintf(to, "%s", *(const bool *)at ? "true" : "false");
		break;
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_SIZE:
		fprintf(to, "%lld", (long long)*(const int64_t *)at);
		break;
	case CONF_TYPE_TEXT:
	case CONF_TYPE_PATH:
	case CONF_TYPE_SECRET:
	case CONF_TYPE_CHOICE:
	case CONF_TYPE_TOKENS:
	case CONF_TYPE_ADDRESS:
	case CONF_TYPE_BIND:
		print_text(k, *(char *const *)at, to);
		break;
	case CONF_TYPE_ADDRESSES:
		print_list(at, to);
		break;
	case CONF_TYPE_SERVERS:
		print_servers(c, to);
		break;
	case CONF_TYPE_SEEDS:
		print_seeds(c, to);
		break;
	}
}

void conf_print(const struct conf *c, FILE *to)
{
	for (size_t i = 0; i < conf_n_keys; i++) {
		fprintf(to, "%s: ", conf_keys[i].name);
		print_value(c, &conf_keys[i], to);
		fputc('\n', to);
	}
}
