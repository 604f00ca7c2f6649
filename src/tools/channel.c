#include "tools/channel.h"

#include "base/addr.h"
#include "tools/login.h"

#include <string.h>

bool channel_tell(const char *command, struct conf_report *report)
{
	bool ok = conf_report_is_good(report);

	for (size_t i = 0; i < report->warnings.n; i++)
		tool_error("%s: warning: %s", command, report->warnings.items[i]);
	for (size_t i = 0; i < report->errors.n; i++)
		tool_error("%s: %s", command, report->errors.items[i]);
	if (report->no_memory)
		tool_error("%s: out of memory", command);
	conf_report_fini(report);
	return ok;
}

static int from_conf(struct channel *ch, const struct channel_settings *s)
{
	const struct setup_options options = {
		.key_file = s->key_file,
		.iv_file = s->iv_file,
		.plaintext = s->plaintext,
		.with_recon = true,
		.channel_only = true,
	};
	struct conf_report report = {0};

	setup_load(&ch->setup, s->conf, &options, ch->cancel, &report);
	if (!channel_tell(ch->command, &report))
		return TOOL_EXIT_FAILED;
	ch->conf = ch->setup.conf;
	ch->config = ch->setup.heal.config;
	ch->material = ch->setup.heal.material;
	ch->redis = ch->setup.heal.redis;
	ch->source = ch->setup.heal.source;
	ch->accept = ch->setup.heal.accept;
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

/* Set the Redis from the options, or else from the file, with its password. */
static int choose_redis(struct channel *ch, const struct channel_settings *s)
{
	if (s->redis != NULL) {
		if (!login_address_ok(ch->command, s->redis))
			return TOOL_EXIT_USAGE;
		/* The password of the file belongs to the Redis of the file. */
		ch->redis.address = s->redis;
		ch->redis.password = NULL;
	}
	if (!login_password(ch->command, s->password_file, LOGIN_PASSWORD_ENV, &ch->password))
		return TOOL_EXIT_FAILED;
	if (ch->password != NULL)
		ch->redis.password = ch->password;
	ch->redis.user = s->user;
	ch->redis.timeout_ms = ch->config.timeout_ms;
	ch->redis.cancel = ch->source.cancel = ch->cancel;
	return TOOL_EXIT_OK;
}

static int init(struct channel *ch, const char *command, const struct channel_settings *s)
{
	int code;

	memset(ch, 0, sizeof(*ch));
	ch->redis.struct_size = sizeof(ch->redis);
	ch->source.struct_size = sizeof(ch->source);
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

static void fini(struct channel *ch)
{
	if (ch->material != ch->setup.heal.material)
		dyn_entropy_material_free(ch->material);
	setup_fini(&ch->setup);
	login_forget(ch->password);
	memset(ch, 0, sizeof(*ch));
}

int channel_run(const char *command, const struct channel_settings *s,
	int (*work)(struct channel *ch, void *arg), void *arg)
{
	struct channel ch;
	int code = init(&ch, command, s);

	if (code == TOOL_EXIT_OK)
		code = work(&ch, arg);
	fini(&ch);
	return code;
}

bool channel_one_of(
	const char *command, const struct channel_settings *s, int given, const char *words)
{
	if (given == 1 || (given == 0 && s->conf != NULL))
		return true;
	tool_error("%s: needs %s of %s%s", command, given > 1 ? "only one" : "one", words,
		given > 1 ? "" : ", or -c dynomite.yml");
	return false;
}

bool channel_has_redis(const struct channel *ch, const struct channel_settings *s)
{
	if (ch->redis.address == NULL)
		tool_error("%s: %s names no server: say --redis ADDR", ch->command, s->conf);
	return ch->redis.address != NULL;
}

/* Print a message of the library, with the option in place of its field.  Values of a file were
 * checked before. */
static void tell_config(const struct channel *ch, const char *message)
{
	static const struct {
		const char *field, *option;
	} names[] = {
		{"buffer_size", "--buffer-size"},
		{"header_size", "--header-size"},
		{"max_rate", "--rate"},
		{"max_snapshot_bytes", "--max-snapshot"},
		{"max_connections", "--connections"},
		{"timeout_ms", "--timeout"},
		{"listen_addr", "--listen"},
		{"send_addr", "--bind"},
		{"peer_endpoint", "--to"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = strlen(names[i].field);

		if (strncmp(message, names[i].field, len) == 0 && message[len] == ' ') {
			tool_error("%s: %s%s", ch->command, names[i].option, message + len);
			return;
		}
	}
	tool_error("%s: %s", ch->command, message);
}

int channel_check(const struct channel *ch, const char *address)
{
	const char *bind = ch->config.send_addr;
	struct dyn_entropy_error err;
	const char *beyond = NULL;

	if (dyn_entropy_config_validate(&ch->config, &err) != DYN_ENTROPY_OK) {
		tell_config(ch, err.message);
		return TOOL_EXIT_USAGE;
	}
	if (!addr_text_is_loopback(address))
		beyond = address;
	else if (bind != NULL && !addr_text_is_loopback(bind))
		beyond = bind;
	if (beyond != NULL && ch->config.encrypt && dyn_entropy_material_is_sample(ch->material)) {
		tool_error("%s: %s holds the published sample key, which protects nothing, and %s "
			   "is beyond this machine: make your own with 'dyn-entropy keygen'",
			ch->command, ch->config.key_file, beyond);
		return TOOL_EXIT_FAILED;
	}
	return TOOL_EXIT_OK;
}
