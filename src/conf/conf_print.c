#include "conf/conf_print.h"

#include "conf/conf_table.h"

void conf_print_help(FILE *to)
{
	char allowed[CONF_WORDS_MAX], number[CONF_NUMBER_MAX];

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const struct conf_key *k = &conf_keys[i];

		fprintf(to, "%s%s: %s\n", i ? "\n" : "", k->name, k->help);
		fprintf(to, "    %s%s%s; default: %s%s\n    allowed: %s\n", conf_key_type(k),
			k->unit ? ", " : "", k->unit ? k->unit : "", conf_key_default(k, number),
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
	char number[CONF_NUMBER_MAX];

	if (!text)
		fprintf(to, "(%s)", conf_key_default(k, number));
	else if (k->type == CONF_TYPE_SECRET)
		fprintf(to, "(set)");
	else
		fprintf(to, "%s", text);
}

static void print_value(const struct conf *c, const struct conf_key *k, FILE *to)
{
	const void *at = (const char *)c + k->offset;
	char number[CONF_NUMBER_MAX];

	switch (k->type) {
	case CONF_TYPE_BOOL:
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_SIZE:
	case CONF_TYPE_CHOICE:
		fputs(conf_key_number_text(k, conf_key_number(k, c), number), to);
		break;
	case CONF_TYPE_TEXT:
	case CONF_TYPE_PATH:
	case CONF_TYPE_SECRET:
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
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		fprintf(to, "%s: ", conf_keys[i].name);
		print_value(c, &conf_keys[i], to);
		fputc('\n', to);
	}
}
