/*
 * sink_commands - which commands of a snapshot may be applied to the local Redis.
 *
 * Any thread.
 */
#ifndef ENTROPY_SINK_COMMANDS_H
#define ENTROPY_SINK_COMMANDS_H

#include "entropy/dynentropy.h"
#include "entropy/resp.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * NULL when the command may be applied, else the reason, to follow its name ("is not ...").
 * Static storage; any thread.
 */
const char *sink_commands_refusal(const struct resp_command *c, enum dyn_entropy_accept accept);

/* The arguments that are keys which a command may create: first, and with a step every step-th
 * after it; first is 0 when there are none. */
struct sink_created {
	uint32_t first, step;
};

/* Those of an allowed command; only its name is used. */
struct sink_created sink_commands_created(const struct resp_command *c);
bool sink_commands_is_created(const struct sink_created *created, uint32_t arg);

/* The command's name for a message: printable and bounded.  Returns text. */
const char *sink_commands_name(const struct resp_command *c, char *text, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
