#include "base/shown.h"
#include "conf/conf_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool present(const struct conf_loader *l, enum conf_key_id key)
{
	return l->conf->places[key].line != 0;
}

/* The default address of a node's entropy channel, from its peer address; false when the port would
 * be above 65535. */
static bool recon_address(struct addr a, char text[ADDR_TEXT_MAX])
{
	if (a.port > UINT16_MAX - CONF_RECON_PORT_ABOVE)
		return false;
	a.port = (uint16_t)(a.port + CONF_RECON_PORT_ABOVE);
	addr_format(&a, text, ADDR_TEXT_MAX);
	return true;
}

/* The ports matter only where the channel is enabled: other files must load whatever they are. */
static void default_listen(struct conf_loader *l)
{
	struct conf *c = l->conf;
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (present(l, CONF_KEY_RECON_LISTEN) || !c->dyn_listen || !addr_parse(&a, c->dyn_listen))
		return;
	if (!recon_address(a, text)) {
		if (c->recon_enabled)
			conf_report_error(l->report, conf_at(l->conf, CONF_KEY_DYN_LISTEN),
				"%s leaves no port for the entropy channel, which takes the port + "
				"%d: give recon_listen",
				c->dyn_listen, CONF_RECON_PORT_ABOVE);
		return;
	}
	c->recon_listen = strdup(text);
	if (!c->recon_listen)
		l->report->no_memory = true;
}

static void default_peers(struct conf_loader *l)
{
	struct conf *c = l->conf;
	char text[ADDR_TEXT_MAX];

	if (present(l, CONF_KEY_RECON_PEERS))
		return;
	for (size_t i = 0; i < c->n_seeds; i++) {
		if (recon_address(c->seeds[i].addr, text)) {
			if (!conf_list_add(&c->recon_peers, text))
				l->report->no_memory = true;
		} else if (c->recon_enabled) {
			conf_report_error(l->report, conf_at(l->conf, CONF_KEY_DYN_SEEDS),
				"%s leaves no port for the entropy channel, which takes the port + "
				"%d: give recon_peers",
				addr_format(&c->seeds[i].addr, text, sizeof(text)),
				CONF_RECON_PORT_ABOVE);
		}
	}
}

/* Without listen the node serves no clients, so that these keys have no effect. */
static void check_served(struct conf_loader *l)
{
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const struct conf_key *k = &conf_keys[i];
		char text[CONF_NUMBER_MAX];
		int64_t value;

		if (!k->instead)
			continue;
		value = conf_key_number(k, l->conf);
		if (value != k->def_number)
			conf_report_error(l->report, conf_at(l->conf, (enum conf_key_id)i),
				"%s is known but not served; %s",
				conf_key_number_text(k, value, text), k->instead);
	}
}

/* The keys that are required to serve clients. */
static void check_listen(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (!c->n_servers && !c->places[CONF_KEY_SERVERS].bad)
		conf_report_error(l->report, conf_at(c, CONF_KEY_LISTEN),
			"needs servers, the datastore that the requests of clients go to: give one "
			"entry host:port:weight");
}

/* The keys that the channel requires. */
static void check_needed(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (!c->n_servers && !c->places[CONF_KEY_SERVERS].bad)
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_ENABLED),
			"true needs the datastore to heal: give servers, one entry "
			"host:port:weight");
	if (!present(l, CONF_KEY_RECON_LISTEN) && !present(l, CONF_KEY_DYN_LISTEN))
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_ENABLED),
			"true needs an address to receive at: give recon_listen, host:port, or "
			"dyn_listen");
	if (!c->recon_encrypt || c->places[CONF_KEY_RECON_ENCRYPT].bad)
		return;
	if (!present(l, CONF_KEY_RECON_KEY_FILE))
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_ENABLED),
			"true needs recon_key_file, the pre-shared key (dyn-entropy keygen makes "
			"one), or recon_encrypt: false");
	if (!present(l, CONF_KEY_RECON_IV_FILE))
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_ENABLED),
			"true needs recon_iv_file, the pre-shared initialization vector "
			"(dyn-entropy keygen makes one), or recon_encrypt: false");
}

/* Otherwise this would show only at the first snapshot that is too large for memory. */
static void check_spool_dir(struct conf_loader *l)
{
	const char *dir = l->conf->recon_spool_dir;
	char shown[SHOWN_QUOTED_MAX];
	struct stat st;

	if (!dir)
		return;
	shown_quoted(dir, shown);
	if (stat(dir, &st) != 0)
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_SPOOL_DIR),
			"%s: %s; give a directory that exists", shown, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_SPOOL_DIR),
			"%s is not a directory; give one", shown);
	else if (access(dir, W_OK | X_OK) != 0)
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_SPOOL_DIR),
			"%s: %s; let the user that runs this write to it", shown, strerror(errno));
}

static void check_protocol(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (c->recon_protocol == CONF_PROTOCOL_2 && !c->recon_encrypt &&
		!c->places[CONF_KEY_RECON_ENCRYPT].bad)
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_PROTOCOL),
			"2 is always encrypted, with keys from recon_key_file: leave out "
			"recon_encrypt: false, or give 1");
}

static void check_buffer_size(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (c->recon_encrypt && c->recon_buffer_size % 16 != 0)
		conf_report_error(l->report, conf_at(l->conf, CONF_KEY_RECON_BUFFER_SIZE),
			"%lld is not a multiple of 16, which recon_encrypt needs; the next is "
			"%lld",
			(long long)c->recon_buffer_size,
			(long long)(c->recon_buffer_size / 16 + 1) * 16);
}

/* Whether two listening sockets would conflict. */
static bool collide(const struct addr *a, const struct addr *b)
{
	const char *any = strchr(a->host, ':') ? "::" : "0.0.0.0";

	if (a->port != b->port || a->port == 0)
		return false;
	if (strcasecmp(a->host, b->host) == 0)
		return true;
	return !strchr(a->host, ':') == !strchr(b->host, ':') &&
	       (strcmp(a->host, any) == 0 || strcmp(b->host, any) == 0);
}

/* The addresses that the node listens on must not conflict. */
static void check_addresses(struct conf_loader *l)
{
	const struct conf *c = l->conf;
	const struct {
		enum conf_key_id key;
		const char *text; /* NULL: not used */
	} own[] = {
		{CONF_KEY_LISTEN, c->listen},
		{CONF_KEY_DYN_LISTEN, c->listen ? c->dyn_listen : NULL},
		{CONF_KEY_STATS_LISTEN,
			c->places[CONF_KEY_STATS_LISTEN].bad ? NULL : c->stats_listen},
		{CONF_KEY_RECON_LISTEN, c->recon_enabled ? c->recon_listen : NULL},
	};
	struct addr a, b;
	size_t line;

	for (size_t i = 1; i < sizeof(own) / sizeof(own[0]); i++) {
		for (size_t j = 0; j < i; j++) {
			if (!own[i].text || !own[j].text || !addr_parse(&a, own[i].text) ||
				!addr_parse(&b, own[j].text) || !collide(&a, &b))
				continue;
			line = c->places[own[i].key].line;
			if (!line)
				line = c->places[own[j].key].line;
			conf_report_error(l->report, conf_at_line(c, own[i].key, line),
				"%s has the port of %s, %s; give each an address of its own",
				own[i].text, conf_keys[own[j].key].name, own[j].text);
		}
	}
}

/* The limit must admit all other nodes, assuming that each connects as often as this one does. */
static void check_connections(struct conf_loader *l)
{
	const struct conf *c = l->conf;
	int64_t wanted = 0;

	for (size_t i = 0; i < c->n_seeds; i++)
		wanted += strcmp(c->seeds[i].datacenter, c->datacenter) == 0
				  ? c->local_peer_connections
				  : c->remote_peer_connections;
	if (c->listen && wanted > c->dyn_connections)
		conf_report_warning(l->report, conf_at(l->conf, CONF_KEY_DYN_CONNECTIONS),
			"%lld leaves no room for all nodes of dyn_seeds, which make %lld "
			"connections; raise it",
			(long long)c->dyn_connections, (long long)wanted);
}

/* One warning that names all keys that are set but have no effect yet. */
static void warn_unused(struct conf_loader *l)
{
	char names[CONF_N_KEYS * 32];
	size_t len = 0;

	names[0] = '\0';
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		if (!(conf_keys[i].flags & CONF_UNUSED) || !l->conf->places[i].line)
			continue;
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
			conf_keys[i].name);
	}
	if (len)
		conf_report_warning(l->report, conf_at_file(l->conf),
			"accepted, but nothing uses these keys yet: %s", names);
}

void conf_check(struct conf_loader *l)
{
	default_listen(l);
	default_peers(l);
	check_buffer_size(l);
	check_addresses(l);
	if (l->conf->listen) {
		check_listen(l);
		check_served(l);
	}
	if (l->conf->recon_enabled) {
		check_needed(l);
		check_protocol(l);
		check_spool_dir(l);
	}
	if (conf_report_is_good(l->report)) {
		check_connections(l);
		warn_unused(l);
	}
}
