#include "conf/conf_table.h"

#include "base/consistency.h"
#include "entropy/dynentropy.h"

#include <stddef.h>

/* The key has the name of its field. */
#define KEY(field, kind)                                                                           \
	.name = #field, .type = CONF_TYPE_##kind, .offset = offsetof(struct conf, field)

#define RANGE(least, most) .min = (least), .max = (most)

/* A word's index is the value of its choice. */
#define WORDS(list) .words = (list), .n_words = sizeof(list) / sizeof((list)[0])

#define NAME_MAX_BYTES 255
#define PATH_MAX_BYTES 4095
#define INT_MAX_VALUE  INT64_C(2147483647)

static const char *const admin_words[] = {
	[CONF_ADMIN_LOOPBACK] = "loopback",
	[CONF_ADMIN_ANY] = "any",
};

static const char *const provider_words[] = {
	[CONF_PROVIDER_SIMPLE] = "simple_provider",
	[CONF_PROVIDER_FLORIDA] = "florida_provider",
	[CONF_PROVIDER_DNS] = "dns_provider",
};

static const char *const hash_words[] = {
	[CONF_HASH_ONE_AT_A_TIME] = "one_at_a_time",
	[CONF_HASH_MD5] = "md5",
	[CONF_HASH_CRC16] = "crc16",
	[CONF_HASH_CRC32] = "crc32",
	[CONF_HASH_CRC32A] = "crc32a",
	[CONF_HASH_FNV1_64] = "fnv1_64",
	[CONF_HASH_FNV1A_64] = "fnv1a_64",
	[CONF_HASH_FNV1_32] = "fnv1_32",
	[CONF_HASH_FNV1A_32] = "fnv1a_32",
	[CONF_HASH_HSIEH] = "hsieh",
	[CONF_HASH_MURMUR] = "murmur",
	[CONF_HASH_JENKINS] = "jenkins",
	[CONF_HASH_MURMUR3] = "murmur3",
};

static const char *const secure_words[] = {
	[CONF_SECURE_NONE] = "none",
	[CONF_SECURE_RACK] = "rack",
	[CONF_SECURE_DATACENTER] = "datacenter",
	[CONF_SECURE_ALL] = "all",
};

static const char *const source_words[] = {
	[CONF_SOURCE_SCAN] = "scan",
	[CONF_SOURCE_SYNC] = "sync",
};

static const char *const allow_words[] = {
	[CONF_ALLOW_PEERS] = "peers",
	[CONF_ALLOW_ANY] = "any",
};

static const char *const accept_words[] = {
	[CONF_ACCEPT_RESTORE] = "restore",
	[CONF_ACCEPT_DATA] = "data",
};

static const char *const protocol_words[] = {
	[CONF_PROTOCOL_AUTO] = "auto",
	[CONF_PROTOCOL_1] = "1",
	[CONF_PROTOCOL_2] = "2",
};

/* A number without a default here has 0, a boolean false. */
const struct conf_key conf_keys[CONF_N_KEYS] = {
	/* The node and its place in the ring. */
	[CONF_KEY_LISTEN] = {KEY(listen, ADDRESS), .flags = CONF_UNIX_TOO,
		.help = "where clients connect"},
	[CONF_KEY_DYN_LISTEN] = {KEY(dyn_listen, ADDRESS), .help = "where the other nodes connect"},
	[CONF_KEY_STATS_LISTEN] = {KEY(stats_listen, ADDRESS), .def_text = "127.0.0.1:22222",
		.flags = CONF_PORT_ZERO,
		.help = "where the statistics and the controls are served, over HTTP"},
	[CONF_KEY_STATS_ADMIN] = {KEY(stats_admin, CHOICE), .def_number = CONF_ADMIN_LOOPBACK,
		WORDS(admin_words),
		.help = "who may change something over HTTP: only this machine, or anyone"},
	[CONF_KEY_SERVERS] = {KEY(servers, SERVERS),
		.help = "the datastore of this node, one entry"},
	[CONF_KEY_REQUIREPASS] = {KEY(requirepass, SECRET), RANGE(1, PATH_MAX_BYTES),
		.help = "the password of the datastore, and the one that clients give"},
	[CONF_KEY_DATA_STORE] = {KEY(data_store, NUMBER), .max = 1,
		.instead = "give 0, Redis (1 is memcache)",
		.help = "what the datastore speaks: 0 Redis, 1 memcache"},
	[CONF_KEY_DATACENTER] = {KEY(datacenter, TEXT), .def_text = "localdc",
		RANGE(1, NAME_MAX_BYTES), .help = "the datacenter of this node"},
	[CONF_KEY_RACK] = {KEY(rack, TEXT), .def_text = "localrack", RANGE(1, NAME_MAX_BYTES),
		.help = "the rack of this node"},
	[CONF_KEY_TOKENS] = {KEY(tokens, TOKENS), RANGE(1, 65536),
		.help = "this node's places in its rack's ring"},
	[CONF_KEY_DYN_SEEDS] = {.name = "dyn_seeds",
		.type = CONF_TYPE_SEEDS,
		.offset = offsetof(struct conf, seeds),
		.help = "the other nodes, each with its rack, datacenter and tokens"},
	[CONF_KEY_DYN_SEED_PROVIDER] = {KEY(dyn_seed_provider, CHOICE),
		.def_number = CONF_PROVIDER_SIMPLE, WORDS(provider_words),
		.instead = "give simple_provider, and the nodes in dyn_seeds",
		.help = "where the list of nodes comes from"},
	[CONF_KEY_ENV] = {KEY(env, TEXT), .def_text = "aws", RANGE(1, NAME_MAX_BYTES),
		.flags = CONF_UNUSED,
		.help = "the kind of network of the node, such as aws or network"},

	/* How keys are spread. */
	[CONF_KEY_HASH] = {KEY(hash, CHOICE), .def_number = CONF_HASH_MURMUR, WORDS(hash_words),
		.instead = "give murmur, in every node of the ring",
		.help = "the function that turns a key into a token"},
	[CONF_KEY_HASH_TAG] = {KEY(hash_tag, TEXT), RANGE(2, 2),
		.help = "two characters; only what is between them in a key is hashed"},
	[CONF_KEY_DISTRIBUTION] = {KEY(distribution, TEXT), .def_text = "vnode",
		RANGE(1, NAME_MAX_BYTES), .flags = CONF_UNUSED,
		.help = "accepted from older files and ignored"},

	/* Clients and the datastore. */
	[CONF_KEY_TIMEOUT] = {KEY(timeout, NUMBER), .unit = "ms", .def_number = 5000,
		RANGE(1, INT_MAX_VALUE), .flags = CONF_ZERO_DEFAULT,
		.help = "time for the answer to a request"},
	[CONF_KEY_BACKLOG] = {KEY(backlog, NUMBER), .unit = "connections", .def_number = 512,
		RANGE(1, INT_MAX_VALUE), .flags = CONF_ZERO_DEFAULT,
		.help = "connections that may wait to be accepted"},
	[CONF_KEY_CLIENT_CONNECTIONS] = {KEY(client_connections, NUMBER), .unit = "connections",
		.max = INT_MAX_VALUE,
		.help = "maximum number of clients; 0: as many as there are descriptors for"},
	[CONF_KEY_PRECONNECT] = {KEY(preconnect, BOOL), .def_number = true,
		.help = "connect to the datastore at the start, not at the first request"},
	[CONF_KEY_AUTO_EJECT_HOSTS] = {KEY(auto_eject_hosts, BOOL), .def_number = true,
		.help = "stop using for a while a node that keeps failing; never the datastore"},
	[CONF_KEY_SERVER_RETRY_TIMEOUT] = {KEY(server_retry_timeout, NUMBER), .unit = "ms",
		.def_number = 10000, RANGE(1, INT_MAX_VALUE), .flags = CONF_ZERO_DEFAULT,
		.help = "time before a node that was left out is tried again"},
	[CONF_KEY_SERVER_FAILURE_LIMIT] = {KEY(server_failure_limit, NUMBER), .unit = "failures",
		.def_number = 3, RANGE(1, INT_MAX_VALUE), .flags = CONF_ZERO_DEFAULT,
		.help = "failures in a row before a node is left out"},
	[CONF_KEY_SERVER_CONNECTIONS] = {KEY(server_connections, NUMBER), .unit = "connections",
		.def_number = 1, RANGE(1, INT_MAX_VALUE), .flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "accepted from older files; replaced by datastore_connections"},
	[CONF_KEY_DATASTORE_CONNECTIONS] = {KEY(datastore_connections, NUMBER),
		.unit = "connections", .def_number = 1, RANGE(1, 255), .flags = CONF_ZERO_DEFAULT,
		.help = "maximum number of connections to the datastore"},

	/* The other nodes. */
	[CONF_KEY_DYN_PORT] = {KEY(dyn_port, NUMBER), .def_number = 8101, RANGE(1, 65535),
		.flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "the port of nodes that a provider names without one"},
	[CONF_KEY_DYN_CONNECTIONS] = {KEY(dyn_connections, NUMBER), .unit = "connections",
		.def_number = 100, RANGE(1, INT_MAX_VALUE), .flags = CONF_ZERO_DEFAULT,
		.help = "maximum number of connections from other nodes"},
	[CONF_KEY_LOCAL_PEER_CONNECTIONS] = {KEY(local_peer_connections, NUMBER),
		.unit = "connections", .def_number = 1, RANGE(1, 255), .flags = CONF_ZERO_DEFAULT,
		.help = "connections to each node of this datacenter"},
	[CONF_KEY_REMOTE_PEER_CONNECTIONS] = {KEY(remote_peer_connections, NUMBER),
		.unit = "connections", .def_number = 1, RANGE(1, 255), .flags = CONF_ZERO_DEFAULT,
		.help = "connections to each node of another datacenter"},
	[CONF_KEY_DYN_READ_TIMEOUT] = {KEY(dyn_read_timeout, NUMBER), .unit = "ms",
		.def_number = 10000, RANGE(1, INT_MAX_VALUE),
		.flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "time for the answer of another node"},
	[CONF_KEY_DYN_WRITE_TIMEOUT] = {KEY(dyn_write_timeout, NUMBER), .unit = "ms",
		.def_number = 10000, RANGE(1, INT_MAX_VALUE),
		.flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "time for another node to accept a request"},
	[CONF_KEY_ENABLE_GOSSIP] = {KEY(enable_gossip, BOOL),
		.instead = "give false, and all nodes in dyn_seeds",
		.help = "let the nodes tell each other of nodes that join and leave"},
	[CONF_KEY_GOS_INTERVAL] = {KEY(gos_interval, NUMBER), .unit = "ms", .def_number = 30000,
		RANGE(1, INT_MAX_VALUE), .flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "time between rounds of gossip"},
	[CONF_KEY_CONN_MSG_RATE] = {KEY(conn_msg_rate, NUMBER), .unit = "messages/s",
		.def_number = 50000, RANGE(1, INT_MAX_VALUE),
		.flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "maximum rate of messages on one connection"},
	[CONF_KEY_SECURE_SERVER_OPTION] = {KEY(secure_server_option, CHOICE),
		.def_number = CONF_SECURE_NONE, WORDS(secure_words),
		.help = "which links between nodes are encrypted"},
	[CONF_KEY_PEM_KEY_FILE] = {KEY(pem_key_file, PATH), .def_text = "conf/dynomite.pem",
		RANGE(1, PATH_MAX_BYTES),
		.help = "the RSA key that the nodes share for those links"},
	[CONF_KEY_READ_CONSISTENCY] = {KEY(read_consistency, CHOICE),
		.def_number = CONSISTENCY_DC_ONE, .flags = CONF_NO_CASE, WORDS(consistency_names),
		.help = "how many racks must answer a read"},
	[CONF_KEY_WRITE_CONSISTENCY] = {KEY(write_consistency, CHOICE),
		.def_number = CONSISTENCY_DC_ONE, .flags = CONF_NO_CASE, WORDS(consistency_names),
		.help = "how many racks must acknowledge a write"},
	[CONF_KEY_READ_REPAIRS_ENABLED] = {KEY(read_repairs_enabled, BOOL), .flags = CONF_UNUSED,
		.help = "repair a replica whose answer to a read is older"},

	/* The process. */
	[CONF_KEY_STATS_INTERVAL] = {KEY(stats_interval, NUMBER), .unit = "ms", .def_number = 30000,
		RANGE(1, INT_MAX_VALUE), .flags = CONF_UNUSED | CONF_ZERO_DEFAULT,
		.help = "time between two collections of the statistics"},
	[CONF_KEY_MBUF_SIZE] = {KEY(mbuf_size, SIZE), .unit = "bytes", .def_number = 16384,
		RANGE(512, 512000), .flags = CONF_UNUSED | CONF_ZERO_DEFAULT | CONF_MULTIPLE_16,
		.help = "size of a message buffer"},
	[CONF_KEY_MAX_MSGS] = {KEY(max_msgs, NUMBER), .unit = "messages", .def_number = 200000,
		RANGE(100000, 1000000), .flags = CONF_ZERO_DEFAULT,
		.help = "maximum number of requests under way on one connection to the datastore "
			"or a node"},

	/* The entropy channel. */
	[CONF_KEY_RECON_ENABLED] = {KEY(recon_enabled, BOOL),
		.help = "run the entropy channel, which gives replicas the writes they missed"},
	[CONF_KEY_RECON_KEY_FILE] = {KEY(recon_key_file, PATH), RANGE(1, PATH_MAX_BYTES),
		.help = "the pre-shared key; needed when recon_encrypt"},
	[CONF_KEY_RECON_IV_FILE] = {KEY(recon_iv_file, PATH), RANGE(1, PATH_MAX_BYTES),
		.help = "the pre-shared initialization vector; needed when recon_encrypt"},
	[CONF_KEY_RECON_ENCRYPT] = {KEY(recon_encrypt, BOOL), .def_number = true,
		.help = "false: send and accept only plaintext"},
	[CONF_KEY_RECON_LISTEN] = {KEY(recon_listen, ADDRESS),
		.def_words = "dyn_listen's host, its port + 4", .flags = CONF_PORT_ZERO,
		.help = "where the receiver listens"},
	[CONF_KEY_RECON_PEERS] = {KEY(recon_peers, ADDRESSES),
		.def_words = "the dyn_seeds, their port + 4",
		.help = "the receivers of the other nodes, instead of the dyn_seeds"},
	[CONF_KEY_RECON_SEND_BIND] = {KEY(recon_send_bind, BIND),
		.help = "the local address that the sender connects from"},
	[CONF_KEY_RECON_INTERVAL_SECONDS] = {KEY(recon_interval_seconds, NUMBER), .unit = "seconds",
		.def_number = 300, RANGE(1, 31536000),
		.help = "time between rounds; the first runs at the start"},
	[CONF_KEY_RECON_SOURCE] = {KEY(recon_source, CHOICE), .def_number = CONF_SOURCE_SCAN,
		WORDS(source_words),
		.help = "how the datastore is read: key by key, or by its replication stream"},
	[CONF_KEY_RECON_BUFFER_SIZE] = {KEY(recon_buffer_size, SIZE), .unit = "bytes",
		.def_number = DYN_ENTROPY_DEFAULT_BUFFER_SIZE,
		RANGE(1, DYN_ENTROPY_CIPHER_SIZE_MAX - DYN_ENTROPY_BLOCK_SIZE),
		.help = "plaintext in a chunk; a multiple of 16 when recon_encrypt"},
	[CONF_KEY_RECON_HEADER_SIZE] = {KEY(recon_header_size, SIZE), .unit = "bytes",
		.def_number = DYN_ENTROPY_DEFAULT_HEADER_SIZE,
		RANGE(DYN_ENTROPY_HEADER_SIZE_MIN, DYN_ENTROPY_HEADER_SIZE_MAX),
		.help = "size of the header before a snapshot"},
	[CONF_KEY_RECON_SEGMENT_BYTES] = {KEY(recon_segment_bytes, SIZE), .unit = "bytes",
		.def_number = DYN_ENTROPY_DEFAULT_SEGMENT_BYTES,
		RANGE(1024, DYN_ENTROPY_SNAPSHOT_MAX),
		.help = "maximum plaintext in a snapshot, unless one key is larger"},
	[CONF_KEY_RECON_MAX_RATE] = {KEY(recon_max_rate, SIZE), .unit = "bytes/s",
		.def_number = DYN_ENTROPY_DEFAULT_MAX_RATE,
		RANGE(DYN_ENTROPY_RATE_MIN, CONF_RECON_RATE_MAX), .flags = CONF_OR_UNLIMITED,
		.help = "maximum rate of sending to a target"},
	[CONF_KEY_RECON_MAX_SNAPSHOT_BYTES] = {KEY(recon_max_snapshot_bytes, SIZE), .unit = "bytes",
		.def_number = DYN_ENTROPY_SNAPSHOT_MAX, RANGE(1, DYN_ENTROPY_SNAPSHOT_MAX),
		.help = "maximum plaintext in a snapshot that the receiver accepts"},
	[CONF_KEY_RECON_SPOOL_DIR] = {KEY(recon_spool_dir, PATH),
		.def_words = "TMPDIR, else /var/tmp", RANGE(1, PATH_MAX_BYTES),
		.help = "where a snapshot beyond 16 MiB is kept until it is applied"},
	[CONF_KEY_RECON_STATE_DIR] = {KEY(recon_state_dir, PATH),
		.def_words = "one of this node in /var/lib/dynomite, or the user's",
		RANGE(1, PATH_MAX_BYTES),
		.help = "where this node keeps who it is and what it wrote; its own, and durable"},
	[CONF_KEY_RECON_JOURNAL_MAX_BYTES] = {KEY(recon_journal_max_bytes, SIZE), .unit = "bytes",
		.def_number = INT64_C(256) << 20, RANGE(INT64_C(1) << 20, INT64_C(1) << 40),
		.help = "maximum size of the log of writes in recon_state_dir"},
	[CONF_KEY_RECON_MAX_CONNECTIONS] = {KEY(recon_max_connections, NUMBER),
		.unit = "connections", .def_number = DYN_ENTROPY_DEFAULT_CONNECTIONS,
		RANGE(1, DYN_ENTROPY_CONNECTIONS_MAX),
		.help = "connections that the receiver serves at a time"},
	[CONF_KEY_RECON_TIMEOUT] = {KEY(recon_timeout, NUMBER), .unit = "ms",
		.def_number = DYN_ENTROPY_DEFAULT_TIMEOUT_MS, RANGE(100, 3600000),
		.help = "time without a byte before a connection is given up"},
	[CONF_KEY_RECON_ALLOW] = {KEY(recon_allow, CHOICE), .def_number = CONF_ALLOW_PEERS,
		WORDS(allow_words),
		.help = "who may connect to the receiver: known peers and loopback, or anyone"},
	[CONF_KEY_RECON_ACCEPT] = {KEY(recon_accept, CHOICE), .def_number = CONF_ACCEPT_RESTORE,
		WORDS(accept_words),
		.help = "what the receiver applies: RESTORE alone, or plain data-writing commands "
			"too"},
	[CONF_KEY_RECON_PROTOCOL] = {KEY(recon_protocol, CHOICE), .def_number = CONF_PROTOCOL_AUTO,
		WORDS(protocol_words),
		.help = "which version of the channel's protocol is spoken: one, or both"},
};
