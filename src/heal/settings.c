#include "heal/settings.h"

#include "base/log.h"

#include <string.h>
#include <sys/stat.h>

static void fill_config(struct heal_settings *s, const struct conf *conf)
{
	struct dyn_entropy_config *c = &s->config;

	dyn_entropy_config_init(c);
	c->key_file = conf->recon_key_file;
	c->iv_file = conf->recon_iv_file;
	c->listen_addr = conf->recon_listen;
	c->send_addr = conf->recon_send_bind;
	c->peer_endpoint = NULL;
	c->encrypt = conf->recon_encrypt;
	c->buffer_size = (uint32_t)conf->recon_buffer_size;
	c->header_size = (uint32_t)conf->recon_header_size;
	c->max_rate = (uint64_t)conf->recon_max_rate;
	c->max_snapshot_bytes = (uint64_t)conf->recon_max_snapshot_bytes;
	c->spool_dir = conf->recon_spool_dir;
	c->max_connections = (unsigned)conf->recon_max_connections;
	c->timeout_ms = (uint32_t)conf->recon_timeout;
}

static void fill_rest(struct heal_settings *s, const struct conf *conf, dyn_entropy_cancel *cancel)
{
	s->redis.struct_size = sizeof(s->redis);
	s->redis.address = conf->n_servers ? conf->servers[0].address : NULL;
	s->redis.password = conf->requirepass;
	s->redis.timeout_ms = (uint32_t)conf->recon_timeout;
	s->redis.cancel = cancel;
	s->source.struct_size = sizeof(s->source);
	s->source.segment_bytes = (uint32_t)conf->recon_segment_bytes;
	s->source.max_rate = (uint64_t)conf->recon_max_rate;
	s->source.spool_dir = conf->recon_spool_dir;
	s->source.cancel = cancel;
	s->accept = conf->recon_accept == CONF_ACCEPT_DATA ? DYN_ENTROPY_ACCEPT_DATA
							   : DYN_ENTROPY_ACCEPT_RESTORE;
}

/* Whether all addresses of the channel are on this machine. */
static bool all_loopback(const struct conf *conf)
{
	if (conf->recon_listen && !addr_text_is_loopback(conf->recon_listen))
		return false;
	if (conf->recon_send_bind && !addr_text_is_loopback(conf->recon_send_bind))
		return false;
	for (size_t i = 0; i < conf->recon_peers.n; i++)
		if (!addr_text_is_loopback(conf->recon_peers.items[i]))
			return false;
	return true;
}

static void warn_if_others_read(
	const struct conf *conf, enum conf_key_id key, const char *path, struct conf_report *report)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		conf_report_warning(report, conf_at(conf, key),
			"others may read this secret file: chmod o-rwx %s", path);
}

/* Report the error of one file: the error of the pair is only that of the first. */
static void check_file(
	const struct conf *conf, enum conf_key_id key, const char *path, struct conf_report *report)
{
	struct dyn_entropy_error err = {0};
	dyn_entropy_material *material = NULL;

	if (dyn_entropy_material_load(path, path, &material, &err) != DYN_ENTROPY_OK)
		conf_report_error(report, conf_at(conf, key), "%s", err.message);
	dyn_entropy_material_free(material);
}

static bool is_given(
	const struct conf *conf, enum conf_key_id key, const char *path, struct conf_report *report)
{
	/* With recon_enabled the missing key was reported already. */
	if (!path && !conf->recon_enabled && !conf->places[key].bad)
		conf_report_error(report, conf_at(conf, key),
			"is missing: give the file (dyn-entropy keygen makes one), or "
			"recon_encrypt: false");
	return path != NULL;
}

static bool load_material(
	struct heal_settings *s, const struct conf *conf, struct conf_report *report)
{
	const char *key_file = conf->recon_key_file, *iv_file = conf->recon_iv_file;
	struct dyn_entropy_error err = {0};
	bool has_key = is_given(conf, CONF_KEY_RECON_KEY_FILE, key_file, report);
	bool has_iv = is_given(conf, CONF_KEY_RECON_IV_FILE, iv_file, report);

	if (!has_key || !has_iv ||
		dyn_entropy_material_load(key_file, iv_file, &s->material, &err) !=
			DYN_ENTROPY_OK) {
		size_t errors = report->errors.n;

		if (has_key)
			check_file(conf, CONF_KEY_RECON_KEY_FILE, key_file, report);
		if (has_iv)
			check_file(conf, CONF_KEY_RECON_IV_FILE, iv_file, report);
		if (has_key && has_iv && report->errors.n == errors) /* such as out of memory */
			conf_report_error(
				report, conf_at(conf, CONF_KEY_RECON_KEY_FILE), "%s", err.message);
		return false;
	}
	if (dyn_entropy_material_is_sample(s->material)) {
		if (!all_loopback(conf)) {
			conf_report_error(report, conf_at(conf, CONF_KEY_RECON_KEY_FILE),
				"%s holds the published sample key, which protects nothing, and "
				"recon_listen, recon_send_bind or recon_peers reach beyond this "
				"machine: make your own with 'dyn-entropy keygen'",
				key_file);
			return false;
		}
		return true; /* it is public: who may read the file does not matter */
	}
	warn_if_others_read(conf, CONF_KEY_RECON_KEY_FILE, key_file, report);
	warn_if_others_read(conf, CONF_KEY_RECON_IV_FILE, iv_file, report);
	return true;
}

/* The library may refuse values that the table of keys allows. */
static bool check_config(
	const struct heal_settings *s, const struct conf *conf, struct conf_report *report)
{
	struct dyn_entropy_error err = {0};

	if (conf->places[CONF_KEY_RECON_BUFFER_SIZE].bad ||
		conf->places[CONF_KEY_RECON_ENCRYPT].bad ||
		(conf->recon_encrypt && conf->recon_buffer_size % DYN_ENTROPY_BLOCK_SIZE))
		return false; /* reported already */
	if (dyn_entropy_config_validate(&s->config, &err) == DYN_ENTROPY_OK)
		return true;
	conf_report_error(report, conf_at_file(conf), "the entropy channel: %s", err.message);
	return false;
}

bool heal_settings_init(struct heal_settings *s, const struct conf *conf,
	dyn_entropy_cancel *cancel, struct conf_report *report)
{
	bool good;

	memset(s, 0, sizeof(*s));
	s->conf = conf;
	fill_config(s, conf);
	fill_rest(s, conf, cancel);
	good = check_config(s, conf, report);
	if (conf->recon_encrypt && !conf->places[CONF_KEY_RECON_ENCRYPT].bad)
		good &= load_material(s, conf, report);
	return good;
}

void heal_settings_fini(struct heal_settings *s)
{
	dyn_entropy_material_free(s->material);
	memset(s, 0, sizeof(*s));
}

enum dyn_entropy_status heal_settings_open_source(const struct heal_settings *s,
	const struct heal_source_keys *keys, struct dyn_entropy_source *out,
	struct dyn_entropy_error *err)
{
	struct dyn_entropy_source_options options = s->source;

	options.owns = keys->owns;
	options.owns_arg = keys->owns_arg;
	options.is_changed = keys->is_changed;
	options.is_changed_arg = keys->is_changed_arg;
	if (s->conf->recon_source == CONF_SOURCE_SYNC) {
		enum dyn_entropy_status status =
			dyn_entropy_source_sync(&s->redis, &options, out, err);

		if (status != DYN_ENTROPY_ERR_CONFIG)
			return status;
		log_warn("entropy: %s: it is read by scan instead of sync (recon_source)",
			err->message);
	}
	return dyn_entropy_source_scan(&s->redis, &options, out, err);
}
