#include "node/setup.h"

#include "proto/dnode_crypto.h"

#include <stdlib.h>
#include <string.h>

/* Descriptors that are there for files, the loop, statistics and spools. */
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

/* The file's own key files give way before the material is read, which may be in other places. */
static bool override(struct conf *c, const struct setup_options *o)
{
	if (o->plaintext)
		c->recon_encrypt = false;
	return put_text(&c->recon_key_file, o->key_file) && put_text(&c->recon_iv_file, o->iv_file);
}

/* The node reads the key again when it starts; a test of the file must not wait for that. */
static void check_link_key(const struct conf *c, struct conf_report *report)
{
	struct dnode_rsa *rsa;
	char why[256];

	if (strcmp(c->secure_server_option, "none") == 0 || conf_is_bad(c, "pem_key_file"))
		return;
	rsa = dnode_rsa_load(c->pem_key_file, why, sizeof(why));
	if (!rsa)
		conf_error(report, c, "pem_key_file", "%s (secure_server_option: %s needs it)", why,
			c->secure_server_option);
	dnode_rsa_free(rsa);
}

/* ---- The ring ---- */

struct ring_report {
	const struct conf *conf;
	struct conf_report *to;
};

static void on_ring_error(void *arg, enum ring_key key, size_t line, const char *message)
{
	static const char *const names[] = {
		[RING_KEY_NONE] = NULL,
		[RING_KEY_DYN_LISTEN] = "dyn_listen",
		[RING_KEY_DYN_SEEDS] = "dyn_seeds",
		[RING_KEY_TOKENS] = "tokens",
	};
	const struct ring_report *r = arg;

	if (line)
		conf_error_at(r->to, r->conf, line, names[key], "%s", message);
	else
		conf_error(r->to, r->conf, names[key], "%s", message);
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
		.tokens_line = conf_line(c, "tokens"),
		.seeds = seeds,
		.n_seeds = c->n_seeds,
		.hash_tag = c->hash_tag,
		.bad_listen = conf_is_bad(c, "dyn_listen"),
		.bad_place = conf_is_bad(c, "rack") || conf_is_bad(c, "datacenter"),
		.bad_tokens = conf_is_bad(c, "tokens"),
		.report = on_ring_error,
		.report_arg = &to,
	};
	struct ring *ring;

	if (!seeds) {
		conf_error(report, c, NULL, "not enough memory for the ring");
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

static enum proxy_encryption encryption_of(const char *option)
{
	if (strcmp(option, "rack") == 0)
		return PROXY_ENCRYPT_RACK;
	if (strcmp(option, "datacenter") == 0)
		return PROXY_ENCRYPT_DATACENTER;
	return strcmp(option, "all") == 0 ? PROXY_ENCRYPT_ALL : PROXY_ENCRYPT_NONE;
}

static enum consistency level_of(const char *name)
{
	enum consistency level = CONSISTENCY_DC_ONE;

	/* conf has checked the name. */
	(void)consistency_parse(name, &level);
	return level;
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
		.read_consistency = level_of(c->read_consistency),
		.write_consistency = level_of(c->write_consistency),
	};

	if (c->recon_enabled)
		o.descriptors_kept += 2 * (size_t)c->recon_max_connections; /* each, its Redis */
	return o;
}

/* ---- All of it ---- */

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
		conf_error(report, c, NULL, "out of memory");
		return;
	}
	if (c->listen) {
		s->ring = setup_ring(c, report);
		if (!o->channel_only)
			check_link_key(c, report);
	}
	if (!heal_targets_init(&s->targets, c, s->ring)) {
		conf_error(report, c, NULL, "out of memory");
		return;
	}
	s->sound = report->errors.n == 0;
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
