#include "node/setup.h"

#include "proto/dnode_crypto.h"

#include <stdlib.h>
#include <string.h>

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
		s->ring = ring_new(c, report);
		if (!o->channel_only)
			check_link_key(c, report);
	}
	if (!recon_ring_init(&s->peers, c, s->ring)) {
		conf_error(report, c, NULL, "out of memory");
		return;
	}
	s->sound = report->errors.n == 0;
	if (c->recon_enabled || o->with_recon) {
		recon_init(&s->recon, c, cancel, report);
		recon_ring_warn(&s->peers, report);
	}
}

void setup_fini(struct setup *s)
{
	recon_ring_fini(&s->peers);
	recon_fini(&s->recon);
	ring_free(s->ring);
	conf_free(s->conf);
	memset(s, 0, sizeof(*s));
}
