/*
 * conf - what a dynomite.yml says, as plain data.
 *
 * conf_load.h reads a file into it, conf_report.h says what is wrong, conf_print.h shows it.
 * Immutable once it is loaded: any thread.
 */
#ifndef CONF_H
#define CONF_H

#include "base/addr.h"
#include "base/consistency.h"
#include "conf/conf_key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The entropy channel's port above a node's peer port, where neither is given. */
#define CONF_RECON_PORT_ABOVE 4

/* The largest recon_max_rate, in bytes per second. */
#define CONF_RECON_RATE_MAX (INT64_C(1) << 40)

/* The choices; conf_key_word() gives the word that the file has for each. */
enum conf_admin { /* who may use the actions of the control server */
	CONF_ADMIN_LOOPBACK,
	CONF_ADMIN_ANY,
};

enum conf_provider { /* where the list of nodes comes from */
	CONF_PROVIDER_SIMPLE,
	CONF_PROVIDER_FLORIDA,
	CONF_PROVIDER_DNS,
};

enum conf_hash {
	CONF_HASH_ONE_AT_A_TIME,
	CONF_HASH_MD5,
	CONF_HASH_CRC16,
	CONF_HASH_CRC32,
	CONF_HASH_CRC32A,
	CONF_HASH_FNV1_64,
	CONF_HASH_FNV1A_64,
	CONF_HASH_FNV1_32,
	CONF_HASH_FNV1A_32,
	CONF_HASH_HSIEH,
	CONF_HASH_MURMUR,
	CONF_HASH_JENKINS,
	CONF_HASH_MURMUR3,
};

enum conf_secure { /* which connections between nodes are encrypted: those to another ... */
	CONF_SECURE_NONE,
	CONF_SECURE_RACK,
	CONF_SECURE_DATACENTER,
	CONF_SECURE_ALL,
};

enum conf_source { /* how the datastore is read */
	CONF_SOURCE_SCAN,
	CONF_SOURCE_SYNC,
};

enum conf_allow { /* who may connect to the receiver */
	CONF_ALLOW_PEERS,
	CONF_ALLOW_ANY,
};

enum conf_accept { /* what the receiver applies */
	CONF_ACCEPT_RESTORE,
	CONF_ACCEPT_DATA,
};

enum conf_protocol { /* which versions of the channel's protocol a node speaks */
	CONF_PROTOCOL_AUTO,
	CONF_PROTOCOL_1,
	CONF_PROTOCOL_2,
};

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

/* Where the file sets a key. */
struct conf_place {
	size_t line; /* from 1; 0: the key is not set */
	bool bad;    /* its value was refused */
};

/*
 * The values: a field for each key, with its name (but seeds for dyn_seeds).  A key that is not set
 * has its default, or NULL or an empty list where there is none.
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
	enum conf_admin stats_admin;
	char *datacenter, *rack, *tokens, *env;
	char *requirepass; /* wiped by conf_free */
	bool recon_enabled, recon_encrypt;
	char *recon_key_file, *recon_iv_file;
	char *recon_listen; /* default filled in; NULL when dyn_listen is not set either */
	struct conf_list recon_peers; /* "host:port", default filled in */
	char *recon_send_bind;        /* "host:0", or NULL */
	int64_t recon_interval_seconds;
	enum conf_source recon_source;
	int64_t recon_buffer_size, recon_header_size, recon_segment_bytes;
	int64_t recon_max_rate, recon_max_snapshot_bytes;
	char *recon_spool_dir; /* NULL: TMPDIR, else /var/tmp */
	char *recon_state_dir; /* NULL: see node/state_path.h */
	int64_t recon_journal_max_bytes;
	int64_t recon_max_connections, recon_timeout;
	enum conf_allow recon_allow;
	enum conf_accept recon_accept;
	enum conf_protocol recon_protocol;
	/* Times in milliseconds, mbuf_size in bytes. */
	enum conf_provider dyn_seed_provider;
	enum conf_secure secure_server_option;
	char *pem_key_file;
	enum conf_hash hash;
	char *hash_tag, *distribution;
	enum consistency read_consistency, write_consistency;
	bool preconnect, auto_eject_hosts, enable_gossip, read_repairs_enabled;
	int64_t data_store; /* 0 Redis, 1 memcache */
	int64_t timeout, backlog, client_connections, server_connections, datastore_connections;
	int64_t server_retry_timeout, server_failure_limit;
	int64_t dyn_port, dyn_connections, dyn_read_timeout, dyn_write_timeout;
	int64_t local_peer_connections, remote_peer_connections;
	int64_t gos_interval, conn_msg_rate, stats_interval, mbuf_size, max_msgs;
};

/* Release it and wipe its secrets; NULL is harmless. */
void conf_free(struct conf *c);

#ifdef __cplusplus
}
#endif

#endif
