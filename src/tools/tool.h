/*
 * tool - what the subcommands of dyn-entropy share: exit codes, messages, being interrupted.
 *
 * Messages from any thread, the rest from the main thread.
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "base/json.h"
#include "entropy/dynentropy.h"
#include "tools/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* compare gives TOOL_EXIT_OK for equal, TOOL_EXIT_DIFFER, and TOOL_EXIT_UNCLEAR. */
enum tool_exit {
	TOOL_EXIT_OK = 0,
	TOOL_EXIT_FAILED = 1,
	TOOL_EXIT_DIFFER = 1,
	TOOL_EXIT_USAGE = 2,
	TOOL_EXIT_UNCLEAR = 2,
};

extern const struct subcommand cmd_push, cmd_receive, cmd_compare, cmd_keygen, cmd_conf, cmd_status;

/* "dyn-entropy: ..." on standard error, one line. */
void tool_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * What SIGINT, SIGTERM and SIGHUP set; made, and the signals caught, at the first call.  A second
 * signal ends the process at once.  NULL, after a message, when descriptors are short.
 */
dyn_entropy_cancel *tool_cancel(void);

/* Called from the signal handler too, with arg; fn must be signal-safe.  NULL: no more. */
void tool_on_cancel(void (*fn)(void *arg), void *arg);

/* Begin the object that --json ends with; json_end() ends it. */
void tool_result_begin(struct json *j, const char *command, bool ok);

#ifdef __cplusplus
}
#endif

#endif
