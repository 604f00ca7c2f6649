#include "tools/page.h"
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

#define COMMAND "conflicts"
#define KEY_MAX 1100 /* an escaped key, of which the node keeps the first 256 bytes */

static const struct option options[] = {PAGE_OPTIONS};

/* The word of the page, for people. */
static const char *in_words(const char *why)
{
	static const struct {
		const char *why, *words;
	} all[] = {
		{"conflict", "nothing says which value is right"},
		{"refused", "a Redis refuses the value"},
		{"too_large", "it is too large for a session"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(why, all[i].why) == 0)
			return all[i].words;
	return why;
}

/* The key is escaped in the page. */
static void write_key(const struct json_view *page, const struct json_view *key, bool as_json)
{
	char name[KEY_MAX], peer[PAGE_TEXT_MAX], why[PAGE_TEXT_MAX], ago[PROGRESS_TEXT_MAX];
	double found = page_number(key, "found"), now = page_number(page, "timestamp");
	double len = page_number(key, "key_len");
	struct json_view v;
	struct json j;

	if (!json_view_member(key, "key", &v) || !json_view_text(&v, name, sizeof(name)))
		strcpy(name, "-");
	page_text(key, "peer", peer);
	page_text(key, "why", why);
	if (!as_json) {
		printf("%s\n    differs from %s: %s; found %s ago\n", name, peer, in_words(why),
			progress_duration(now - found, ago));
		return;
	}
	json_begin(&j, stdout, "conflict");
	json_text(&j, "key", name);
	json_number(&j, "key_len", len > 0 ? (uint64_t)len : 0);
	json_text(&j, "peer", peer);
	json_text(&j, "why", why);
	json_real(&j, "found", found);
	json_end(&j);
}

static bool write_keys(const struct page_settings *s, const struct buf *page, uint64_t *n)
{
	struct json_view all, keys, key;

	*n = 0;
	if (!json_view_init(&all, (const char *)buf_head(page), buf_len(page)) ||
		!json_view_member(&all, "keys", &keys)) {
		tool_error(COMMAND ": the answer is not that of a node with sessions");
		return false;
	}
	if (!json_view_first(&keys, &key))
		return true;
	do {
		(*n)++;
		if (s->json || !s->quiet)
			write_key(&all, &key, s->json);
	} while (json_view_next(&key));
	return true;
}

static int run(const void *settings, const char *const *operands)
{
	const struct page_settings *s = settings;
	struct buf page = {0};
	struct addr from;
	struct json j;
	uint64_t n = 0;
	bool ok;
	int code = page_choose(COMMAND, s, &from);

	(void)operands;
	if (code != TOOL_EXIT_OK)
		return code;
	ok = page_get(COMMAND, s, &from, "/entropy/conflicts", &page) && write_keys(s, &page, &n);
	buf_fini(&page);
	if (s->json) {
		tool_result_begin(&j, COMMAND, ok);
		json_number(&j, "keys", n);
		json_end(&j);
	}
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

const struct subcommand cmd_conflicts = {
	.name = COMMAND,
	.operands = "",
	.summary = "Show the keys that sessions of a running node left different.",
	.about = "The newest 1000 are known, each until it is repaired or a comparison of every "
		 "key\n"
		 "finds it equal.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct page_settings),
	.run = run,
};
