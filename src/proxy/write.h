/*
 * write - what is told of the writes that go through the proxy.  Plain values.  Any thread.
 */
#ifndef PROXY_WRITE_H
#define PROXY_WRITE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of a write on one replica. */
enum write_fate {
	WRITE_TAKEN,   /* the replica says that it is done */
	WRITE_REFUSED, /* an error that tells of the request: no replica does it */
	WRITE_MISSED,  /* it was not sent, or the replica says that it could not be done now */
	WRITE_UNKNOWN, /* it was sent, and there is no answer: it may be done */
};

/* A key that a write may change. */
struct write_key {
	const void *bytes;
	size_t len;
	uint64_t mark; /* what the hook that was told of its beginning has returned; 0: none was */
};

#ifdef __cplusplus
}
#endif

#endif
