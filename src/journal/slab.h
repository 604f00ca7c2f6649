/*
 * slab - blocks of memory of many sizes, each with a number of 32 bits.
 *
 * Blocks of the same size share a piece of 32 KiB, which goes back to the allocator when it has
 * none left.  A block stays where it is until it is put back, and begins with a field of 32 bits
 * that its owner sets to anything but SLAB_UNUSED.  One thread.
 */
#ifndef JOURNAL_SLAB_H
#define JOURNAL_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the first field of a block says that is not in use. */
#define SLAB_UNUSED UINT32_MAX

/* Sizes are in words of 8 bytes; larger blocks have a piece of their own. */
#define SLAB_WORDS_MAX 256

#define SLAB_PIECE_BITS 12 /* of a block's number: the word in its piece */

struct slab_piece;

/* All zero: none in use. */
struct slab {
	uint64_t **pieces; /* by the upper bits of a block's number; NULL: a number to use again */
	uint32_t *spare;   /* those numbers */
	uint32_t n_pieces, cap_pieces, n_spare;
	/* By size: the first of the pieces that have room, which are linked; NULL: none. */
	struct slab_piece *with_room[SLAB_WORDS_MAX + 1];
};

void slab_fini(struct slab *s);

/* A block of so many bytes, not cleared, and its number, never 0.  NULL when out of memory. */
void *slab_get(struct slab *s, size_t bytes, uint32_t *number);
void slab_put(struct slab *s, uint32_t number);

/* The block with this number, which is in use. */
static inline void *slab_at(const struct slab *s, uint32_t number)
{
	return s->pieces[number >> SLAB_PIECE_BITS] + (number & ((1U << SLAB_PIECE_BITS) - 1));
}

/*
 * Call fn with the blocks in use of one piece.  *cursor is 0 at first; false when it was the last
 * piece.  Returns by *n how many blocks it was called with.  A block that is there from the first
 * to the last call is seen once.
 */
bool slab_each(const struct slab *s, uint64_t *cursor, size_t *n,
	void (*fn)(void *arg, const void *block), void *arg);

#ifdef __cplusplus
}
#endif

#endif
