/*
 * write - the keys and the fate of a write, as the proxy's hooks get them.  Plain values.  Any
 * thread.
 */
#ifndef PROXY_WRITE_H
#define PROXY_WRITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What happened to a write on one replica. */
enum write_fate {
	WRITE_TAKEN,   /* the replica has carried it out */
	WRITE_REFUSED, /* an error of the request: fails on every replica */
	WRITE_MISSED,  /* not sent, or the replica could not carry it out now */
	WRITE_UNKNOWN, /* sent, but not answered: may or may not be carried out */
};

/* A key that a write may change. */
struct write_key {
	const void *bytes;
	size_t len;
	uint64_t mark; /* the result of the hook write_begun; 0: none */
};

#ifdef __cplusplus
}
#endif

#endif
