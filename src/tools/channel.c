#include "tools/channel.h"

#include "base/addr.h"
#include "tools/login.h"

#include <stdlib.h>
#include <string.h>

bool channel_tell(const char *command, struct conf_report *report)
{
	bool ok = report->errors.n == 0;

	for (size_t i = 0; i < report->warnings.n; i++)
		tool_error("%s: warning: %s", command, report->warnings.items[i]);
	for (size_t i = 0; i < report->errors.n; i++)
		tool_error("%s: %s", command, report->errors.items[i]);
	conf_report_fini(report);
	memset(report, 0, sizeof(*report));
	return ok;
}

/* The file's own key files give way before the material is read, which may be in other places. */
static bool put_text(char **field, const char *value)
{
	char *copy;

	if (value == NULL)
		return true;
	copy = strdup(value);
	if (copy == NULL)
		return false;
	free(*field);
	*field = copy;
	return true;
}

static int from_conf(struct channel *ch, const struct channel_settings *s)
{
	struct conf_report report = {0};
	bool ok;

	ch->conf = conf_load(s->conf, &report);
	if (!channel_tell(ch->command, &report) || ch->conf == NULL)
		return TOOL_EXIT_FAILED;
	if (s->plaintext)
		ch->conf->recon_encrypt = false;
	if (!put_text(&ch->conf->recon_key_file, s->key_file) ||
		!put_text(&ch->conf->recon_iv_file, s->iv_file)) {
		tool_error("%s: out of memory", ch->command);
		return TOOL_EXIT_FAILED;
	}
	ok = recon_init(&ch->recon, ch->conf, ch->cancel, &report);
	if (!channel_tell(ch->command, &report) || !ok)
		return TOOL_EXIT_FAILED;
	ch->config = ch->recon.config;
	ch->material = ch->recon.material;
	ch->redis = ch->recon.redis;
	ch->source = ch->recon.source;
	ch->accept = ch->recon.accept;
	return TOOL_EXIT_OK;
}

static int from_options(struct channel *ch, const struct channel_settings *s)
{
	struct dyn_entropy_error err;

	dyn_entropy_config_init(&ch->config);
	ch->source.max_rate = ch->config.max_rate;
	ch->config.encrypt = !s->plaintext;
	if (s->plaintext)
		return TOOL_EXIT_OK;
	if (s->key_file == NULL || s->iv_file == NULL) {
		tool_error("%s: needs --key-file and --iv-file, or --plaintext, or -c dynomite.yml",
			ch->command);
		return TOOL_EXIT_USAGE;
	}
	ch->config.key_file = s->key_file;
	ch->config.iv_file = s->iv_file;
	if (dyn_entropy_material_load(s->key_file, s->iv_file, &ch->material, &err) !=
		DYN_ENTROPY_OK) {
		tool_error("%s: %s", ch->command, err.message);
		return TOOL_EXIT_FAILED;
	}
	return TOOL_EXIT_OK;
}

/* The Redis of the options, or else of the file, with its password. */
static int choose_redis(struct channel *ch, const struct channel_settings *s)
{
	if (s->redis != NULL) {
		if (!login_address_ok(ch->command, s->redis))
			return TOOL_EXIT_USAGE;
		/* The file's password is that of the file's Redis. */
		ch->redis.address = s->redis;
		ch->redis.password = NULL;
	}
	if (!login_password(ch->command, s->password_file, LOGIN_PASSWORD_ENV, &ch->password))
		return TOOL_EXIT_FAILED;
	if (ch->password != NULL)
		ch->redis.password = ch->password;
	ch->redis.user = s->user;
	ch->redis.timeout_ms = ch->config.timeout_ms;
	ch->redis.cancel = ch->cancel;
	return TOOL_EXIT_OK;
}

int channel_init(struct channel *ch, const char *command, const struct channel_settings *s)
{
	int code;

	memset(ch, 0, sizeof(*ch));
	ch->command = command;
	if (s->plaintext && (s->key_file != NULL || s->iv_file != NULL)) {
		tool_error("%s: --plaintext and a key or IV file do not go together", command);
		return TOOL_EXIT_USAGE;
	}
	ch->cancel = tool_cancel();
	if (ch->cancel == NULL)
		return TOOL_EXIT_FAILED;
	code = s->conf != NULL ? from_conf(ch, s) : from_options(ch, s);
	if (code != TOOL_EXIT_OK)
		return code;
	if (s->timeout_ms.given)
		ch->config.timeout_ms = (uint32_t)s->timeout_ms.value;
	if (s->spool_dir != NULL)
		ch->config.spool_dir = ch->source.spool_dir = s->spool_dir;
	return choose_redis(ch, s);
}

void channel_fini(struct channel *ch)
{
	if (ch->material != ch->recon.material)
		dyn_entropy_material_free(ch->material);
	recon_fini(&ch->recon);
	conf_free(ch->conf);
	login_forget(ch->password);
	memset(ch, 0, sizeof(*ch));
}

int channel_check(const struct channel *ch, const char *address)
{
	struct dyn_entropy_error err;
	struct addr a;

	if (dyn_entropy_config_validate(&ch->config, &err) != DYN_ENTROPY_OK) {
		tool_error("%s: %s", ch->command, err.message);
		return TOOL_EXIT_USAGE;
	}
	if (ch->config.encrypt && dyn_entropy_material_is_sample(ch->material) &&
		!(addr_parse(&a, address) && addr_is_loopback(&a))) {
		tool_error("%s: %s holds the published sample key, which protects nothing, and %s "
			   "is beyond this machine: make your own with 'dyn-entropy keygen'",
			ch->command, ch->config.key_file, address);
		return TOOL_EXIT_FAILED;
	}
	return TOOL_EXIT_OK;
}
