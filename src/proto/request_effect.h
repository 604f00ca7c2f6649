/*
 * request_effect - what a write does to each of its keys.
 *
 * Any thread.
 */
#ifndef PROTO_REQUEST_EFFECT_H
#define PROTO_REQUEST_EFFECT_H

#include "proto/request.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum request_effect {
	REQUEST_UPDATES,    /* the result depends on the former value, or the write has a condition
			     */
	REQUEST_OVERWRITES, /* the result does not depend on it, nor on whether there was one */
	REQUEST_DELETES,    /* the key is gone */
};

/*
 * The effect on the i-th key, one of those that the request may change (request_key()), provided
 * that the reply is no error.  *doubtful is set to whether replicas with the same former value may
 * come to different ones: when other keys, chance, the clock or a script have a say.
 */
enum request_effect request_effect(const struct request *r, uint32_t i, bool *doubtful);

/* The argument of an XADD with which it leaves the id to the clock of Redis; 0: there is none. */
uint32_t request_xadd_star(const struct request *r);

/*
 * Whether the reply says that a write that updates its keys has left them as they were: SET with NX
 * whose key was there, SADD of a member that was there.  Of one that may change them in any other
 * way it says nothing, nor of one that is doubtful.
 */
bool request_left_unchanged(const struct command *c, const uint8_t *reply, size_t len);

#ifdef __cplusplus
}
#endif

#endif
