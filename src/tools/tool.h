/*
 * tool - shared by the subcommands of dyn-entropy: exit codes, messages, interruption.
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

/* compare returns TOOL_EXIT_OK for equal, TOOL_EXIT_DIFFER, or TOOL_EXIT_UNCLEAR. */
enum tool_exit {
	TOOL_EXIT_OK = 0,
	TOOL_EXIT_FAILED = 1,
	TOOL_EXIT_DIFFER = 1,
	TOOL_EXIT_USAGE = 2,
	TOOL_EXIT_UNCLEAR = 2,
};

extern const struct subcommand cmd_push, cmd_receive, cmd_compare, cmd_keygen, cmd_conf, cmd_status,
	cmd_reconcile, cmd_pause, cmd_resume, cmd_conflicts;

/* "dyn-entropy: ..." on standard error, one line. */
void tool_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Set by SIGINT, SIGTERM and SIGHUP, which are caught from the first call on.  A second signal ends
 * the process at once.  NULL, after a message, when no descriptor is left.
 */
dyn_entropy_cancel *tool_cancel(void);

/* Call fn with arg on such a signal, from its handler: fn must be signal-safe.  NULL: none. */
void tool_on_cancel(void (*fn)(void *arg), void *arg);

/* Begin the last object of --json; end it with json_end(). */
void tool_result_begin(struct json *j, const char *command, bool ok);

#ifdef __cplusplus
}
#endif

#endif
