/*
 * login - the password of a Redis, from a file or from the environment: never from the command
 * line, where other users could read it.  Main thread.
 */
#ifndef TOOLS_LOGIN_H
#define TOOLS_LOGIN_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LOGIN_PASSWORD_ENV "DYN_ENTROPY_REDIS_PASSWORD"

/*
 * The first line of the file, or where that is NULL the value of the environment variable, or NULL
 * in *password where that is not set.  Released by login_forget().  False, after a message, when
 * the file cannot be read or has no password in it.
 */
bool login_password(const char *command, const char *file, const char *env, char **password);

/* Wipe and release; harmless on NULL. */
void login_forget(char *password);

/* Whether text is "host:port" or the path of a Unix socket; says so when it is neither. */
bool login_address_ok(const char *command, const char *text);

#ifdef __cplusplus
}
#endif

#endif
