#include "journal/slab.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_WORDS (1U << SLAB_PIECE_BITS)
#define HEAD_WORDS  ((sizeof(struct slab_piece) + 7) / 8)
#define PIECES_MAX  (1U << (32 - SLAB_PIECE_BITS))

/* What a piece begins with. */
struct slab_piece {
	struct slab_piece *next, *prev; /* those of its size with room */
	uint32_t number;
	uint32_t words;  /* of a block; 0: it has one block, of any size */
	uint32_t fresh;  /* words of the piece that were in use at some time */
	uint32_t unused; /* the first block that is no longer, as a word of the piece; 0: none */
	uint32_t n_used; /* blocks */
};

/* A block that is not in use. */
struct unused {
	uint32_t mark;
	uint32_t next;
};

void slab_fini(struct slab *s)
{
	for (uint32_t i = 0; i < s->n_pieces; i++)
		free(s->pieces[i]);
	free(s->pieces);
	free(s->spare);
	memset(s, 0, sizeof(*s));
}

/* ---- Pieces ---- */

static bool reserve_number(struct slab *s)
{
	uint32_t cap = s->cap_pieces ? s->cap_pieces * 2 : 16;
	uint64_t **pieces;
	uint32_t *spare;

	if (s->n_spare > 0 || s->n_pieces < s->cap_pieces)
		return true;
	if (s->n_pieces == PIECES_MAX)
		return false;
	pieces = realloc(s->pieces, cap * sizeof(*pieces));
	if (!pieces)
		return false;
	s->pieces = pieces;
	spare = realloc(s->spare, cap * sizeof(*spare));
	if (!spare)
		return false;
	s->spare = spare;
	s->cap_pieces = cap;
	return true;
}

/* A piece for blocks of so many words, or for one of n_words. */
static struct slab_piece *add_piece(struct slab *s, uint32_t words, size_t n_words)
{
	struct slab_piece *p;

	if (!reserve_number(s))
		return NULL;
	p = malloc(n_words * 8);
	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->number = s->n_spare > 0 ? s->spare[--s->n_spare] : s->n_pieces++;
	p->words = words;
	p->fresh = HEAD_WORDS;
	s->pieces[p->number] = (uint64_t *)p;
	return p;
}

static void free_piece(struct slab *s, struct slab_piece *p)
{
	s->pieces[p->number] = NULL;
	s->spare[s->n_spare++] = p->number;
	free(p);
}

static bool is_full(const struct slab_piece *p)
{
	return p->unused == 0 && p->fresh + p->words > PIECE_WORDS;
}

static void link_piece(struct slab *s, struct slab_piece *p)
{
	struct slab_piece **first = &s->with_room[p->words];

	p->prev = NULL;
	p->next = *first;
	if (p->next)
		p->next->prev = p;
	*first = p;
}

static void unlink_piece(struct slab *s, struct slab_piece *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else
		s->with_room[p->words] = p->next;
	if (p->next)
		p->next->prev = p->prev;
}

/* ---- Blocks ---- */

static void *get_large(struct slab *s, size_t words, uint32_t *number)
{
	struct slab_piece *p = add_piece(s, 0, HEAD_WORDS + words);

	if (!p)
		return NULL;
	p->n_used = 1;
	*number = p->number << SLAB_PIECE_BITS | (uint32_t)HEAD_WORDS;
	return slab_at(s, *number);
}

void *slab_get(struct slab *s, size_t bytes, uint32_t *number)
{
	size_t words = (bytes + 7) / 8;
	struct slab_piece *p;
	uint32_t at;

	if (words > SLAB_WORDS_MAX)
		return get_large(s, words, number);
	p = s->with_room[words];
	if (!p) {
		p = add_piece(s, (uint32_t)words, PIECE_WORDS);
		if (!p)
			return NULL;
		link_piece(s, p);
	}
	at = p->unused;
	if (at) {
		p->unused = ((const struct unused *)((uint64_t *)p + at))->next;
	} else {
		at = p->fresh;
		p->fresh += p->words;
	}
	p->n_used++;
	if (is_full(p))
		unlink_piece(s, p);
	*number = p->number << SLAB_PIECE_BITS | at;
	return (uint64_t *)p + at;
}

void slab_put(struct slab *s, uint32_t number)
{
	struct slab_piece *p = (struct slab_piece *)s->pieces[number >> SLAB_PIECE_BITS];
	struct unused *block = slab_at(s, number);

	p->n_used--;
	if (p->words == 0) {
		free_piece(s, p);
		return;
	}
	if (is_full(p))
		link_piece(s, p);
	block->mark = SLAB_UNUSED;
	block->next = p->unused;
	p->unused = number & (PIECE_WORDS - 1);
	/* The only one is kept: its next block may come at once. */
	if (p->n_used == 0 && (p->prev || p->next)) {
		unlink_piece(s, p);
		free_piece(s, p);
	}
}

bool slab_each(const struct slab *s, uint64_t *cursor, size_t *n,
	void (*fn)(void *arg, const void *block), void *arg)
{
	/* Downwards, so that pieces that are added meanwhile do not make it longer. */
	uint64_t left = *cursor ? *cursor : s->n_pieces;
	const struct slab_piece *p;

	*n = 0;
	if (left == 0)
		return false;
	p = (const struct slab_piece *)s->pieces[--left];
	*cursor = left;
	if (p && p->words == 0) {
		fn(arg, (const uint64_t *)p + HEAD_WORDS);
		*n = 1;
	} else if (p) {
		for (uint32_t at = HEAD_WORDS; at < p->fresh; at += p->words) {
			const void *block = (const uint64_t *)p + at;

			if (((const struct unused *)block)->mark == SLAB_UNUSED)
				continue;
			fn(arg, block);
			++*n;
		}
	}
	return left > 0;
}
