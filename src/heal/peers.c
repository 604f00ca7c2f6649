#include "heal/peers.h"

#include "base/addr.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct peer {
	struct addr_resolved addresses[ADDR_RESOLVED_MAX];
	size_t n;
};

struct peers {
	const struct conf_list *list;
	size_t turn;          /* of peers_refresh(), which runs once at a time */
	pthread_mutex_t lock; /* of peers[] */
	struct peer peers[];  /* list->n of them */
};

struct peers *peers_new(const struct conf_list *list)
{
	struct peers *p = calloc(1, sizeof(*p) + list->n * sizeof(p->peers[0]));

	if (!p)
		return NULL;
	p->list = list;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void peers_free(struct peers *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void peers_refresh(struct peers *p, int64_t deadline_ms)
{
	struct addr_resolved found[ADDR_RESOLVED_MAX];
	struct addr a;
	const char *why;
	size_t first = p->turn++; /* a name may use all the time up: each begins in its turn */

	for (size_t k = 0; k < p->list->n; k++) {
		size_t i = (first + k) % p->list->n;
		size_t n;

		if (!addr_parse(&a, p->list->items[i]))
			continue;
		n = addr_resolve(&a, deadline_ms, -1, found, &why);
		if (n == 0)
			continue;
		pthread_mutex_lock(&p->lock);
		memcpy(p->peers[i].addresses, found, n * sizeof(found[0]));
		p->peers[i].n = n;
		pthread_mutex_unlock(&p->lock);
	}
}

bool peers_allow(void *arg, const struct sockaddr *from)
{
	struct peers *p = arg;
	bool known = addr_sockaddr_is_loopback(from);

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->list->n && !known; i++)
		for (size_t j = 0; j < p->peers[i].n && !known; j++)
			known = addr_same_host(
				(const struct sockaddr *)&p->peers[i].addresses[j].sa, from);
	pthread_mutex_unlock(&p->lock);
	return known;
}
