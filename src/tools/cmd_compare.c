#include "base/json.h"
#include "base/shown.h"
#include "tools/compare.h"
#include "tools/login.h"
#include "tools/progress.h"
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

#define ALL          UINT64_MAX
#define SHOW_KEY_MAX 256 /* bytes of a key that are shown */

struct settings {
	const char *password_file, *password_file_side[SIDES];
	const char *user, *user_side[SIDES];
	struct option_number timeout_ms, limit;
	bool json, quiet;
};

#define AT(field) offsetof(struct settings, field)

static const struct option options[] = {
	{0, "limit", "N", "show the first N keys that differ, escaped (default 0)", OPTION_NUMBER,
		AT(limit), 0, ALL, 0},
	{0, "password-file", "FILE",
		"the Redis password of both, the file's first line\n"
		"(else the environment: DYN_ENTROPY_REDIS_PASSWORD, or with _A or _B)",
		OPTION_TEXT, AT(password_file), 0, 0, 0},
	{0, "password-file-a", "FILE", "the same of A alone", OPTION_TEXT,
		AT(password_file_side[SIDE_A]), 0, 0, 0},
	{0, "password-file-b", "FILE", "the same of B alone", OPTION_TEXT,
		AT(password_file_side[SIDE_B]), 0, 0, 0},
	{0, "user", "NAME", "the Redis user on both (default: the default user)", OPTION_TEXT,
		AT(user), 0, 0, 0},
	{0, "user-a", "NAME", "the same on A alone", OPTION_TEXT, AT(user_side[SIDE_A]), 0, 0, 0},
	{0, "user-b", "NAME", "the same on B alone", OPTION_TEXT, AT(user_side[SIDE_B]), 0, 0, 0},
	{0, "timeout", "MS", "without a byte before a connection is closed", OPTION_NUMBER,
		AT(timeout_ms), 1, INT32_MAX, DYN_ENTROPY_DEFAULT_TIMEOUT_MS},
	{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, AT(json), 0, 0, 0},
	{'q', "quiet", NULL, "no progress and no summary, only the exit status", OPTION_FLAG,
		AT(quiet), 0, 0, 0},
};

struct run {
	const struct settings *settings;
	struct progress progress;
	uint64_t shown;
};

static void show_difference(void *arg, enum compare_verdict verdict, const char *key, size_t len)
{
	struct run *r = arg;
	char text[SHOW_KEY_MAX * SHOWN_ESCAPE + 1];

	if (r->shown == r->settings->limit.value)
		return;
	r->shown++;
	progress_clear(&r->progress);
	shown_escaped(key, len < SHOW_KEY_MAX ? len : SHOW_KEY_MAX, text, sizeof(text));
	if (r->settings->json) {
		struct json j;

		json_begin(&j, stdout, "difference");
		json_text(&j, "kind", compare_verdict_word(verdict));
		json_text(&j, "key", text);
		json_number(&j, "key_len", len);
		json_end(&j);
	} else {
		printf("%s: \"%s\"%s\n", compare_verdict_text(verdict), text,
			len > SHOW_KEY_MAX ? "..." : "");
	}
}

static void show_progress(void *arg, const struct compare_result *so_far)
{
	struct run *r = arg;
	struct progress_state state = {
		.keys = so_far->keys[SIDE_A] + so_far->keys[SIDE_B],
		.keys_expected = so_far->keys_expected[SIDE_A] + so_far->keys_expected[SIDE_B],
		.bytes = so_far->bytes,
	};

	progress_update(&r->progress, &state);
}

static int exit_code(enum dyn_entropy_status status, const struct compare_result *result)
{
	if (status != DYN_ENTROPY_OK)
		return TOOL_EXIT_UNCLEAR;
	if (compare_differing(result) > 0)
		return TOOL_EXIT_DIFFER;
	return result->verdicts[COMPARE_UNCLEAR] > 0 ? TOOL_EXIT_UNCLEAR : TOOL_EXIT_OK;
}

static const char *exit_word(int code)
{
	if (code == TOOL_EXIT_OK)
		return "equal";
	return code == TOOL_EXIT_DIFFER ? "differ" : "unclear";
}

static void write_json(int code, const struct compare_result *result, const char *error)
{
	struct json j;

	json_begin(&j, stdout, "result");
	json_text(&j, "command", "compare");
	json_text(&j, "result", exit_word(code));
	json_number(&j, "keys_a", result->keys[SIDE_A]);
	json_number(&j, "keys_b", result->keys[SIDE_B]);
	json_number(&j, "differ", compare_differing(result));
	for (int i = COMPARE_MISSING_IN_A; i < COMPARE_VERDICTS; i++)
		json_number(&j, compare_verdict_word((enum compare_verdict)i), result->verdicts[i]);
	json_number(&j, "second_looks", result->second_looks);
	json_number(&j, "settled", result->verdicts[COMPARE_SAME]);
	json_number(&j, "bytes", result->bytes);
	json_real(&j, "seconds", result->seconds);
	json_text(&j, "error", error);
	json_end(&j);
}

static void write_text(int code, const struct compare_result *result)
{
	char a[PROGRESS_TEXT_MAX], b[PROGRESS_TEXT_MAX];

	if (code == TOOL_EXIT_OK)
		printf("equal: %s keys with their values and deadlines",
			progress_count(result->keys[SIDE_A], a));
	else
		printf("%s: %s keys in A, %s in B", exit_word(code),
			progress_count(result->keys[SIDE_A], a),
			progress_count(result->keys[SIDE_B], b));
	for (int i = COMPARE_MISSING_IN_A; i < COMPARE_VERDICTS; i++) {
		if (result->verdicts[i] > 0)
			printf("; %s %s", progress_count(result->verdicts[i], a),
				compare_verdict_text((enum compare_verdict)i));
	}
	printf(" (%s, %.1f s)\n", progress_bytes((double)result->bytes, a), result->seconds);
	if (result->verdicts[COMPARE_SAME] > 0)
		printf("%s keys were being changed while they were read; a second look found them "
		       "equal\n",
			progress_count(result->verdicts[COMPARE_SAME], a));
	if (result->verdicts[COMPARE_UNCLEAR] > 0)
		printf("not comparable: values of a module's type whose encodings differ\n");
}

static bool endpoint(const struct settings *s, int side, const char *address,
	struct dyn_entropy_redis *e, char **password)
{
	static const char *const env[SIDES] = {LOGIN_PASSWORD_ENV "_A", LOGIN_PASSWORD_ENV "_B"};
	const char *file = s->password_file_side[side];

	memset(e, 0, sizeof(*e));
	e->struct_size = sizeof(*e);
	e->address = address;
	e->user = s->user_side[side] != NULL ? s->user_side[side] : s->user;
	e->timeout_ms = s->timeout_ms.given ? (uint32_t)s->timeout_ms.value
					    : DYN_ENTROPY_DEFAULT_TIMEOUT_MS;
	e->cancel = tool_cancel();
	if (e->cancel == NULL || !login_address_ok("compare", address))
		return false;
	if (!login_password("compare", file != NULL ? file : s->password_file, env[side], password))
		return false;
	if (*password == NULL && !login_password("compare", NULL, LOGIN_PASSWORD_ENV, password))
		return false;
	e->password = *password;
	return true;
}

static int compare(const struct settings *s, const struct dyn_entropy_redis e[SIDES])
{
	struct run run = {.settings = s};
	struct compare_options o = {.difference = show_difference,
		.difference_arg = &run,
		.progress = show_progress,
		.progress_arg = &run};
	struct compare_result result;
	struct dyn_entropy_error err = {0};
	enum dyn_entropy_status status;
	int code;

	progress_begin(&run.progress, progress_style_choose(s->json, s->quiet), "compare");
	status = compare_run(&e[SIDE_A], &e[SIDE_B], &o, &result, &err);
	progress_clear(&run.progress);
	code = exit_code(status, &result);
	if (s->json)
		write_json(code, &result, status == DYN_ENTROPY_OK ? NULL : err.message);
	else if (status == DYN_ENTROPY_OK && !s->quiet)
		write_text(code, &result);
	if (status != DYN_ENTROPY_OK)
		tool_error("compare: could not tell: %s", err.message);
	return code;
}

static int run(const void *settings, const char *const *addresses)
{
	const struct settings *s = settings;
	struct dyn_entropy_redis e[SIDES];
	char *passwords[SIDES] = {NULL, NULL};
	int code = TOOL_EXIT_UNCLEAR;

	if (endpoint(s, SIDE_A, addresses[SIDE_A], &e[SIDE_A], &passwords[SIDE_A]) &&
		endpoint(s, SIDE_B, addresses[SIDE_B], &e[SIDE_B], &passwords[SIDE_B]))
		code = compare(s, e);
	login_forget(passwords[SIDE_A]);
	login_forget(passwords[SIDE_B]);
	return code;
}

const struct subcommand cmd_compare = {
	.name = "compare",
	.operands = "A B",
	.n_operands = 2,
	.summary = "Compare every key, value and deadline of two Redis, in both directions.",
	.about = "A and B are host:port, or the path of a Unix socket.  Exit status: 0 equal,\n"
		 "1 they differ, 2 it could not tell.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct settings),
	.run = run,
};
