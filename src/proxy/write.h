/*
 * write - a write as the proxy's hooks get it: its stamp, its keys, what became of it.  Plain
 * values.  Any thread.
 */
#ifndef PROXY_WRITE_H
#define PROXY_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happened to a write on one replica. */
enum write_fate {
	WRITE_UNDER_WAY,
	WRITE_TAKEN,   /* the replica has carried it out */
	WRITE_REFUSED, /* an error of the request: the local rack has not carried it out either */
	WRITE_MISSED,  /* not sent, or the replica could not carry it out */
	WRITE_UNKNOWN, /* sent, but not answered: may or may not be carried out */
};

/* What to do with a write that arrives for this node's datastore. */
enum write_verdict {
	WRITE_CARRY_OUT,
	WRITE_PASS_OVER, /* do not carry it out, but answer it: newer writes make it void */
	WRITE_WAIT,      /* ask again after a write of this node's datastore has ended */
	WRITE_DECLINE,   /* do not carry it out, and say so: it comes too late */
};

/* A key that a write may change. */
struct write_key {
	const void *bytes;
	size_t len;
	uint64_t mark;   /* the hooks' own; 0 at first */
	uint8_t effect;  /* enum request_effect */
	bool doubtful;   /* replicas may differ in it after this write: request_effect() */
	uint8_t verdict; /* enum write_verdict, set by write_arrives */
};

/* A write, or the part of it for keys with the same owners. */
struct stamped_write {
	/* Drawn by the node that took it from its client; see draw_stamp.  0: that node draws none,
	 * and write_arrives may set one. */
	uint64_t stamp;
	struct write_key *keys;
	size_t n_keys;
	bool divisible; /* it may be carried out for some of its keys alone */
};

#ifdef __cplusplus
}
#endif

#endif
