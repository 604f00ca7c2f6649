/*
 * proxy_options - what the proxy is told of the node that it works for.
 *
 * Plain data; the names are those of dynomite.yml, whose manual page says what they do.
 */
#ifndef PROXY_PROXY_OPTIONS_H
#define PROXY_PROXY_OPTIONS_H

#include "base/consistency.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The links between this node and which others are encrypted. */
enum proxy_encryption {
	PROXY_ENCRYPT_NONE,
	PROXY_ENCRYPT_RACK,       /* those of another rack */
	PROXY_ENCRYPT_DATACENTER, /* those of another datacenter */
	PROXY_ENCRYPT_ALL,
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

	/* Told of each node that was down, or missed requests, and takes them again, by its index
	 * in ring->nodes; may be NULL. */
	void (*node_back)(void *arg, size_t node);
	void *node_back_arg;
};

#endif
