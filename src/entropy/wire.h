/*
 * wire - a session as bytes, in both directions, without any I/O.
 *
 *     negotiation header, snapshot header, chunks        (the headers: wire_header.h)
 *
 * The outbound half reads plaintext from a source and gives the bytes of the connection in pieces;
 * the inbound half is fed the bytes of a connection, in pieces of any size, and delivers plaintext.
 * One thread at a time.
 */
#ifndef ENTROPY_WIRE_H
#define ENTROPY_WIRE_H

#include "entropy/cipher.h"
#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Outbound ---- */

struct wire_out_options {
	uint32_t buffer_size;
	uint32_t header_size;
	struct cipher *cipher; /* NULL: plaintext; borrowed */
};

struct wire_out;

/* For any number of sessions, one after the other.  wire_out_free(NULL) is harmless. */
enum dyn_entropy_status wire_out_new(const struct wire_out_options *options, struct wire_out **out,
	struct dyn_entropy_error *err);
void wire_out_free(struct wire_out *w);

/* Begin a session for the snapshot of total_len bytes that source->next() has begun; source is
 * borrowed until the session's end. */
void wire_out_begin(struct wire_out *w, struct dyn_entropy_source *source, uint32_t total_len);

/*
 * The next bytes of the session, valid until the next call: about 256 KiB, or one chunk when chunks
 * are larger.  *len is 0 when the session is complete.  DYN_ENTROPY_ERR_SOURCE when the source
 * gives less than it said.
 */
enum dyn_entropy_status wire_out_next(
	struct wire_out *w, const uint8_t **bytes, size_t *len, struct dyn_entropy_error *err);

/* Plaintext bytes that wire_out_next has turned into wire bytes in this session. */
uint32_t wire_out_plain_bytes(const struct wire_out *w);

/* ---- Inbound ---- */

struct wire_in_options {
	struct cipher *cipher; /* NULL: takes plaintext only; else encrypted only.  Borrowed */
	uint64_t max_snapshot_bytes; /* a header that announces more is refused */
	/* Takes plaintext as it is decrypted.  NULL: it is checked and dropped. */
	enum dyn_entropy_status (*deliver)(
		void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err);
	void *deliver_arg;
};

struct wire_in;

/* For one session; options is copied.  wire_in_free(NULL) is harmless. */
enum dyn_entropy_status wire_in_new(
	const struct wire_in_options *options, struct wire_in **out, struct dyn_entropy_error *err);
void wire_in_free(struct wire_in *w);

/* Process the next bytes.  After an error the session is over: feed it no more. */
enum dyn_entropy_status wire_in_feed(
	struct wire_in *w, const uint8_t *bytes, size_t len, struct dyn_entropy_error *err);

/* The stream has ended: OK only at the end of the session. */
enum dyn_entropy_status wire_in_finish(const struct wire_in *w, struct dyn_entropy_error *err);

bool wire_in_has_headers(const struct wire_in *w);   /* both have arrived and are valid */
uint32_t wire_in_total_len(const struct wire_in *w); /* as announced; once it has headers */
uint32_t wire_in_delivered(const struct wire_in *w); /* plaintext bytes so far */

#ifdef __cplusplus
}
#endif

#endif
