#include "base/json.h"
#include "tools/tool.h"

#include <stdio.h>

struct settings {
	const char *key_file, *iv_file;
	bool json, quiet;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{0, "key-file", "FILE", "write the key to this new file", OPTION_TEXT, AT(key_file), 0, 0,
		0},
	{0, "iv-file", "FILE", "write the IV to this new file", OPTION_TEXT, AT(iv_file), 0, 0, 0},
	{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, AT(json), 0, 0, 0},
	{'q', "quiet", NULL, "print errors only", OPTION_FLAG, AT(quiet), 0, 0, 0},
};

static void write_result_json(const struct settings *s, const char *error)
{
	struct json j;

	tool_result_begin(&j, "keygen", error == NULL);
	json_text(&j, "key_file", s->key_file);
	json_text(&j, "iv_file", s->iv_file);
	json_text(&j, "error", error);
	json_end(&j);
}

static int run(const void *settings, const char *const *operands)
{
	const struct settings *s = settings;
	struct dyn_entropy_error err = {0};
	const char *error = NULL;

	(void)operands;
	if (s->key_file == NULL || s->iv_file == NULL) {
		tool_error("keygen: needs --key-file FILE and --iv-file FILE");
		return TOOL_EXIT_USAGE;
	}
	if (dyn_entropy_material_generate(s->key_file, s->iv_file, &err) != DYN_ENTROPY_OK)
		error = err.message;
	if (s->json)
		write_result_json(s, error);
	if (error != NULL) {
		tool_error("keygen: %s", error);
		return TOOL_EXIT_FAILED;
	}
	if (!s->quiet && !s->json)
		printf("wrote %s and %s: copy both to every node, readable by dynomite's user "
		       "alone\n",
			s->key_file, s->iv_file);
	return TOOL_EXIT_OK;
}

const struct subcommand cmd_keygen = {
	.name = "keygen",
	.operands = "",
	.summary = "Make the pre-shared key and IV of the channel: two new files, mode 0600.",
	.about = "A file that exists is never overwritten.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
