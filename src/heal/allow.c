#include "heal/allow.h"

#include "base/addr.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The addresses of one name. */
struct host {
	struct addr_resolved addresses[ADDR_RESOLVED_MAX];
	size_t n;
};

struct heal_allow {
	const struct conf_list *list;
	size_t turn;          /* calls of heal_allow_refresh() */
	pthread_mutex_t lock; /* of hosts[] */
	struct host hosts[];  /* list->n of them */
};

struct heal_allow *heal_allow_new(const struct conf_list *list)
{
	struct heal_allow *allow = calloc(1, sizeof(*allow) + list->n * sizeof(allow->hosts[0]));

	if (!allow)
		return NULL;
	allow->list = list;
	pthread_mutex_init(&allow->lock, NULL);
	return allow;
}

void heal_allow_free(struct heal_allow *allow)
{
	if (!allow)
		return;
	pthread_mutex_destroy(&allow->lock);
	free(allow);
}

void heal_allow_refresh(struct heal_allow *allow, int64_t deadline_ms)
{
	struct addr_resolved found[ADDR_RESOLVED_MAX];
	struct addr a;
	const char *why;
	size_t first = allow->turn++; /* one name may use up the time: begin with another */

	for (size_t k = 0; k < allow->list->n; k++) {
		size_t i = (first + k) % allow->list->n;
		size_t n;

		if (!addr_parse(&a, allow->list->items[i]))
			continue;
		n = addr_resolve(&a, deadline_ms, -1, found, &why);
		if (n == 0)
			continue;
		pthread_mutex_lock(&allow->lock);
		memcpy(allow->hosts[i].addresses, found, n * sizeof(found[0]));
		allow->hosts[i].n = n;
		pthread_mutex_unlock(&allow->lock);
	}
}

bool heal_allow_admits(void *arg, const struct sockaddr *from)
{
	struct heal_allow *allow = arg;
	bool known = addr_sockaddr_is_loopback(from);

	pthread_mutex_lock(&allow->lock);
	for (size_t i = 0; i < allow->list->n && !known; i++)
		for (size_t j = 0; j < allow->hosts[i].n && !known; j++)
			known = addr_same_host(
				(const struct sockaddr *)&allow->hosts[i].addresses[j].sa, from);
	pthread_mutex_unlock(&allow->lock);
	return known;
}
