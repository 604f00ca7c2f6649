#include "conf/conf_table.h"
#include "base/nearest.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct conf, field)

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4095
#define INT_MAX_VALUE  INT64_C(2147483647)
#define SNAPSHOT_MAX   INT64_C(4294967294) /* the wire's: 4 GiB - 2 */

/* A row: name, type, unit, default, least, most, flags, where, help [, choices [, default in
 * words]]. */
const struct conf_key conf_keys[CONF_N_KEYS] = {
	/* The node and its place in the ring. */
	[CONF_KEY_LISTEN] = {"listen", CONF_TYPE_ADDRESS, NULL, NULL, 0, 0, CONF_UNIX_TOO,
		AT(listen), "where clients connect", NULL, NULL},
	[CONF_KEY_DYN_LISTEN] = {"dyn_listen", CONF_TYPE_ADDRESS, NULL, NULL, 0, 0, 0,
		AT(dyn_listen), "where the other nodes connect", NULL, NULL},
	[CONF_KEY_STATS_LISTEN] = {"stats_listen", CONF_TYPE_ADDRESS, NULL, "127.0.0.1:22222", 0, 0,
		CONF_PORT_ZERO, AT(stats_listen),
		"where the statistics and the controls are served, over HTTP", NULL, NULL},
	[CONF_KEY_STATS_ADMIN] = {"stats_admin", CONF_TYPE_CHOICE, NULL, "loopback", 0, 0, 0,
		AT(stats_admin),
		"who may change something over HTTP: this machine alone, or anyone", "loopback any",
		NULL},
	[CONF_KEY_SERVERS] = {"servers", CONF_TYPE_SERVERS, NULL, NULL, 0, 0, 0, AT(servers),
		"the datastore of this node, one entry", NULL, NULL},
	[CONF_KEY_REQUIREPASS] = {"requirepass", CONF_TYPE_SECRET, NULL, NULL, 1, PATH_MAX_BYTES, 0,
		AT(requirepass), "the password of the datastore, and the one that clients give",
		NULL, NULL},
	[CONF_KEY_DATA_STORE] = {"data_store", CONF_TYPE_NUMBER, NULL, "0", 0, 1, 0, AT(data_store),
		"what the datastore speaks: 0 Redis, 1 memcache", NULL, NULL},
	[CONF_KEY_DATACENTER] = {"datacenter", CONF_TYPE_TEXT, NULL, "localdc", 1, NAME_MAX_BYTES,
		0, AT(datacenter), "the datacenter that this node stands in", NULL, NULL},
	[CONF_KEY_RACK] = {"rack", CONF_TYPE_TEXT, NULL, "localrack", 1, NAME_MAX_BYTES, 0,
		AT(rack), "the rack that this node stands in", NULL, NULL},
	[CONF_KEY_TOKENS] = {"tokens", CONF_TYPE_TOKENS, NULL, NULL, 1, 65536, 0, AT(tokens),
		"this node's places in its rack's ring", NULL, NULL},
	[CONF_KEY_DYN_SEEDS] = {"dyn_seeds", CONF_TYPE_SEEDS, NULL, NULL, 0, 0, 0, AT(seeds),
		"the other nodes, each with its rack, datacenter and tokens", NULL, NULL},
	[CONF_KEY_DYN_SEED_PROVIDER] = {"dyn_seed_provider", CONF_TYPE_CHOICE, NULL,
		"simple_provider", 0, 0, 0, AT(dyn_seed_provider),
		"where the list of nodes comes from",
		"simple_provider florida_provider dns_provider", NULL},
	[CONF_KEY_ENV] = {"env", CONF_TYPE_TEXT, NULL, "aws", 1, NAME_MAX_BYTES, CONF_UNUSED,
		AT(env), "the kind of network the node stands in, such as aws or network", NULL,
		NULL},

	/* How keys are spread. */
	[CONF_KEY_HASH] = {"hash", CONF_TYPE_CHOICE, NULL, "murmur", 0, 0, 0, AT(hash),
		"the function that makes a token of a key",
		"one_at_a_time md5 crc16 crc32 crc32a fnv1_64 fnv1a_64 fnv1_32 fnv1a_32 hsieh "
		"murmur jenkins murmur3",
		NULL},
	[CONF_KEY_HASH_TAG] = {"hash_tag", CONF_TYPE_TEXT, NULL, NULL, 2, 2, 0, AT(hash_tag),
		"two characters; only what stands between them in a key is hashed", NULL, NULL},
	[CONF_KEY_DISTRIBUTION] = {"distribution", CONF_TYPE_TEXT, NULL, "vnode", 1, NAME_MAX_BYTES,
		CONF_UNUSED, AT(distribution), "taken from older files and ignored", NULL, NULL},

	/* Clients and the datastore. */
	[CONF_KEY_TIMEOUT] = {"timeout", CONF_TYPE_NUMBER, "ms", "5000", 1, INT_MAX_VALUE,
		CONF_ZERO_DEFAULT, AT(timeout), "time for the answer to a request", NULL, NULL},
	[CONF_KEY_BACKLOG] = {"backlog", CONF_TYPE_NUMBER, "connections", "512", 1, INT_MAX_VALUE,
		CONF_ZERO_DEFAULT, AT(backlog), "connections that may wait to be accepted", NULL,
		NULL},
	[CONF_KEY_CLIENT_CONNECTIONS] = {"client_connections", CONF_TYPE_NUMBER, "connections", "0",
		0, INT_MAX_VALUE, 0, AT(client_connections),
		"clients at the most; 0 is as many as there are descriptors for", NULL, NULL},
	[CONF_KEY_PRECONNECT] = {"preconnect", CONF_TYPE_BOOL, NULL, "true", 0, 0, 0,
		AT(preconnect), "connect to the datastore at the start, not at the first request",
		NULL, NULL},
	[CONF_KEY_AUTO_EJECT_HOSTS] = {"auto_eject_hosts", CONF_TYPE_BOOL, NULL, "true", 0, 0, 0,
		AT(auto_eject_hosts),
		"leave out for a while a node that keeps failing; the datastore never is", NULL,
		NULL},
	[CONF_KEY_SERVER_RETRY_TIMEOUT] = {"server_retry_timeout", CONF_TYPE_NUMBER, "ms", "10000",
		1, INT_MAX_VALUE, CONF_ZERO_DEFAULT, AT(server_retry_timeout),
		"time before what was left out is tried again", NULL, NULL},
	[CONF_KEY_SERVER_FAILURE_LIMIT] = {"server_failure_limit", CONF_TYPE_NUMBER, "failures",
		"3", 1, INT_MAX_VALUE, CONF_ZERO_DEFAULT, AT(server_failure_limit),
		"failures in a row before a node is left out", NULL, NULL},
	[CONF_KEY_SERVER_CONNECTIONS] = {"server_connections", CONF_TYPE_NUMBER, "connections", "1",
		1, INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(server_connections),
		"taken from older files; datastore_connections has its place", NULL, NULL},
	[CONF_KEY_DATASTORE_CONNECTIONS] = {"datastore_connections", CONF_TYPE_NUMBER,
		"connections", "1", 1, 255, CONF_ZERO_DEFAULT, AT(datastore_connections),
		"connections to the datastore at the most", NULL, NULL},

	/* The other nodes. */
	[CONF_KEY_DYN_PORT] = {"dyn_port", CONF_TYPE_NUMBER, NULL, "8101", 1, 65535,
		CONF_UNUSED | CONF_ZERO_DEFAULT, AT(dyn_port),
		"the port of nodes that a provider names without one", NULL, NULL},
	[CONF_KEY_DYN_CONNECTIONS] = {"dyn_connections", CONF_TYPE_NUMBER, "connections", "100", 1,
		INT_MAX_VALUE, CONF_ZERO_DEFAULT, AT(dyn_connections),
		"connections from other nodes at the most", NULL, NULL},
	[CONF_KEY_LOCAL_PEER_CONNECTIONS] = {"local_peer_connections", CONF_TYPE_NUMBER,
		"connections", "1", 1, 255, CONF_ZERO_DEFAULT, AT(local_peer_connections),
		"connections to each node of this datacenter", NULL, NULL},
	[CONF_KEY_REMOTE_PEER_CONNECTIONS] = {"remote_peer_connections", CONF_TYPE_NUMBER,
		"connections", "1", 1, 255, CONF_ZERO_DEFAULT, AT(remote_peer_connections),
		"connections to each node of another datacenter", NULL, NULL},
	[CONF_KEY_DYN_READ_TIMEOUT] = {"dyn_read_timeout", CONF_TYPE_NUMBER, "ms", "10000", 1,
		INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(dyn_read_timeout),
		"time for the answer of another node", NULL, NULL},
	[CONF_KEY_DYN_WRITE_TIMEOUT] = {"dyn_write_timeout", CONF_TYPE_NUMBER, "ms", "10000", 1,
		INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(dyn_write_timeout),
		"time for another node to take a request", NULL, NULL},
	[CONF_KEY_ENABLE_GOSSIP] = {"enable_gossip", CONF_TYPE_BOOL, NULL, "false", 0, 0, 0,
		AT(enable_gossip), "let the nodes tell each other of nodes that come and go", NULL,
		NULL},
	[CONF_KEY_GOS_INTERVAL] = {"gos_interval", CONF_TYPE_NUMBER, "ms", "30000", 1,
		INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(gos_interval),
		"time between rounds of gossip", NULL, NULL},
	[CONF_KEY_CONN_MSG_RATE] = {"conn_msg_rate", CONF_TYPE_NUMBER, "messages/s", "50000", 1,
		INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(conn_msg_rate),
		"messages on one connection at the most", NULL, NULL},
	[CONF_KEY_SECURE_SERVER_OPTION] = {"secure_server_option", CONF_TYPE_CHOICE, NULL, "none",
		0, 0, 0, AT(secure_server_option), "which links between nodes are encrypted",
		"none rack datacenter all", NULL},
	[CONF_KEY_PEM_KEY_FILE] = {"pem_key_file", CONF_TYPE_PATH, NULL, "conf/dynomite.pem", 1,
		PATH_MAX_BYTES, 0, AT(pem_key_file),
		"the RSA key that the nodes share for those links", NULL, NULL},
	[CONF_KEY_READ_CONSISTENCY] = {"read_consistency", CONF_TYPE_CHOICE, NULL, "DC_ONE", 0, 0,
		CONF_NO_CASE, AT(read_consistency), "how many racks must answer a read",
		"DC_ONE DC_QUORUM DC_SAFE_QUORUM DC_EACH_SAFE_QUORUM", NULL},
	[CONF_KEY_WRITE_CONSISTENCY] = {"write_consistency", CONF_TYPE_CHOICE, NULL, "DC_ONE", 0, 0,
		CONF_NO_CASE, AT(write_consistency), "how many racks must acknowledge a write",
		"DC_ONE DC_QUORUM DC_SAFE_QUORUM DC_EACH_SAFE_QUORUM", NULL},
	[CONF_KEY_READ_REPAIRS_ENABLED] = {"read_repairs_enabled", CONF_TYPE_BOOL, NULL, "false", 0,
		0, CONF_UNUSED, AT(read_repairs_enabled),
		"mend a replica whose answer to a read is older", NULL, NULL},

	/* The process. */
	[CONF_KEY_STATS_INTERVAL] = {"stats_interval", CONF_TYPE_NUMBER, "ms", "30000", 1,
		INT_MAX_VALUE, CONF_UNUSED | CONF_ZERO_DEFAULT, AT(stats_interval),
		"time between two gatherings of the statistics", NULL, NULL},
	[CONF_KEY_MBUF_SIZE] = {"mbuf_size", CONF_TYPE_SIZE, "bytes", "16384", 512, 512000,
		CONF_UNUSED | CONF_ZERO_DEFAULT | CONF_MULTIPLE_16, AT(mbuf_size),
		"size of a message buffer", NULL, NULL},
	[CONF_KEY_MAX_MSGS] = {"max_msgs", CONF_TYPE_NUMBER, "messages", "200000", 100000, 1000000,
		CONF_ZERO_DEFAULT, AT(max_msgs),
		"requests under way on one connection to the datastore or a node, at the most",
		NULL, NULL},

	/* The entropy channel. */
	[CONF_KEY_RECON_ENABLED] = {"recon_enabled", CONF_TYPE_BOOL, NULL, "false", 0, 0, 0,
		AT(recon_enabled),
		"run the entropy channel, which gives replicas the writes they missed", NULL, NULL},
	[CONF_KEY_RECON_KEY_FILE] = {"recon_key_file", CONF_TYPE_PATH, NULL, NULL, 1,
		PATH_MAX_BYTES, 0, AT(recon_key_file),
		"the pre-shared key; needed when recon_encrypt", NULL, NULL},
	[CONF_KEY_RECON_IV_FILE] = {"recon_iv_file", CONF_TYPE_PATH, NULL, NULL, 1, PATH_MAX_BYTES,
		0, AT(recon_iv_file),
		"the pre-shared initialization vector; needed when recon_encrypt", NULL, NULL},
	[CONF_KEY_RECON_ENCRYPT] = {"recon_encrypt", CONF_TYPE_BOOL, NULL, "true", 0, 0, 0,
		AT(recon_encrypt), "false only ever sends and accepts plaintext", NULL, NULL},
	[CONF_KEY_RECON_LISTEN] = {"recon_listen", CONF_TYPE_ADDRESS, NULL, NULL, 0, 0,
		CONF_PORT_ZERO, AT(recon_listen), "where the receiver listens", NULL,
		"dyn_listen's host, its port + 4"},
	[CONF_KEY_RECON_PEERS] = {"recon_peers", CONF_TYPE_ADDRESSES, NULL, NULL, 0, 0, 0,
		AT(recon_peers), "the receivers of the other nodes, instead of the dyn_seeds", NULL,
		"the dyn_seeds, their port + 4"},
	[CONF_KEY_RECON_SEND_BIND] = {"recon_send_bind", CONF_TYPE_BIND, NULL, NULL, 0, 0, 0,
		AT(recon_send_bind), "the local address that the sender connects from", NULL, NULL},
	[CONF_KEY_RECON_INTERVAL_SECONDS] = {"recon_interval_seconds", CONF_TYPE_NUMBER, "seconds",
		"300", 1, 31536000, 0, AT(recon_interval_seconds),
		"time between rounds; the first runs at the start", NULL, NULL},
	[CONF_KEY_RECON_SOURCE] = {"recon_source", CONF_TYPE_CHOICE, NULL, "scan", 0, 0, 0,
		AT(recon_source),
		"how the datastore is read: key by key, or by its replication stream", "scan sync",
		NULL},
	[CONF_KEY_RECON_BUFFER_SIZE] = {"recon_buffer_size", CONF_TYPE_SIZE, "bytes", "16384", 1,
		5242864, 0, AT(recon_buffer_size),
		"plaintext in a chunk; a multiple of 16 when recon_encrypt", NULL, NULL},
	[CONF_KEY_RECON_HEADER_SIZE] = {"recon_header_size", CONF_TYPE_SIZE, "bytes", "1024", 8,
		1024, 0, AT(recon_header_size), "size of the header before a snapshot", NULL, NULL},
	[CONF_KEY_RECON_SEGMENT_BYTES] = {"recon_segment_bytes", CONF_TYPE_SIZE, "bytes", "16 MiB",
		1024, SNAPSHOT_MAX, 0, AT(recon_segment_bytes),
		"plaintext in a snapshot at the most, unless one key is larger", NULL, NULL},
	[CONF_KEY_RECON_MAX_RATE] = {"recon_max_rate", CONF_TYPE_SIZE, "bytes/s", "10000000",
		CONF_RECON_RATE_MIN, CONF_RECON_RATE_MAX, CONF_OR_UNLIMITED, AT(recon_max_rate),
		"rate at which a peer is sent to, at the most", NULL, NULL},
	[CONF_KEY_RECON_MAX_SNAPSHOT_BYTES] = {"recon_max_snapshot_bytes", CONF_TYPE_SIZE, "bytes",
		"4294967294", 1, SNAPSHOT_MAX, 0, AT(recon_max_snapshot_bytes),
		"plaintext in a snapshot that the receiver takes, at the most", NULL, NULL},
	[CONF_KEY_RECON_SPOOL_DIR] = {"recon_spool_dir", CONF_TYPE_PATH, NULL, NULL, 1,
		PATH_MAX_BYTES, 0, AT(recon_spool_dir),
		"where a snapshot beyond 16 MiB is kept until it is applied", NULL,
		"TMPDIR, else /var/tmp"},
	[CONF_KEY_RECON_MAX_CONNECTIONS] = {"recon_max_connections", CONF_TYPE_NUMBER,
		"connections", "8", 1, 1024, 0, AT(recon_max_connections),
		"connections that the receiver serves at a time", NULL, NULL},
	[CONF_KEY_RECON_TIMEOUT] = {"recon_timeout", CONF_TYPE_NUMBER, "ms", "30000", 100, 3600000,
		0, AT(recon_timeout), "time without a byte before a connection is given up", NULL,
		NULL},
	[CONF_KEY_RECON_ALLOW] = {"recon_allow", CONF_TYPE_CHOICE, NULL, "peers", 0, 0, 0,
		AT(recon_allow),
		"who may connect to the receiver: known peers and loopback, or anyone", "peers any",
		NULL},
	[CONF_KEY_RECON_ACCEPT] = {"recon_accept", CONF_TYPE_CHOICE, NULL, "restore", 0, 0, 0,
		AT(recon_accept),
		"what the receiver applies: RESTORE alone, or plain data-writing commands too",
		"restore data", NULL},
};

static const struct conf_unserved unserved[] = {
	{CONF_KEY_DATA_STORE, "0", "1", "give 0, Redis (1 is memcache)"},
	{CONF_KEY_DYN_SEED_PROVIDER, "simple_provider", "florida_provider dns_provider",
		"give simple_provider, and the nodes in dyn_seeds"},
	{CONF_KEY_HASH, "murmur",
		"one_at_a_time md5 crc16 crc32 crc32a fnv1_64 fnv1a_64 fnv1_32 fnv1a_32 hsieh "
		"jenkins murmur3",
		"give murmur, in every node of the ring"},
	{CONF_KEY_ENABLE_GOSSIP, "false", "true", "give false, and all nodes in dyn_seeds"},
};

const struct conf_unserved *conf_key_unserved(const struct conf_key *k)
{
	for (size_t i = 0; i < sizeof(unserved) / sizeof(unserved[0]); i++) {
		if (&conf_keys[unserved[i].key] == k)
			return &unserved[i];
	}
	return NULL;
}

bool conf_words_have(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (*words) {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(words, word, len) == 0)
			return true;
		words += n;
		words += *words == ' ';
	}
	return false;
}

const struct conf_key *conf_key_find(const char *name)
{
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		if (strcmp(conf_keys[i].name, name) == 0)
			return &conf_keys[i];
	}
	return NULL;
}

const struct conf_key *conf_key_nearest(const char *name)
{
	return &conf_keys[nearest(name, conf_keys, CONF_N_KEYS, sizeof(conf_keys[0]))];
}

bool conf_key_is_list(const struct conf_key *k)
{
	return k->type == CONF_TYPE_ADDRESSES || k->type == CONF_TYPE_SERVERS ||
	       k->type == CONF_TYPE_SEEDS || k->type == CONF_TYPE_TOKENS;
}

const char *conf_key_type(const struct conf_key *k)
{
	switch (k->type) {
	case CONF_TYPE_BOOL:
		return "boolean";
	case CONF_TYPE_NUMBER:
		return "number";
	case CONF_TYPE_SIZE:
		return "size";
	case CONF_TYPE_TEXT:
		return "text";
	case CONF_TYPE_PATH:
		return "path";
	case CONF_TYPE_SECRET:
		return "secret";
	case CONF_TYPE_CHOICE:
		return "choice";
	case CONF_TYPE_ADDRESS:
	case CONF_TYPE_BIND:
		return "address";
	case CONF_TYPE_TOKENS:
	case CONF_TYPE_ADDRESSES:
	case CONF_TYPE_SERVERS:
	case CONF_TYPE_SEEDS:
		return "list";
	}
	return "?";
}

static void allowed_numbers(const struct conf_key *k, char *text, size_t cap)
{
	snprintf(text, cap, "%lld..%lld%s%s%s%s%s", (long long)k->min, (long long)k->max,
		k->unit ? " " : "", k->unit ? k->unit : "",
		k->flags & CONF_MULTIPLE_16 ? ", a multiple of 16" : "",
		k->flags & CONF_ZERO_DEFAULT ? ", or 0 for the default" : "",
		k->flags & CONF_OR_UNLIMITED ? ", or 0 for no limit" : "");
}

/* Words with commas between them; returns the length. */
static size_t list_words(const char *words, char *text, size_t cap)
{
	size_t len = 0;

	for (const char *c = words; *c && len + 3 < cap; c++) {
		if (*c == ' ')
			text[len++] = ',';
		text[len++] = *c;
	}
	text[len] = '\0';
	return len;
}

static void allowed_served(const struct conf_unserved *u, char *text, size_t cap)
{
	size_t len = list_words(u->served, text, cap);

	len += (size_t)snprintf(text + len, cap - len, "; known but not served: ");
	list_words(u->refused, text + len, cap - len);
}

const char *conf_key_allowed(const struct conf_key *k, char *text, size_t cap)
{
	const char *port = k->flags & CONF_PORT_ZERO ? "0..65535" : "1..65535";

	if (conf_key_unserved(k)) {
		allowed_served(conf_key_unserved(k), text, cap);
		return text;
	}
	text[0] = '\0';
	switch (k->type) {
	case CONF_TYPE_BOOL:
		snprintf(text, cap, "true, false");
		break;
	case CONF_TYPE_NUMBER:
	case CONF_TYPE_SIZE:
		allowed_numbers(k, text, cap);
		break;
	case CONF_TYPE_TEXT:
	case CONF_TYPE_PATH:
	case CONF_TYPE_SECRET:
		if (k->min == k->max)
			snprintf(text, cap, "%lld bytes", (long long)k->min);
		else
			snprintf(text, cap, "%lld..%lld bytes", (long long)k->min,
				(long long)k->max);
		break;
	case CONF_TYPE_CHOICE:
		list_words(k->choices, text, cap);
		break;
	case CONF_TYPE_TOKENS:
		snprintf(text, cap, "decimals of 0..4294967295, separated by commas");
		break;
	case CONF_TYPE_ADDRESS:
		snprintf(text, cap, "host:port with a port of %s%s", port,
			k->flags & CONF_UNIX_TOO ? ", or the path of a Unix socket" : "");
		break;
	case CONF_TYPE_BIND:
		snprintf(text, cap, "host, without a port: several connections share it");
		break;
	case CONF_TYPE_ADDRESSES:
		snprintf(text, cap, "entries host:port with a port of %s", port);
		break;
	case CONF_TYPE_SERVERS:
		snprintf(text, cap,
			"one entry host:port:weight [name], or /path/of/a/socket[:weight] [name]");
		break;
	case CONF_TYPE_SEEDS:
		snprintf(text, cap,
			"entries host:port:rack:datacenter:token[,token...], each token of "
			"0..4294967295");
		break;
	}
	return text;
}

const char *conf_key_default(const struct conf_key *k)
{
	if (k->def)
		return k->def;
	return k->default_words ? k->default_words : "none";
}
