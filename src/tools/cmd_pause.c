#include "tools/page.h"
#include "tools/tool.h"

#include <stdio.h>

static const struct option options[] = {PAGE_OPTIONS};

/* Ask for an action that takes no value. */
static int act(const char *command, const struct page_settings *s, const char *path)
{
	struct buf page = {0};
	struct addr from;
	struct json j;
	bool ok;
	int code = page_choose(command, s, &from);

	if (code != TOOL_EXIT_OK)
		return code;
	ok = page_get(command, s, &from, path, &page);
	buf_fini(&page);
	if (s->json) {
		tool_result_begin(&j, command, ok);
		json_end(&j);
	}
	return ok ? TOOL_EXIT_OK : TOOL_EXIT_FAILED;
}

static int run_pause(const void *settings, const char *const *operands)
{
	(void)operands;
	return act("pause", settings, "/entropy/pause");
}

static int run_resume(const void *settings, const char *const *operands)
{
	(void)operands;
	return act("resume", settings, "/entropy/resume");
}

const struct subcommand cmd_pause = {
	.name = "pause",
	.operands = "",
	.summary = "End the sessions of a running node, and begin none until 'resume'.",
	.about = "The node takes part in no session, its own or another's, until 'resume' or a\n"
		 "restart.  Pause all nodes of a ring before its data is replaced or removed by\n"
		 "hand, past them.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct page_settings),
	.run = run_pause,
};

const struct subcommand cmd_resume = {
	.name = "resume",
	.operands = "",
	.summary = "Let a node that was paused have sessions again.",
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.settings_size = sizeof(struct page_settings),
	.run = run_resume,
};
