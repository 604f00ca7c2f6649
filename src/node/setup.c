#include "node/setup.h"

#include "conf/conf_load.h"
#include "proto/dnode_crypto.h"

#include <stdlib.h>
#include <string.h>

/* Descriptors reserved for files, the event loop, the control server and spools. */
#define DESCRIPTORS_KEPT 64

static bool put_text(char **field, const char *value)
{
	char *copy;

	if (!value)
		return true;
	copy = strdup(value);
	if (!copy)
		return false;
	free(*field);
	*field = copy;
	return true;
}

/* Replace the file's key files before they are read: they may not exist where dyn-entropy runs. */
static bool override(struct conf *c, const struct setup_options *o)
{
	if (o->plaintext)
		c->recon_encrypt = false;
	return put_text(&c->recon_key_file, o->key_file) && put_text(&c->recon_iv_file, o->iv_file);
}

/* The node reads the key again at its start; this is so that dynomite -t finds an error in it. */
static void check_link_key(const struct conf *c, struct conf_report *report)
{
	struct dnode_rsa *rsa;
	char why[256];

	if (c->secure_server_option == CONF_SECURE_NONE || c->places[CONF_KEY_PEM_KEY_FILE].bad)
		return;
	rsa = dnode_rsa_load(c->pem_key_file, why, sizeof(why));
	if (!rsa)
		conf_report_error(report, conf_at(c, CONF_KEY_PEM_KEY_FILE),
			"%s (secure_server_option: %s needs it)", why,
			conf_key_word(CONF_KEY_SECURE_SERVER_OPTION, c->secure_server_option));
	dnode_rsa_free(rsa);
}

/* ---- The ring ---- */

struct ring_report {
	const struct conf *conf;
	struct conf_report *to;
};

static void on_ring_error(void *arg, enum ring_key key, size_t line, const char *message)
{
	static const enum conf_key_id keys[] = {
		[RING_KEY_DYN_LISTEN] = CONF_KEY_DYN_LISTEN,
		[RING_KEY_DYN_SEEDS] = CONF_KEY_DYN_SEEDS,
		[RING_KEY_TOKENS] = CONF_KEY_TOKENS,
	};
	const struct ring_report *r = arg;
	struct conf_where where = conf_at_file(r->conf);

	if (key != RING_KEY_NONE)
		where = line ? conf_at_line(r->conf, keys[key], line) : conf_at(r->conf, keys[key]);
	conf_report_error(r->to, where, "%s", message);
}

struct ring *setup_ring(const struct conf *c, struct conf_report *report)
{
	struct ring_report to = {c, report};
	struct ring_seed *seeds = calloc(c->n_seeds + 1, sizeof(*seeds));
	const struct ring_options options = {
		.listen = c->dyn_listen,
		.datacenter = c->datacenter,
		.rack = c->rack,
		.tokens = c->tokens,
		.tokens_line = c->places[CONF_KEY_TOKENS].line,
		.seeds = seeds,
		.n_seeds = c->n_seeds,
		.hash_tag = c->hash_tag,
		.bad_listen = c->places[CONF_KEY_DYN_LISTEN].bad,
		.bad_place = c->places[CONF_KEY_RACK].bad || c->places[CONF_KEY_DATACENTER].bad,
		.bad_tokens = c->places[CONF_KEY_TOKENS].bad,
		.report = on_ring_error,
		.report_arg = &to,
	};
	struct ring *ring;

	if (!seeds) {
		conf_report_error(report, conf_at_file(c), "not enough memory for the ring");
		return NULL;
	}
	for (size_t i = 0; i < c->n_seeds; i++) {
		const struct conf_seed *s = &c->seeds[i];

		seeds[i] = (struct ring_seed){s->addr, s->rack, s->datacenter, s->tokens, s->line};
	}
	ring = ring_new(&options);
	free(seeds);
	return ring;
}

/* ---- The proxy ---- */

static enum proxy_encryption encryption_of(enum conf_secure option)
{
	switch (option) {
	case CONF_SECURE_NONE:
		break;
	case CONF_SECURE_RACK:
		return PROXY_ENCRYPT_RACK;
	case CONF_SECURE_DATACENTER:
		return PROXY_ENCRYPT_DATACENTER;
	case CONF_SECURE_ALL:
		return PROXY_ENCRYPT_ALL;
	}
	return PROXY_ENCRYPT_NONE;
}

struct proxy_options setup_proxy_options(const struct conf *c)
{
	struct proxy_options o = {
		.listen = c->listen,
		.dyn_listen = c->dyn_listen,
		.backlog = (int)c->backlog,
		.client_connections = (size_t)c->client_connections,
		.dyn_connections = (size_t)c->dyn_connections,
		.descriptors_kept = DESCRIPTORS_KEPT,
		.datastore = c->n_servers ? c->servers[0].address : NULL,
		.requirepass = c->requirepass,
		.datastore_connections = (size_t)c->datastore_connections,
		.preconnect = c->preconnect,
		.local_peer_connections = (size_t)c->local_peer_connections,
		.remote_peer_connections = (size_t)c->remote_peer_connections,
		.auto_eject_hosts = c->auto_eject_hosts,
		.server_retry_timeout_ms = c->server_retry_timeout,
		.server_failure_limit = (unsigned)c->server_failure_limit,
		.encryption = encryption_of(c->secure_server_option),
		.pem_key_file = c->pem_key_file,
		.timeout_ms = c->timeout,
		.max_msgs = (size_t)c->max_msgs,
		.read_consistency = c->read_consistency,
		.write_consistency = c->write_consistency,
	};

	if (c->recon_enabled)
		/* for each, the connection and one to the datastore */
		o.descriptors_kept += 2 * (size_t)c->recon_max_connections;
	return o;
}

/* ---- The whole file ---- */

void setup_load(struct setup *s, const char *path, const struct setup_options *options,
	dyn_entropy_cancel *cancel, struct conf_report *report)
{
	static const struct setup_options none;
	const struct setup_options *o = options ? options : &none;
	struct conf *c;

	memset(s, 0, sizeof(*s));
	c = s->conf = conf_load_partly(path, report);
	if (!c)
		return;
	if (!override(c, o)) {
		conf_report_error(report, conf_at_file(c), "out of memory");
		return;
	}
	if (c->listen) {
		s->ring = setup_ring(c, report);
		if (!o->channel_only)
			check_link_key(c, report);
	}
	if (!heal_targets_init(&s->targets, c, s->ring)) {
		conf_report_error(report, conf_at_file(c), "out of memory");
		return;
	}
	s->sound = conf_report_is_good(report);
	if (c->recon_enabled || o->with_recon) {
		heal_settings_init(&s->heal, c, cancel, report);
		heal_targets_warn(&s->targets, report);
	}
}

void setup_fini(struct setup *s)
{
	heal_targets_fini(&s->targets);
	heal_settings_fini(&s->heal);
	ring_free(s->ring);
	conf_free(s->conf);
	memset(s, 0, sizeof(*s));
}
