/*
 * conf - dynomite.yml: one table of keys, a loader that reports everything wrong with a file at
 * once, and the values.
 *
 * A file has one root key of any name whose value is one mapping, as Dynomite has it.  Main thread.
 */
#ifndef CONF_H
#define CONF_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The entropy channel's port above a node's peer port, where neither is given. */
#define CONF_RECON_PORT_ABOVE 4

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
};

/*
 * The values, a field for each key and under its name (dyn_seeds is seeds); an absent key has its
 * default, or NULL / an empty list.
 */
struct conf {
	char *path; /* of the file */
	char *root; /* the root key's name */
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
	char *recon_send_bind;        /* "host:port" (port 0 when none was written), or NULL */
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

/* What a load had to say: one line each, "file:line: key: ...".  Owned by the report. */
struct conf_report {
	struct conf_list errors;
	struct conf_list warnings;
};

/*
 * Load and validate a file.  NULL when there was an error; all that could be found in one reading
 * are in report->errors.  Memory is bounded by the file's size, which is at most 1 MiB.
 */
struct conf *conf_load(const char *path, struct conf_report *report);
void conf_free(struct conf *c);
void conf_report_fini(struct conf_report *report);

/* Add a line of one's own. */
void conf_report_error(struct conf_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void conf_report_warning(struct conf_report *report, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The table in words, for --help-conf: key, type, unit, default, range, one line of help. */
void conf_print_help(FILE *to);

/* What a loaded file amounts to, a line "key: value" for each key, for people.  A secret shows as
 * "(set)". */
void conf_print(const struct conf *c, FILE *to);

#endif
