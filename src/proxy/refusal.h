/*
 * refusal - error replies that tell not of the request, but of the state of a node or a datastore:
 * the same request will do when they are well.
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
	REFUSAL_NONE,      /* an answer, or an error of the request */
	REFUSAL_NO_ANSWER, /* nobody looked at the data: no replica has answered */
	REFUSAL_NOT_DONE,  /* an answer, but the replica cannot do what others may have done */
};

/* What the reply (len bytes from its type on) is. */
enum refusal refusal_in(const uint8_t *reply, size_t len);

#ifdef __cplusplus
}
#endif

#endif
