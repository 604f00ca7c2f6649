/*
 * daemon - going into the background, and the pid file.  Main thread, before any other is started.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Continue in a child process with its own session.  The parent waits until the child calls
 * daemon_ready() and exits with 0, or with 1 when the child ends before that, so that a failure at
 * start shows in the exit status.  False with errno set when the child cannot be started.  Standard
 * error stays open until daemon_ready(), so that the failure can be read.
 */
bool daemon_start(void);

/* Tell the waiting parent, if there is one, that the start succeeded, and detach from the terminal.
 */
void daemon_ready(void);

/*
 * Write our pid to path and keep a lock on it until the process ends.  False with a message in why
 * (cap bytes) when another process has the lock, or the file cannot be written or is not a pid
 * file.
 */
bool daemon_pid_file(const char *path, char *why, unsigned long cap);

/* Remove the file that daemon_pid_file() wrote, if any. */
void daemon_pid_file_remove(void);

#ifdef __cplusplus
}
#endif

#endif
