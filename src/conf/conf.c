#include "conf/conf.h"

#include "conf/conf_internal.h"

#include <stdlib.h>
#include <string.h>

bool conf_list_add(struct conf_list *list, const char *text)
{
	/* The capacity doubles whenever n is a power of two, so that it needs no field of its own.
	 */
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

void conf_list_fini(struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

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
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
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
		case CONF_TYPE_TOKENS:
		case CONF_TYPE_ADDRESS:
		case CONF_TYPE_BIND:
			free(*(char **)at);
			break;
		case CONF_TYPE_ADDRESSES:
			conf_list_fini(at);
			break;
		case CONF_TYPE_SERVERS:
			servers_free(c);
			break;
		case CONF_TYPE_SEEDS:
			seeds_free(c);
			break;
		case CONF_TYPE_BOOL:
		case CONF_TYPE_CHOICE:
		case CONF_TYPE_NUMBER:
		case CONF_TYPE_SIZE:
			break;
		}
	}
	free(c->path);
	free(c->root);
	free(c);
}
