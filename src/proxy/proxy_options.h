/*
 * proxy_options - what the proxy is told of the node that it works for.
 *
 * Plain data; the names are those of dynomite.yml, whose manual page says what they do.
 */
#ifndef PROXY_PROXY_OPTIONS_H
#define PROXY_PROXY_OPTIONS_H

#include "base/consistency.h"
#include "proxy/write.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The links between this node and which others are encrypted. */
enum proxy_encryption {
	PROXY_ENCRYPT_NONE,
	PROXY_ENCRYPT_RACK,       /* those of another rack */
	PROXY_ENCRYPT_DATACENTER, /* those of another datacenter */
	PROXY_ENCRYPT_ALL,
};

/* What is told of as it happens, in the event loop's thread; each of them may be NULL. */
struct proxy_hooks {
	/* A node that was down, or missed requests, takes them again; it is an index into
	 * ring->nodes. */
	void (*node_back)(void *arg, size_t node);
	/*
	 * A write to this node's datastore begins: it is sent when this returns, or waits for its
	 * turn.  Called for each key that its arguments name and that it may change.  What it
	 * returns comes back as the key's mark in write_ended.
	 */
	uint64_t (*write_begun)(void *arg, const void *key, size_t len);
	/*
	 * A replica has answered a write, or will not: what became of it there.  node is an index
	 * into ring->nodes, 0: this node's datastore.  keys are those that the write may change of
	 * what this replica was to be sent; there are none when the request names none, or memory
	 * was short.  They are valid until this returns.  Called once for each replica and part of
	 * a request, also when it was not even sent.
	 */
	void (*write_ended)(void *arg, size_t node, const struct write_key *keys, size_t n_keys,
		enum write_fate fate);
	void *arg;
};

/* The texts are borrowed for as long as the proxy lives. */
struct proxy_options {
	const char *listen, *dyn_listen; /* NULL: nobody is taken there */
	int backlog;
	/* At the most; 0 clients: as many as there are descriptors for. */
	size_t client_connections, dyn_connections;
	size_t descriptors_kept; /* for what else the node does */

	const char *datastore;   /* "host:port" or the path of a socket */
	const char *requirepass; /* NULL: none */
	size_t datastore_connections;
	bool preconnect;

	size_t local_peer_connections, remote_peer_connections;
	bool auto_eject_hosts;
	int64_t server_retry_timeout_ms;
	unsigned server_failure_limit;
	enum proxy_encryption encryption;
	const char *pem_key_file; /* NULL only where nothing is encrypted */

	int64_t timeout_ms;
	size_t max_msgs; /* under way on one connection to the datastore or a node */
	enum consistency read_consistency, write_consistency; /* at the start */

	struct proxy_hooks hooks;
};

#ifdef __cplusplus
}
#endif

#endif
