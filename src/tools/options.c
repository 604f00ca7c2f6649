#include "tools/options.h"

#include "base/nearest.h"
#include "base/number.h"
#include "tools/tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 28

#define HELP_GIVEN (-1)
#define WRONG      (-2) /* an error, which was printed */

struct parse {
	const struct subcommand *command;
	int argc, next;
	char **argv;
	void *settings;
};

const char *options_nearest(const char *text, const void *names, size_t n, size_t stride)
{
	const char *name;

	memcpy(&name, (const char *)names + nearest(text, names, n, stride) * stride, sizeof(name));
	return nearest_is_slip(text, name) ? name : NULL;
}

static void hint(const struct parse *p)
{
	fprintf(stderr, "dyn-entropy: 'dyn-entropy %s --help' lists its options\n",
		p->command->name);
}

static int unknown_option(const struct parse *p, const char *text)
{
	const char *names[64];
	const char *near;
	size_t n = 0;

	for (; n < p->command->n_options && n < sizeof(names) / sizeof(names[0]); n++)
		names[n] = p->command->options[n].name;
	near = options_nearest(text + strspn(text, "-"), names, n, sizeof(names[0]));
	if (near != NULL)
		tool_error(
			"%s: unknown option %s; did you mean --%s?", p->command->name, text, near);
	else
		tool_error("%s: unknown option %s", p->command->name, text);
	hint(p);
	return WRONG;
}

/* Parse digits, followed by a unit if it is a size. */
static bool read_number(const char *text, bool is_size, uint64_t *out)
{
	static const char units[] = "KMG";
	const char *end;
	uint64_t value;
	size_t used;

	if (number_read_front(text, strlen(text), UINT64_MAX, &value, &used) != NUMBER_OK)
		return false;
	end = text + used;
	if (is_size && *end != '\0') {
		const char *unit = strchr(units, *end);
		unsigned shift;

		if (unit == NULL || end[1] != '\0')
			return false;
		shift = 10U * (unsigned)(unit - units + 1);
		if (value > UINT64_MAX >> shift)
			return false;
		value <<= shift;
	} else if (*end != '\0') {
		return false;
	}
	*out = value;
	return true;
}

static bool number_fits(const struct option *o, uint64_t value)
{
	return (value >= o->min && value <= o->max) || (o->type == OPTION_RATE && value == 0);
}

static int store_number(const struct parse *p, const struct option *o, const char *value)
{
	struct option_number *number = (struct option_number *)((char *)p->settings + o->offset);
	bool is_size = o->type != OPTION_NUMBER;

	if (!read_number(value, is_size, &number->value) || !number_fits(o, number->value)) {
		tool_error("%s: --%s %s: must be %s%" PRIu64 "..%" PRIu64 "%s", p->command->name,
			o->name, value, o->type == OPTION_RATE ? "0 or " : "", o->min, o->max,
			is_size ? " bytes; K, M or G may follow" : "");
		return WRONG;
	}
	number->given = true;
	return 0;
}

static int store(const struct parse *p, const struct option *o, const char *value)
{
	void *field = (char *)p->settings + o->offset;
	struct option_list *list;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		if (*(const char **)field != NULL) {
			tool_error("%s: --%s is given twice", p->command->name, o->name);
			return WRONG;
		}
		*(const char **)field = value;
		return 0;
	case OPTION_NUMBER:
	case OPTION_SIZE:
	case OPTION_RATE:
		return store_number(p, o, value);
	case OPTION_LIST:
		list = field;
		if (list->n == OPTION_LIST_MAX) {
			tool_error("%s: more than %d of --%s", p->command->name, OPTION_LIST_MAX,
				o->name);
			return WRONG;
		}
		list->items[list->n++] = value;
		return 0;
	}
	return WRONG;
}

static const struct option *find(const struct subcommand *c, const char *text, const char **value)
{
	size_t len;

	*value = NULL;
	if (text[1] != '-') {
		for (size_t i = 0; i < c->n_options; i++) {
			if (c->options[i].letter == text[1]) {
				if (text[2] != '\0')
					*value = text + 2;
				return &c->options[i];
			}
		}
		return NULL;
	}
	len = strcspn(text + 2, "=");
	for (size_t i = 0; i < c->n_options; i++) {
		const char *name = c->options[i].name;

		if (strlen(name) == len && memcmp(name, text + 2, len) == 0) {
			if (text[2 + len] == '=')
				*value = text + 2 + len + 1;
			return &c->options[i];
		}
	}
	return NULL;
}

static int parse_option(struct parse *p, const char *text)
{
	const char *value;
	const struct option *o = find(p->command, text, &value);

	if (o == NULL)
		return unknown_option(p, text);
	if (o->arg == NULL && value != NULL) {
		tool_error("%s: --%s takes no value", p->command->name, o->name);
		return WRONG;
	}
	if (o->arg != NULL && value == NULL && p->next < p->argc)
		value = p->argv[p->next++];
	if (o->arg != NULL && (value == NULL || value[0] == '\0')) {
		tool_error("%s: --%s needs a value: --%s %s", p->command->name, o->name, o->name,
			o->arg);
		return WRONG;
	}
	return store(p, o, value);
}

static void print_lines(FILE *to, const char *text, int indent)
{
	for (;;) {
		size_t len = strcspn(text, "\n");

		fprintf(to, "%.*s\n", (int)len, text);
		if (text[len] == '\0')
			return;
		text += len + 1;
		fprintf(to, "%*s", indent, "");
	}
}

/* The help of an option, and its default on the last line; sizes of whole MiB as one may write
 * them. */
static void print_option_help(FILE *to, const struct option *o)
{
	const uint64_t mib = UINT64_C(1) << 20;
	char help[512];

	if (o->by_default == 0) {
		print_lines(to, o->help, HELP_COLUMN);
		return;
	}
	if (o->type == OPTION_SIZE && o->by_default % mib == 0)
		snprintf(help, sizeof(help), "%s (default %" PRIu64 "M)", o->help,
			o->by_default / mib);
	else
		snprintf(help, sizeof(help), "%s (default %" PRIu64 ")", o->help, o->by_default);
	print_lines(to, help, HELP_COLUMN);
}

static void print_option(FILE *to, const struct option *o)
{
	char left[80];
	char letter[5] = "    ";

	if (o->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name, o->arg != NULL ? " " : "",
		o->arg != NULL ? o->arg : "");
	if (strlen(left) + 2 > HELP_COLUMN)
		fprintf(to, "%s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(to, "%-*s", HELP_COLUMN, left);
	print_option_help(to, o);
}

static void print_help(const struct subcommand *command, FILE *to)
{
	static const struct option help = {
		.letter = 'h', .name = "help", .help = "print this and exit"};

	fprintf(to, "Usage: dyn-entropy %s [OPTION]...%s%s\n%s\n", command->name,
		command->operands[0] != '\0' ? " " : "", command->operands, command->summary);
	if (command->about != NULL) {
		fputc('\n', to);
		print_lines(to, command->about, 0);
	}
	fputs("\nOptions:\n", to);
	for (size_t i = 0; i < command->n_options; i++)
		print_option(to, &command->options[i]);
	print_option(to, &help);
}

/* Returns 0, HELP_GIVEN or WRONG. */
static int parse(const struct subcommand *command, int argc, char **argv, void *settings,
	const char **operands)
{
	struct parse p = {
		.command = command, .argc = argc, .next = 1, .argv = argv, .settings = settings};
	bool only_operands = false;
	size_t n = 0;

	while (p.next < argc) {
		const char *text = argv[p.next++];

		if (!only_operands && strcmp(text, "--") == 0) {
			only_operands = true;
		} else if (!only_operands &&
			   (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)) {
			print_help(command, stdout);
			return HELP_GIVEN;
		} else if (!only_operands && text[0] == '-' && text[1] != '\0') {
			int rc = parse_option(&p, text);

			if (rc != 0)
				return rc;
		} else if (n == command->n_operands + command->n_optional) {
			tool_error("%s: unexpected operand '%s'", command->name, text);
			hint(&p);
			return WRONG;
		} else {
			operands[n++] = text;
		}
	}
	if (n < command->n_operands) {
		tool_error("%s: needs %s", command->name, command->operands);
		hint(&p);
		return WRONG;
	}
	return 0;
}

int options_run(const struct subcommand *command, int argc, char **argv)
{
	const char *operands[OPTIONS_OPERANDS_MAX] = {NULL};
	void *settings = calloc(1, command->settings_size);
	int code;

	if (settings == NULL) {
		tool_error("%s: out of memory", command->name);
		return TOOL_EXIT_FAILED;
	}
	code = parse(command, argc, argv, settings, operands);
	if (code == 0)
		code = command->run(settings, operands);
	else
		code = code == HELP_GIVEN ? TOOL_EXIT_OK : TOOL_EXIT_USAGE;
	free(settings);
	return code;
}
