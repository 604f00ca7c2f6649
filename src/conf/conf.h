/*
 * conf - what a dynomite.yml says, as plain data.
 *
 * conf_load.h reads a file into it, conf_report.h says what is wrong, conf_print.h shows it.
 * Immutable once it is loaded: any thread.
 */
#ifndef CONF_H
#define CONF_H

#include "base/addr.h"
#include "conf/conf_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The entropy channel's port above a node's peer port, where neither is given. */
#define CONF_RECON_PORT_ABOVE 4

/* Bytes per second below which recon_max_rate is refused: a receiver gives a connection up that
 * brings less, and the library does not send at less. */
#define CONF_RECON_RATE_MIN 131072
#define CONF_RECON_RATE_MAX (INT64_C(1) << 40)

struct conf_list {
	char **items; /* owned */
	size_t n;
};

/* An entry of servers: host:port:weight [name], or /path/of/a/socket[:weight] [name]. */
struct conf_server {
	char *address; /* "host:port" or the path; owned */
	unsigned weight;
	char *name; /* owned; may be NULL */
};

/* An entry of dyn_seeds: host:port:rack:datacenter:token[,token...]. */
struct conf_seed {
	struct addr addr;
	char *rack;       /* owned */
	char *datacenter; /* owned */
	char *tokens;     /* as written; owned */
	size_t line;      /* where it stands */
};

/* What the file says of a key. */
struct conf_place {
	size_t line; /* where it stands, from 1; 0: it does not */
	bool bad;    /* its value was refused */
};

/*
 * The values, a field for each key and under its name (dyn_seeds is seeds); an absent key has its
 * default, or NULL / an empty list.
 */
struct conf {
	char *path; /* of the file */
	char *root; /* the root key's name */
	struct conf_place places[CONF_N_KEYS];
	struct conf_server *servers;
	size_t n_servers;
	struct conf_seed *seeds; /* dyn_seeds */
	size_t n_seeds;
	char *listen, *dyn_listen;
	char *stats_listen;
	char *stats_admin; /* "loopback" or "any" */
	char *datacenter, *rack, *tokens, *env;
	char *requirepass; /* wiped by conf_free */
	bool recon_enabled, recon_encrypt;
	char *recon_key_file, *recon_iv_file;
	char *recon_listen; /* with its default filled in; NULL when neither key is there */
	struct conf_list recon_peers; /* "host:port", with the default filled in */
	char *recon_send_bind;        /* "host:0", or NULL */
	int64_t recon_interval_seconds;
	char *recon_source; /* "scan" or "sync" */
	int64_t recon_buffer_size, recon_header_size, recon_segment_bytes;
	int64_t recon_max_rate, recon_max_snapshot_bytes;
	char *recon_spool_dir; /* NULL: TMPDIR, else /var/tmp */
	int64_t recon_max_connections, recon_timeout;
	char *recon_allow;  /* "peers" or "any" */
	char *recon_accept; /* "restore" or "data" */
	/* Times in milliseconds, mbuf_size in bytes. */
	char *dyn_seed_provider, *secure_server_option, *pem_key_file;
	char *hash, *hash_tag, *distribution;
	char *read_consistency, *write_consistency; /* "DC_ONE" and so on, in capitals */
	bool preconnect, auto_eject_hosts, enable_gossip, read_repairs_enabled;
	int64_t data_store; /* 0 Redis, 1 memcache */
	int64_t timeout, backlog, client_connections, server_connections, datastore_connections;
	int64_t server_retry_timeout, server_failure_limit;
	int64_t dyn_port, dyn_connections, dyn_read_timeout, dyn_write_timeout;
	int64_t local_peer_connections, remote_peer_connections;
	int64_t gos_interval, conn_msg_rate, stats_interval, mbuf_size, max_msgs;
};

/* NULL is harmless. */
void conf_free(struct conf *c);

#ifdef __cplusplus
}
#endif

#endif
