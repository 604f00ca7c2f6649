#include "node/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready_fd = -1; /* pipe to the waiting parent */
static int pid_fd = -1;
static char *pid_path;

/* The parent: exit with the status of the child's start. */
static void wait_for_child(pid_t child, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	waitpid(child, &status, 0);
	_exit(1);
}

bool daemon_start(void)
{
	int fds[2];
	pid_t child;

	if (pipe(fds) != 0)
		return false;
	child = fork();
	if (child < 0) {
		close(fds[0]);
		close(fds[1]);
		return false;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(child, fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	return setsid() >= 0;
}

void daemon_ready(void)
{
	int null_fd;

	if (ready_fd < 0)
		return;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd >= 0) {
		dup2(null_fd, STDIN_FILENO);
		dup2(null_fd, STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
		close(null_fd);
	}
	if (write(ready_fd, "", 1) < 0)
		(void)0; /* the parent may have been killed */
	close(ready_fd);
	ready_fd = -1;
}

/* Whether a file is safe to overwrite as a pid file: empty, or only a number.  Protects against a
 * mistaken path. */
static bool is_pid_file(int fd)
{
	char text[32];
	struct stat st;
	ssize_t n;
	size_t digits;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return false;
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return false;
	text[n] = '\0';
	digits = strspn(text, "0123456789");
	return n == 0 || (digits > 0 && (size_t)n == digits + (text[digits] == '\n'));
}

bool daemon_pid_file(const char *path, char *why, unsigned long cap)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);

	if (fd < 0) {
		snprintf(why, cap, "cannot open the pid file %s: %s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(why, cap, "the pid file %s is held by a running dynomite", path);
		close(fd);
		return false;
	}
	if (!is_pid_file(fd)) {
		snprintf(why, cap,
			"%s is not a pid file: it holds something other than a number; -p would "
			"overwrite it",
			path);
		close(fd);
		return false;
	}
	pid_path = realpath(path, NULL); /* so that it is found after a chdir */
	if (!pid_path || ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		snprintf(why, cap, "cannot write the pid file %s: %s", path, strerror(errno));
		close(fd);
		return false;
	}
	pid_fd = fd;
	return true;
}

void daemon_pid_file_remove(void)
{
	if (pid_fd < 0)
		return;
	unlink(pid_path); /* before the lock is released, so that it cannot be another process's
			     file */
	close(pid_fd);
	free(pid_path);
	pid_fd = -1;
	pid_path = NULL;
}
