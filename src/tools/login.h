/*
 * login - reads the password of a Redis from a file or the environment, never from the command
 * line, where other users could see it.  Main thread.
 */
#ifndef TOOLS_LOGIN_H
#define TOOLS_LOGIN_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LOGIN_PASSWORD_ENV "DYN_ENTROPY_REDIS_PASSWORD"

/*
 * Set *password to the first line of the file, or, if file is NULL, to the environment variable, or
 * to NULL if that is not set.  Release it with login_forget().  False, after a message, when the
 * file cannot be read or has no password.
 */
bool login_password(const char *command, const char *file, const char *env, char **password);

/* Wipe and release; harmless on NULL. */
void login_forget(char *password);

/* Whether text is "host:port" or the path of a Unix socket.  False after a message. */
bool login_address_ok(const char *command, const char *text);

#ifdef __cplusplus
}
#endif

#endif
