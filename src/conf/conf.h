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
	char *path;                /* of the file */
	char *root;                /* the root key's name */
	struct conf_place *places; /* of the keys, in the order of the table; NULL: of no file */
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

/*
 * The same, but with errors too when the file could be read to its end, so that what others make of
 * the values can be checked as well: a key whose value was refused has its default then, or nothing
 * (conf_is_bad()).
 */
struct conf *conf_load_partly(const char *path, struct conf_report *report);
void conf_free(struct conf *c);
void conf_report_fini(struct conf_report *report);

size_t conf_line(const struct conf *c, const char *key); /* 0: the file does not have the key */
bool conf_is_bad(const struct conf *c, const char *key);

/*
 * Add an error or a warning of one's own: "file:line: key: ...", with the line on which the key
 * stands, if it does.  _at takes the line from the caller.  After CONF_ERRORS_MAX errors there
 * comes no more but a word that says so.
 */
#define CONF_ERRORS_MAX 100
void conf_error(struct conf_report *report, const struct conf *c, const char *key, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
void conf_error_at(struct conf_report *report, const struct conf *c, size_t line, const char *key,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void conf_warning(struct conf_report *report, const struct conf *c, const char *key,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The table in words, for --help-conf: key, type, unit, default, range, one line of help. */
void conf_print_help(FILE *to);

/* What a loaded file amounts to, a line "key: value" for each key, for people.  A secret shows as
 * "(set)". */
void conf_print(const struct conf *c, FILE *to);

#ifdef __cplusplus
}
#endif

#endif
