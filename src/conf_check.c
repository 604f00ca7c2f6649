#include "conf_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEAST_RATE (64 * 1024) /* bytes per second, on average, that a receiver asks for */

static bool present(const struct conf_loader *l, const char *name)
{
	return conf_seen_line(l, name) != 0;
}

/* text's address with the entropy channel's port; false when that is past 65535. */
static bool recon_address(struct addr a, char text[ADDR_TEXT_MAX])
{
	if (a.port > UINT16_MAX - CONF_RECON_PORT_ABOVE)
		return false;
	a.port = (uint16_t)(a.port + CONF_RECON_PORT_ABOVE);
	addr_format(&a, text, ADDR_TEXT_MAX);
	return true;
}

/* A file without the channel must load whatever its ports are: complain only when it is enabled. */
static void default_listen(struct conf_loader *l)
{
	struct conf *c = l->conf;
	char text[ADDR_TEXT_MAX];
	struct addr a;

	if (present(l, "recon_listen") || !c->dyn_listen || !addr_parse(&a, c->dyn_listen))
		return;
	if (!recon_address(a, text)) {
		if (c->recon_enabled)
			conf_fault(l, conf_seen_line(l, "dyn_listen"), "dyn_listen",
				"%s leaves no port for the entropy channel, which takes the port + "
				"%d: give recon_listen",
				c->dyn_listen, CONF_RECON_PORT_ABOVE);
		return;
	}
	c->recon_listen = strdup(text);
	if (!c->recon_listen)
		l->no_memory = true;
}

static void default_peers(struct conf_loader *l)
{
	struct conf *c = l->conf;
	char text[ADDR_TEXT_MAX];

	if (present(l, "recon_peers"))
		return;
	for (size_t i = 0; i < c->n_seeds; i++) {
		if (recon_address(c->seeds[i].addr, text)) {
			if (!conf_list_add(&c->recon_peers, text))
				l->no_memory = true;
		} else if (c->recon_enabled) {
			conf_fault(l, conf_seen_line(l, "dyn_seeds"), "dyn_seeds",
				"%s leaves no port for the entropy channel, which takes the port + "
				"%d: give recon_peers",
				addr_format(&c->seeds[i].addr, text, sizeof(text)),
				CONF_RECON_PORT_ABOVE);
		}
	}
}

/* The keys without which the channel cannot run. */
static void check_needed(struct conf_loader *l)
{
	const struct conf *c = l->conf;
	size_t line = conf_seen_line(l, "recon_enabled");

	if (!c->n_servers && !conf_seen_bad(l, "servers"))
		conf_fault(l, line, "recon_enabled",
			"true needs the datastore that is to be healed: give servers, one entry "
			"host:port:weight");
	if (!present(l, "recon_listen") && !present(l, "dyn_listen"))
		conf_fault(l, line, "recon_enabled",
			"true needs an address to receive at: give recon_listen, host:port, or "
			"dyn_listen");
	if (!c->recon_encrypt || conf_seen_bad(l, "recon_encrypt"))
		return;
	if (!present(l, "recon_key_file"))
		conf_fault(l, line, "recon_enabled",
			"true needs recon_key_file, the pre-shared key (dyn-entropy keygen makes "
			"one), or recon_encrypt: false");
	if (!present(l, "recon_iv_file"))
		conf_fault(l, line, "recon_enabled",
			"true needs recon_iv_file, the pre-shared initialization vector "
			"(dyn-entropy keygen makes one), or recon_encrypt: false");
}

/* The receiver would learn it only with the first large snapshot. */
static void check_spool_dir(struct conf_loader *l)
{
	const char *dir = l->conf->recon_spool_dir;
	size_t line = conf_seen_line(l, "recon_spool_dir");
	char shown[CONF_SHOWN_MAX];
	struct stat st;

	if (!dir)
		return;
	conf_shown(dir, shown);
	if (stat(dir, &st) != 0)
		conf_fault(l, line, "recon_spool_dir", "%s: %s; give a directory that exists",
			shown, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		conf_fault(l, line, "recon_spool_dir", "%s is not a directory; give one", shown);
	else if (access(dir, W_OK | X_OK) != 0)
		conf_fault(l, line, "recon_spool_dir",
			"%s: %s; let the user that runs this write to it", shown, strerror(errno));
}

static void check_buffer_size(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (c->recon_encrypt && c->recon_buffer_size % 16 != 0)
		conf_fault(l, conf_seen_line(l, "recon_buffer_size"), "recon_buffer_size",
			"%lld is not a multiple of 16, which recon_encrypt needs; the next is "
			"%lld",
			(long long)c->recon_buffer_size,
			(long long)(c->recon_buffer_size / 16 + 1) * 16);
}

static void check_rate(struct conf_loader *l)
{
	const struct conf *c = l->conf;

	if (c->recon_max_rate && c->recon_max_rate < LEAST_RATE)
		conf_warn(l, conf_seen_line(l, "recon_max_rate"), "recon_max_rate",
			"%lld bytes/s is slower than receivers bear with (%d): they will give up "
			"on longer snapshots",
			(long long)c->recon_max_rate, LEAST_RATE);
}

/* The other nodes, each with as many connections as this one makes, must find room here. */
static void check_connections(struct conf_loader *l)
{
	const struct conf *c = l->conf;
	int64_t wanted = 0;

	for (size_t i = 0; i < c->n_seeds; i++)
		wanted += strcmp(c->seeds[i].datacenter, c->datacenter) == 0
				  ? c->local_peer_connections
				  : c->remote_peer_connections;
	if (c->listen && wanted > c->dyn_connections)
		conf_warn(l, conf_seen_line(l, "dyn_connections"), "dyn_connections",
			"%lld leaves no room for all nodes of dyn_seeds, which make %lld "
			"connections; raise it",
			(long long)c->dyn_connections, (long long)wanted);
}

/* One line that names all that is set and does nothing yet. */
static void warn_unused(struct conf_loader *l)
{
	char names[CONF_KEYS_MAX * 32];
	size_t len = 0;

	names[0] = '\0';
	for (size_t i = 0; i < conf_n_keys; i++) {
		if (!(conf_keys[i].flags & CONF_UNUSED) || !l->seen[i].line)
			continue;
		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "",
			conf_keys[i].name);
	}
	if (len)
		conf_warn(l, 0, NULL, "accepted, but nothing uses these keys yet: %s", names);
}

void conf_check(struct conf_loader *l)
{
	default_listen(l);
	default_peers(l);
	check_buffer_size(l);
	if (l->conf->recon_enabled) {
		check_needed(l);
		check_spool_dir(l);
		check_rate(l);
	}
	if (!l->report->errors.n) {
		check_connections(l);
		warn_unused(l);
	}
}
