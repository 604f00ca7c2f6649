#include "proxy/script_cache.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHA1_BYTES 20

void script_cache_init(struct script_cache *c)
{
	memset(c, 0, sizeof(*c));
	TAILQ_INIT(&c->all);
}

static void drop(struct script_cache *c, struct script *s)
{
	TAILQ_REMOVE(&c->all, s, next);
	LIST_REMOVE(s, same_bucket);
	c->n--;
	c->bytes -= s->len;
	free(s);
}

void script_cache_fini(struct script_cache *c)
{
	while (!TAILQ_EMPTY(&c->all))
		drop(c, TAILQ_FIRST(&c->all));
}

/* ---- Names ---- */

/* The name of a library: "name=" and a word in a first line that begins with "#!". */
static bool library_name(const uint8_t *body, size_t len, char name[SCRIPT_NAME_MAX + 1])
{
	static const char key[] = " name=";
	const uint8_t *end = memchr(body, '\n', len), *at;
	size_t n = 0;

	if (!end || end - body < 2 || memcmp(body, "#!", 2) != 0)
		return false;
	at = memmem(body, (size_t)(end - body), key, sizeof(key) - 1);
	if (!at)
		return false;
	for (at += sizeof(key) - 1; at < end && (isalnum(*at) || *at == '_'); at++) {
		if (n == SCRIPT_NAME_MAX)
			return false;
		name[n++] = (char)*at;
	}
	name[n] = '\0';
	return n > 0;
}

static bool sha1_name(const uint8_t *body, size_t len, char name[SCRIPT_NAME_MAX + 1])
{
	uint8_t sha[EVP_MAX_MD_SIZE];
	unsigned sha_len = 0;

	if (EVP_Digest(body, len, sha, &sha_len, EVP_sha1(), NULL) != 1 || sha_len != SHA1_BYTES)
		return false;
	for (size_t i = 0; i < SHA1_BYTES; i++)
		snprintf(name + 2 * i, 3, "%02x", sha[i]);
	return true;
}

/* A name as it is looked for; false when it is too long. */
static bool plain_name(
	enum script_kind kind, const void *text, size_t len, char name[SCRIPT_NAME_MAX + 1])
{
	const uint8_t *bytes = text;

	if (len > SCRIPT_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		name[i] = (char)(kind == SCRIPT_OF_EVAL ? tolower(bytes[i]) : bytes[i]);
	name[len] = '\0';
	return true;
}

/* ---- Finding ---- */

static struct script_bucket *bucket(struct script_cache *c, const char *name)
{
	uint32_t hash = 2166136261;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619;
	return &c->buckets[hash % SCRIPT_BUCKETS];
}

static struct script *find(struct script_cache *c, enum script_kind kind, const char *name)
{
	struct script *s;

	LIST_FOREACH (s, bucket(c, name), same_bucket)
		if (s->kind == kind && strcmp(s->name, name) == 0)
			return s;
	return NULL;
}

static void use(struct script_cache *c, struct script *s)
{
	TAILQ_REMOVE(&c->all, s, next);
	TAILQ_INSERT_HEAD(&c->all, s, next);
}

const struct script *script_cache_find(
	struct script_cache *c, enum script_kind kind, const void *name, size_t len)
{
	char plain[SCRIPT_NAME_MAX + 1];
	struct script *s = plain_name(kind, name, len, plain) ? find(c, kind, plain) : NULL;

	if (s)
		use(c, s);
	return s;
}

/* ---- Keeping and dropping ---- */

static void make_room(struct script_cache *c, size_t len)
{
	while (c->n > 0 && (c->n == SCRIPT_CACHE_MAX || c->bytes + len > SCRIPT_CACHE_BYTES_MAX))
		drop(c, TAILQ_LAST(&c->all, script_queue));
}

void script_cache_keep(struct script_cache *c, enum script_kind kind, const void *body, size_t len)
{
	char name[SCRIPT_NAME_MAX + 1];
	struct script *s;

	if (len > SCRIPT_CACHE_BYTES_MAX ||
		!(kind == SCRIPT_OF_EVAL ? sha1_name : library_name)(body, len, name))
		return;
	s = find(c, kind, name);
	if (s && kind == SCRIPT_OF_EVAL) {
		use(c, s);
		return;
	}
	if (s)
		drop(c, s);
	make_room(c, len);
	s = malloc(sizeof(*s) + len);
	if (!s)
		return;
	s->kind = kind;
	memcpy(s->name, name, sizeof(name));
	s->len = len;
	if (len > 0)
		memcpy(s->body, body, len);
	TAILQ_INSERT_HEAD(&c->all, s, next);
	LIST_INSERT_HEAD(bucket(c, name), s, same_bucket);
	c->n++;
	c->bytes += len;
}

void script_cache_drop(struct script_cache *c, enum script_kind kind, const void *name, size_t len)
{
	char plain[SCRIPT_NAME_MAX + 1];
	struct script *s = plain_name(kind, name, len, plain) ? find(c, kind, plain) : NULL;

	if (s)
		drop(c, s);
}

void script_cache_clear(struct script_cache *c, enum script_kind kind)
{
	struct script *s, *next;

	for (s = TAILQ_FIRST(&c->all); s; s = next) {
		next = TAILQ_NEXT(s, next);
		if (s->kind == kind)
			drop(c, s);
	}
}
