/*
 * refusal - error replies that are caused not by the request, but by the state of a node or
 * datastore, so that the same request can succeed later.
 *
 * Any thread.
 */
#ifndef PROXY_REFUSAL_H
#define PROXY_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum refusal {
	REFUSAL_NONE,      /* no refusal: a result, or an error of the request */
	REFUSAL_NO_ANSWER, /* the data was not accessed: does not count as an answer */
	REFUSAL_NOT_DONE, /* an answer, but this replica could not carry out what others may have */
};

/* Classify a reply (len bytes, starting with its type). */
enum refusal refusal_in(const uint8_t *reply, size_t len);

#ifdef __cplusplus
}
#endif

#endif
