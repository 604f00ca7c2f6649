/*
 * security - which connections between nodes are encrypted, and their RSA key.
 *
 * Event loop's thread.
 */
#ifndef PROXY_SECURITY_H
#define PROXY_SECURITY_H

#include "cluster/ring.h"
#include "proto/dnode_crypto.h"
#include "proxy/proxy_options.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct security {
	enum proxy_encryption encryption;
	const struct ring *ring; /* borrowed */
	struct dnode_rsa *rsa;   /* NULL: nothing is encrypted */
};

/* Load the key, if any connection is encrypted.  False with a message logged on failure.  Call
 * security_fini() in any case. */
bool security_init(struct security *s, enum proxy_encryption encryption, const struct ring *ring,
	const char *pem_key_file);
void security_fini(struct security *s);

/* Whether connections between this node and those of a rack are encrypted. */
bool security_encrypts(const struct security *s, size_t rack);

#ifdef __cplusplus
}
#endif

#endif
