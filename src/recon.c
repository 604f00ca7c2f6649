#include "recon.h"

#include <string.h>
#include <sys/stat.h>

static void fill_config(struct recon *r, const struct conf *conf)
{
	struct dyn_entropy_config *c = &r->config;

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

static void fill_rest(struct recon *r, const struct conf *conf, dyn_entropy_cancel *cancel)
{
	r->redis.address = conf->n_servers ? conf->servers[0].address : NULL;
	r->redis.password = conf->requirepass;
	r->redis.timeout_ms = (uint32_t)conf->recon_timeout;
	r->redis.cancel = cancel;
	r->source.segment_bytes = (uint32_t)conf->recon_segment_bytes;
	r->source.max_rate = (uint64_t)conf->recon_max_rate;
	r->source.spool_dir = conf->recon_spool_dir;
	r->accept = strcmp(conf->recon_accept, "data") == 0 ? DYN_ENTROPY_ACCEPT_DATA
							    : DYN_ENTROPY_ACCEPT_RESTORE;
}

static bool is_loopback(const char *text)
{
	struct addr a;

	return addr_parse(&a, text) && addr_is_loopback(&a);
}

/* Whether nobody outside this machine can reach the channel, nor the channel anybody. */
static bool all_loopback(const struct conf *conf)
{
	if (conf->recon_listen && !is_loopback(conf->recon_listen))
		return false;
	for (size_t i = 0; i < conf->recon_peers.n; i++)
		if (!is_loopback(conf->recon_peers.items[i]))
			return false;
	return true;
}

static void warn_if_others_read(const char *path, struct conf_report *report)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		conf_report_warning(
			report, "%s: others may read this secret file: chmod o-rwx %s", path, path);
}

/* What is wrong with one file, if anything: the pair's error tells of the first alone. */
static void check_file(const char *path, const struct conf *conf, struct conf_report *report)
{
	struct dyn_entropy_error err = {0};
	dyn_entropy_material *material = NULL;

	if (dyn_entropy_material_load(path, path, &material, &err) != DYN_ENTROPY_OK)
		conf_report_error(report, "%s: %s: %s", conf->path,
			dyn_entropy_status_name(err.status), err.message);
	dyn_entropy_material_free(material);
}

static bool load_material(struct recon *r, const struct conf *conf, struct conf_report *report)
{
	struct dyn_entropy_error err = {0};

	if (dyn_entropy_material_load(conf->recon_key_file, conf->recon_iv_file, &r->material,
		    &err) != DYN_ENTROPY_OK) {
		size_t errors = report->errors.n;

		check_file(conf->recon_key_file, conf, report);
		check_file(conf->recon_iv_file, conf, report);
		if (report->errors.n == errors) /* no fault of a file: memory, say */
			conf_report_error(report, "%s: %s: %s", conf->path,
				dyn_entropy_status_name(err.status), err.message);
		return false;
	}
	if (dyn_entropy_material_is_sample(r->material)) {
		if (!all_loopback(conf)) {
			conf_report_error(report,
				"%s: recon_key_file: %s holds the published sample key, which "
				"protects nothing, and "
				"recon_listen or recon_peers reach beyond this machine: make your "
				"own with 'dyn-entropy keygen'",
				conf->path, conf->recon_key_file);
			return false;
		}
		return true; /* everybody knows it: who may read the file does not matter */
	}
	warn_if_others_read(conf->recon_key_file, report);
	warn_if_others_read(conf->recon_iv_file, report);
	return true;
}

bool recon_init(struct recon *r, const struct conf *conf, dyn_entropy_cancel *cancel,
	struct conf_report *report)
{
	struct dyn_entropy_error err = {0};

	memset(r, 0, sizeof(*r));
	r->conf = conf;
	fill_config(r, conf);
	fill_rest(r, conf, cancel);
	if (dyn_entropy_config_validate(&r->config, &err) != DYN_ENTROPY_OK) {
		conf_report_error(report, "%s: recon_%s", conf->path, err.message);
		return false;
	}
	return !conf->recon_encrypt || load_material(r, conf, report);
}

void recon_fini(struct recon *r)
{
	dyn_entropy_material_free(r->material);
	memset(r, 0, sizeof(*r));
}

enum dyn_entropy_status recon_open_source(const struct recon *r,
	bool (*owns)(void *arg, const void *key, size_t len), void *owns_arg,
	struct dyn_entropy_source *out, struct dyn_entropy_error *err)
{
	struct dyn_entropy_source_options options = r->source;

	options.owns = owns;
	options.owns_arg = owns_arg;
	if (strcmp(r->conf->recon_source, "sync") == 0)
		return dyn_entropy_source_sync(&r->redis, &options, out, err);
	return dyn_entropy_source_scan(&r->redis, &options, out, err);
}
