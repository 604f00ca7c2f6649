#include "repair/unsettled.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct item {
	struct unsettled_key key; /* first: a key is its item */
	TAILQ_ENTRY(item) link;
};

struct unsettled {
	TAILQ_HEAD(items, item) items; /* the newest first */
	size_t n;
};

struct unsettled *unsettled_new(void)
{
	struct unsettled *u = calloc(1, sizeof(*u));

	if (u)
		TAILQ_INIT(&u->items);
	return u;
}

static void drop(struct unsettled *u, struct item *i)
{
	TAILQ_REMOVE(&u->items, i, link);
	u->n--;
	free(i);
}

void unsettled_free(struct unsettled *u)
{
	if (!u)
		return;
	while (!TAILQ_EMPTY(&u->items))
		drop(u, TAILQ_FIRST(&u->items));
	free(u);
}

static size_t kept_len(size_t len)
{
	return len < UNSETTLED_KEY_BYTES ? len : UNSETTLED_KEY_BYTES;
}

/* Whether it is this key, or one as long that begins alike. */
static bool is_key(const struct item *i, const void *key, size_t len)
{
	return i->key.len == len && memcmp(i->key.key, key, kept_len(len)) == 0;
}

static struct item *find(struct unsettled *u, size_t with, const void *key, size_t len)
{
	struct item *i;

	TAILQ_FOREACH (i, &u->items, link)
		if (i->key.with == with && is_key(i, key, len))
			return i;
	return NULL;
}

/* The oldest gives way when there are too many. */
static struct item *add(struct unsettled *u, size_t with, const void *key, size_t len, double now)
{
	struct item *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	if (u->n == UNSETTLED_KEYS_MAX)
		drop(u, TAILQ_LAST(&u->items, items));
	memcpy(i->key.key, key, kept_len(len));
	i->key.len = len;
	i->key.with = with;
	i->key.first_at = now;
	TAILQ_INSERT_HEAD(&u->items, i, link);
	u->n++;
	return i;
}

void unsettled_note(struct unsettled *u, size_t with, const void *key, size_t len,
	enum recon_unsettled why, double now)
{
	struct item *i = find(u, with, key, len);

	if (i) {
		TAILQ_REMOVE(&u->items, i, link);
		TAILQ_INSERT_HEAD(&u->items, i, link);
	} else {
		i = add(u, with, key, len, now);
	}
	if (!i)
		return;
	i->key.why = why;
	i->key.found_at = now;
	i->key.times++;
}

void unsettled_repaired(struct unsettled *u, const void *key, size_t len)
{
	struct item *next;

	for (struct item *i = TAILQ_FIRST(&u->items); i; i = next) {
		next = TAILQ_NEXT(i, link);
		if (is_key(i, key, len))
			drop(u, i);
	}
}

void unsettled_compared(struct unsettled *u, size_t with, double began)
{
	struct item *next;

	for (struct item *i = TAILQ_FIRST(&u->items); i; i = next) {
		next = TAILQ_NEXT(i, link);
		if (i->key.with == with && i->key.found_at < began)
			drop(u, i);
	}
}

const struct unsettled_key *unsettled_next(
	const struct unsettled *u, const struct unsettled_key *last)
{
	const struct item *i = (const struct item *)last;

	i = i ? TAILQ_NEXT(i, link) : TAILQ_FIRST(&u->items);
	return i ? &i->key : NULL;
}
