#include "tools/tool.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static dyn_entropy_cancel *the_cancel;
static _Atomic(void *) on_cancel_arg;
static void (*_Atomic on_cancel)(void *arg);
static volatile sig_atomic_t signalled;

void tool_error(const char *fmt, ...)
{
	va_list args;

	fputs("dyn-entropy: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

static void handle_signal(int signo)
{
	int saved = errno;
	void (*fn)(void *) = atomic_load(&on_cancel);

	if (signalled)
		_exit(128 + signo);
	signalled = 1;
	dyn_entropy_cancel_set(the_cancel);
	if (fn != NULL)
		fn(atomic_load(&on_cancel_arg));
	errno = saved;
}

dyn_entropy_cancel *tool_cancel(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = handle_signal};

	if (the_cancel != NULL)
		return the_cancel;
	the_cancel = dyn_entropy_cancel_new();
	if (the_cancel == NULL) {
		tool_error("cannot start: no memory or descriptors left");
		return NULL;
	}
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old;

		/* keep SIGHUP ignored, as nohup does */
		if (signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
			old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
	return the_cancel;
}

void tool_on_cancel(void (*fn)(void *arg), void *arg)
{
	atomic_store(&on_cancel, NULL);
	atomic_store(&on_cancel_arg, arg);
	atomic_store(&on_cancel, fn);
	/* An earlier signal has not called it. */
	if (fn != NULL && signalled)
		fn(arg);
}

void tool_result_begin(struct json *j, const char *command, bool ok)
{
	json_begin(j, stdout, "result");
	json_text(j, "command", command);
	json_bool(j, "ok", ok);
}
