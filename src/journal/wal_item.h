/*
 * wal_item - the bytes of a log: batches of items, most of which are records of journals.
 *
 *     segment   header, then batches
 *     batch     u32 length of the body, u32 check, body: items
 *     item      u8 type and flags, [share], what the type needs
 *
 * Numbers are little-endian, or varints of 7 bits a byte.  Without I/O.  Any thread.
 */
#ifndef JOURNAL_WAL_ITEM_H
#define JOURNAL_WAL_ITEM_H

#include "base/buf.h"
#include "journal/journal.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WAL_BATCH_HEAD 8
#define WAL_BODY_MAX   (64U << 20)

/* The items from WAL_SHARE on are no records: they have no position of their own. */
enum wal_type {
	WAL_COMMAND,  /* a write or a repair that is sent */
	WAL_ANSWERED, /* all commands of the lane up to a position that have no answer were carried
			 out */
	WAL_ANSWER,   /* of one command */
	WAL_RECORD,   /* any other record of a journal */
	WAL_VOID,     /* the dataset has nothing of some records */
	WAL_SKIP,     /* positions that may have been in use are passed over */
	WAL_SHARE,    /* the number of a share and its id */
	WAL_KEPT,     /* of wal_keep() */
	WAL_BEGIN,    /* of a snapshot */
	WAL_OPEN,     /* a command that had no answer when a snapshot began */
	WAL_PART,     /* a record of a snapshot */
	WAL_END,      /* of a snapshot */
	WAL_N_TYPES,
};

struct wal_item {
	enum wal_type type;
	uint32_t share, lane;
	uint64_t position;       /* of an open command; else set by who reads */
	uint64_t back;           /* of an answer: how far before its own position the command is */
	uint64_t n;              /* positions passed over; the id of a share */
	struct journal_record r; /* an answer has its action and mixed alone */
	struct journal_limits limits;
	struct journal_epoch marks;
	const uint8_t *bytes; /* kept, or of the lanes: see wal_lanes_write() */
	size_t len;
};

/* Append an item.  False, with nothing appended, when out of memory. */
bool wal_item_write(struct buf *to, const struct wal_item *it);

/* What is read borrows from the bytes and from this. */
struct wal_reader {
	const uint8_t *at, *end;
	struct journal_entry *entries; /* owned */
	size_t cap;
};
void wal_reader_fini(struct wal_reader *r);

/* The next item.  False at the end, or with *bad when the bytes are not those of an item. */
bool wal_item_read(struct wal_reader *r, struct wal_item *it, bool *bad);

/* A position for each lane, as the bytes of an item. */
bool wal_lanes_write(struct buf *to, const uint64_t *lanes);
bool wal_lanes_read(const uint8_t *bytes, size_t len, uint64_t *lanes);

/* Fill in the head of a batch, behind which its body of len bytes is.  place is that of the batch
 * in the log, so that bytes of elsewhere are not taken for it. */
void wal_batch_seal(uint8_t *head, size_t len, uint64_t id, uint64_t place);

/* The body of the batch at bytes.  False when it is cut off or damaged. */
bool wal_batch_check(
	const uint8_t *bytes, size_t len, uint64_t id, uint64_t place, size_t *body_len);

#ifdef __cplusplus
}
#endif

#endif
