#include "base/json.h"
#include "conf/conf_print.h"
#include "tools/channel.h"
#include "tools/progress.h"

#include <inttypes.h>
#include <stdio.h>

struct settings {
	const char *conf;
	bool json, quiet;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{'c', "conf", "FILE", "the dynomite.yml to read", OPTION_TEXT, AT(conf), 0, 0, 0},
	{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, AT(json), 0, 0, 0},
	{'q', "quiet", NULL, "print errors only", OPTION_FLAG, AT(quiet), 0, 0, 0},
};

/* A description of the key material that a node with this file would use. */
static const char *material_state(const struct heal_settings *r)
{
	if (!r->config.encrypt)
		return "none: nothing is encrypted";
	if (r->material == NULL)
		return "not usable";
	if (dyn_entropy_material_is_sample(r->material))
		return "the published sample, which protects nothing";
	return "loaded";
}

static void write_targets(const struct setup *s)
{
	const struct conf *c = s->conf;

	if (c->recon_peers.n == 0)
		puts("  pushes to      nobody: neither recon_peers nor dyn_seeds name a peer");
	else
		printf("  pushes         every %" PRId64 " s\n", c->recon_interval_seconds);
	for (size_t i = 0; i < c->recon_peers.n; i++)
		printf("    to           %s: %s\n", c->recon_peers.items[i],
			heal_targets_part_text(heal_targets_part(&s->targets, i)));
}

static void write_text(const struct setup *s)
{
	const struct conf *c = s->conf;
	const struct heal_settings *r = &s->heal;
	char text[PROGRESS_TEXT_MAX];

	conf_print(c, stdout);
	printf("\nThe entropy channel %s:\n",
		c->recon_enabled ? "is on" : "is off (recon_enabled); if it were on");
	printf("  listens on     %s, for %s\n",
		r->config.listen_addr != NULL ? r->config.listen_addr
					      : "nothing: neither recon_listen nor dyn_listen",
		c->recon_allow == CONF_ALLOW_PEERS ? "the addresses of known peers"
						   : "any address");
	printf("  takes          %s, snapshots of up to %s, %u at a time\n",
		r->accept == DYN_ENTROPY_ACCEPT_DATA ? "RESTORE and data-writing commands"
						     : "RESTORE alone",
		progress_bytes((double)r->config.max_snapshot_bytes, text),
		r->config.max_connections);
	write_targets(s);
	printf("  reads          %s, by %s\n",
		r->redis.address != NULL ? r->redis.address : "nothing: no servers",
		conf_key_word(CONF_KEY_RECON_SOURCE, c->recon_source));
	if (r->config.max_rate > 0)
		printf("  sends          at most %s/s\n",
			progress_bytes((double)r->config.max_rate, text));
	else
		puts("  sends          as fast as it can");
	printf("  key material   %s\n", material_state(r));
}

static void write_json(const struct setup *s)
{
	const struct conf *c = s->conf;
	const struct heal_settings *r = &s->heal;
	struct json j;

	json_begin(&j, stdout, "conf");
	json_text(&j, "file", c->path);
	json_bool(&j, "recon_enabled", c->recon_enabled);
	json_text(&j, "listen", r->config.listen_addr);
	json_text(&j, "allow", conf_key_word(CONF_KEY_RECON_ALLOW, c->recon_allow));
	json_text(&j, "redis", r->redis.address);
	json_text(&j, "source", conf_key_word(CONF_KEY_RECON_SOURCE, c->recon_source));
	json_bool(&j, "encrypt", r->config.encrypt);
	json_text(&j, "key_material", material_state(r));
	json_number(&j, "interval_seconds", (uint64_t)c->recon_interval_seconds);
	json_number(&j, "max_rate", r->config.max_rate);
	json_number(&j, "peers", c->recon_peers.n);
	json_end(&j);
	for (size_t i = 0; i < c->recon_peers.n; i++) {
		json_begin(&j, stdout, "peer");
		json_text(&j, "peer", c->recon_peers.items[i]);
		json_text(&j, "sent", heal_targets_part_text(heal_targets_part(&s->targets, i)));
		json_end(&j);
	}
}

/* Errors of a channel that is off are only warnings. */
static void look_at_what_is_off(struct setup *s)
{
	struct conf_report report = {0};

	heal_settings_init(&s->heal, s->conf, NULL, &report);
	heal_targets_warn(&s->targets, &report);
	for (size_t i = 0; i < report.errors.n; i++)
		tool_error("conf: warning: with recon_enabled: %s", report.errors.items[i]);
	for (size_t i = 0; i < report.warnings.n; i++)
		tool_error("conf: warning: with recon_enabled: %s", report.warnings.items[i]);
	conf_report_fini(&report);
}

static int show(const struct settings *settings)
{
	struct conf_report report = {0};
	struct setup s;
	bool good;

	setup_load(&s, settings->conf, NULL, NULL, &report);
	good = channel_tell("conf", &report);
	if (s.sound) {
		if (!s.conf->recon_enabled)
			look_at_what_is_off(&s);
		if (settings->json)
			write_json(&s);
		else if (!settings->quiet)
			write_text(&s);
	}
	setup_fini(&s);
	if (settings->json) {
		struct json j;

		tool_result_begin(&j, "conf", good);
		json_end(&j);
	}
	return good ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static int run(const void *settings, const char *const *operands)
{
	const struct settings *s = settings;

	(void)operands;
	if (s->conf == NULL) {
		tool_error("conf: needs -c FILE, the dynomite.yml to read");
		return TOOL_EXIT_USAGE;
	}
	return show(s);
}

const struct subcommand cmd_conf = {
	.name = "conf",
	.operands = "",
	.summary = "Read a dynomite.yml and say what its entropy channel would do.",
	.about = "All errors of the file are reported at once.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
