#include "conf/conf_key.h"

#include "base/nearest.h"
#include "conf/conf_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct conf_key *conf_key_find(const char *name)
{
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

const struct conf_key *conf_key_nearest(const char *name)
{
	return &conf_keys[nearest(name, conf_keys, CONF_N_KEYS, sizeof(conf_keys[0]))];
}

bool conf_key_is_list(const struct conf_key *k)
{
	return k->type == CONF_TYPE_ADDRESSES || k->type == CONF_TYPE_SERVERS ||
	       k->type == CONF_TYPE_SEEDS || k->type == CONF_TYPE_TOKENS;
}

const char *conf_key_type(const struct conf_key *k)
{
	switch (k->type) {
	case CONF_TYPE_BOOL:
		return "boolean";
	case CONF_TYPE_NUMBER:
		return "number";
	case CONF_TYPE_SIZE:
		return "size";
	case CONF_TYPE_TEXT:
		return "text";
	case CONF_TYPE_PATH:
		return "path";
	case CONF_TYPE_SECRET:
		return "secret";
	case CONF_TYPE_CHOICE:
		return "choice";
	case CONF_TYPE_ADDRESS:
	case CONF_TYPE_BIND:
		return "address";
	case CONF_TYPE_TOKENS:
	case CONF_TYPE_ADDRESSES:
	case CONF_TYPE_SERVERS:
	case CONF_TYPE_SEEDS:
		return "list";
	}
	return "?";
}

static void allowed_numbers(const struct conf_key *k, char *text, size_t cap)
{
	snprintf(text, cap, "%lld..%lld%s%s%s%s%s", (long long)k->min, (long long)k->max,
		k->unit ? " " : "", k->unit ? k->unit : "",
		k->flags & CONF_MULTIPLE_16 ? ", a multiple of 16" : "",
		k->flags & CONF_ZERO_DEFAULT ? ", or 0 for the default" : "",
		k->flags & CONF_OR_UNLIMITED ? ", or 0 for no limit" : "");
}

/* The words of a choice, separated by commas. */
static void allowed_words(const struct conf_key *k, char *text, size_t cap)
{
	size_t len = 0;

	for (size_t i = 0; i < k->n_words && len < cap; i++)
		len += (size_t)snprintf(text + len, cap - len, "%s%s", i ? ", " : "", k->words[i]);
}

/* The supported value, which is the default, and the unsupported ones. */
static void allowed_served(const struct conf_key *k, char *text, size_t cap)
{
	int64_t last = k->type == CONF_TYPE_CHOICE ? (int64_t)k->n_words - 1 : 1;
	const char *mark = "";
	char value[CONF_NUMBER_MAX];
	size_t len;

	len = (size_t)snprintf(text, cap,
		"%s; known but not served: ", conf_key_number_text(k, k->def_number, value));
	for (int64_t i = 0; i <= last && len < cap; i++) {
		if (i == k->def_number)
			continue;
		len += (size_t)snprintf(
			text + len, cap - len, "%s%s", mark, conf_key_number_text(k, i, value));
		mark = ", ";
	}
}

const char *conf_key_allowed(const struct conf_key *k, char *text, size_t cap)
{
	const char *port = k->flags & CONF_PORT_ZERO ? "0..65535" : "1..65535";

	if (k->instead) {
		allowed_served(k, text, cap);
		return text;
	}
	text[0] = '\0';
	switch (k->type) {
	case CONF_TYPE_BOOL:
		snprintf(text, cap, "true, false");
		break;
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_SIZE:
		allowed_numbers(k, text, cap);
		break;
	case CONF_TYPE_TEXT:
	case CONF_TYPE_PATH:
	case CONF_TYPE_SECRET:
		if (k->min == k->max)
			snprintf(text, cap, "%lld bytes", (long long)k->min);
		else
			snprintf(text, cap, "%lld..%lld bytes", (long long)k->min,
				(long long)k->max);
		break;
	case CONF_TYPE_CHOICE:
		allowed_words(k, text, cap);
		break;
	case CONF_TYPE_TOKENS:
		snprintf(text, cap, "decimals of 0..4294967295, separated by commas");
		break;
	case CONF_TYPE_ADDRESS:
		snprintf(text, cap, "host:port with a port of %s%s", port,
			k->flags & CONF_UNIX_TOO ? ", or the path of a Unix socket" : "");
		break;
	case CONF_TYPE_BIND:
		snprintf(text, cap, "host, without a port: several connections share it");
		break;
	case CONF_TYPE_ADDRESSES:
		snprintf(text, cap, "entries host:port with a port of %s", port);
		break;
	case CONF_TYPE_SERVERS:
		snprintf(text, cap,
			"one entry host:port:weight [name], or /path/of/a/socket[:weight] [name]");
		break;
	case CONF_TYPE_SEEDS:
		snprintf(text, cap,
			"entries host:port:rack:datacenter:token[,token...], each token of "
			"0..4294967295");
		break;
	}
	return text;
}

bool conf_key_has_number(const struct conf_key *k)
{
	return k->type == CONF_TYPE_BOOL || k->type == CONF_TYPE_NUMBER ||
	       k->type == CONF_TYPE_SIZE || k->type == CONF_TYPE_CHOICE;
}

int64_t conf_key_number(const struct conf_key *k, const struct conf *c)
{
	const void *at = (const char *)c + k->offset;

	switch (k->type) {
	case CONF_TYPE_BOOL:
		return *(const bool *)at;
	case CONF_TYPE_CHOICE:
		return *(const int *)at;
	default:
		return *(const int64_t *)at;
	}
}

const char *conf_key_number_text(
	const struct conf_key *k, int64_t number, char text[CONF_NUMBER_MAX])
{
	if (k->type == CONF_TYPE_BOOL)
		return number ? "true" : "false";
	if (k->type == CONF_TYPE_CHOICE)
		return k->words[number];
	snprintf(text, CONF_NUMBER_MAX, "%" PRId64, number);
	return text;
}

#define MIB (INT64_C(1024) * 1024)

const char *conf_key_default(const struct conf_key *k, char text[CONF_NUMBER_MAX])
{
	if (k->def_text)
		return k->def_text;
	if (!conf_key_has_number(k))
		return k->def_words ? k->def_words : "none";
	if (k->type != CONF_TYPE_SIZE || k->def_number % MIB != 0)
		return conf_key_number_text(k, k->def_number, text);
	snprintf(text, CONF_NUMBER_MAX, "%" PRId64 " MiB", k->def_number / MIB);
	return text;
}

const char *conf_key_name(enum conf_key_id key)
{
	return conf_keys[key].name;
}

const char *conf_key_word(enum conf_key_id key, unsigned value)
{
	return conf_keys[key].words[value];
}
