/*
 * local - the commands that the proxy answers itself: PING, ECHO, QUIT, SELECT 0, HELLO 2, CLIENT,
 * COMMAND, INFO, AUTH.
 *
 * Most of them are what clients send on connecting.  Event loop's thread.
 */
#ifndef PROXY_LOCAL_H
#define PROXY_LOCAL_H

#include "base/buf.h"
#include "proto/request.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of Redis that the proxy reports. */
#define LOCAL_REDIS_VERSION "7.0.0"

/* The state of a client that these commands use. */
struct local_client {
	uint64_t id;        /* unique in this process */
	char *name;         /* by CLIENT SETNAME; owned; NULL: none */
	char *lib_name;     /* by CLIENT SETINFO; owned */
	char *lib_ver;      /* by CLIENT SETINFO; owned */
	bool authenticated; /* true from the start where there is no requirepass */
	int64_t since_ms;   /* when it connected, monotonic */
	int fd;             /* for CLIENT LIST's addr and laddr */
};

/* Release what it holds, and empty it. */
void local_client_fini(struct local_client *c);

struct local_context {
	const char *requirepass; /* NULL: none */
	/* Writes the text of INFO (sections by name; NULL: the default ones) as "name:value\r\n"
	 * lines. */
	bool (*info)(void *arg, const char *section, struct buf *text);
	void *info_arg;
};

enum local_result {
	LOCAL_ANSWERED, /* the reply was appended to out */
	LOCAL_QUIT,     /* likewise, and the connection is to be closed after it */
	LOCAL_NO_MEMORY,
};

/* Answer a command of class COMMAND_LOCAL whose arity was checked.  The caller checks that the
 * client has authenticated, except for HELLO. */
enum local_result local_answer(const struct local_context *context, struct local_client *client,
	const struct request *r, struct buf *out);

#ifdef __cplusplus
}
#endif

#endif
