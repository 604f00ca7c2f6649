/*
 * daemon - leaving the terminal, and the pid file.  Main thread, before any other is started.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Go on in a child of its own session.  The parent waits until the child calls daemon_ready(), and
 * exits with 0 then, or with 1 when the child ended before: so a failure at start shows in the exit
 * status.  False with errno set when that is impossible.  Standard error stays until
 * daemon_ready(), so that the failure can be read.
 */
bool daemon_start(void);

/* Tell the waiting parent, if there is one, that all is up, and let go of the terminal. */
void daemon_ready(void);

/*
 * Write our pid to path and hold a lock on it.  False with a message in why (cap bytes) when
 * another process holds it, it cannot be written, or it is a file of something else.
 */
bool daemon_pid_file(const char *path, char *why, unsigned long cap);

/* Remove the file that daemon_pid_file() wrote, if any. */
void daemon_pid_file_remove(void);

#ifdef __cplusplus
}
#endif

#endif
