#include "entropy/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *dyn_entropy_version(void)
{
	return DYN_ENTROPY_VERSION;
}

const char *dyn_entropy_status_name(enum dyn_entropy_status status)
{
	switch (status) {
	case DYN_ENTROPY_OK:
		return "ok";
	case DYN_ENTROPY_END:
		return "end";
	case DYN_ENTROPY_ERR_IO:
		return "io";
	case DYN_ENTROPY_ERR_CONFIG:
		return "config";
	case DYN_ENTROPY_ERR_KEY_MATERIAL:
		return "key material";
	case DYN_ENTROPY_ERR_PROTOCOL:
		return "protocol";
	case DYN_ENTROPY_ERR_CRYPTO:
		return "crypto";
	case DYN_ENTROPY_ERR_SOURCE:
		return "source";
	case DYN_ENTROPY_ERR_SINK:
		return "sink";
	case DYN_ENTROPY_ERR_NO_MEMORY:
		return "no memory";
	case DYN_ENTROPY_ERR_CANCELLED:
		return "cancelled";
	}
	return "unknown";
}

enum dyn_entropy_status dyn_entropy_error_set(
	struct dyn_entropy_error *err, enum dyn_entropy_status status, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return status;
	err->status = status;
	err->setting = NULL;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	return status;
}

enum dyn_entropy_status error_by_setting(
	struct dyn_entropy_error *err, const char *setting, enum dyn_entropy_status status)
{
	if (err)
		err->setting = setting;
	return status;
}

enum dyn_entropy_status error_no_memory(struct dyn_entropy_error *err)
{
	return error_set(err, DYN_ENTROPY_ERR_NO_MEMORY, "out of memory");
}

enum dyn_entropy_status error_cancelled(struct dyn_entropy_error *err)
{
	return error_set(err, DYN_ENTROPY_ERR_CANCELLED, "cancelled");
}

enum dyn_entropy_status error_prefix(struct dyn_entropy_error *err, const char *fmt, ...)
{
	char tail[DYN_ENTROPY_MESSAGE_MAX];
	va_list args;
	size_t len;

	memcpy(tail, err->message, sizeof(tail));
	va_start(args, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, args);
	va_end(args);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", tail);
	return err->status;
}

void error_without(struct dyn_entropy_error *err, const char *name)
{
	size_t len = strlen(name);

	if (err && strncmp(err->message, name, len) == 0 &&
		strncmp(err->message + len, ": ", 2) == 0)
		memmove(err->message, err->message + len + 2, strlen(err->message + len + 2) + 1);
}

const char *dyn_entropy_outcome_text(enum dyn_entropy_outcome outcome)
{
	switch (outcome) {
	case DYN_ENTROPY_OUTCOME_NONE:
		return "nothing to send";
	case DYN_ENTROPY_OUTCOME_CLOSED:
		return "closed in good order (a receiver of this package has applied it; of "
		       "another "
		       "this proves nothing)";
	case DYN_ENTROPY_OUTCOME_REFUSED:
		return "refused by the receiver";
	case DYN_ENTROPY_OUTCOME_UNANSWERED:
		return "not answered in time";
	case DYN_ENTROPY_OUTCOME_UNREACHED:
		return "not reached";
	case DYN_ENTROPY_OUTCOME_FAILED:
		return "failed on this side";
	case DYN_ENTROPY_OUTCOME_NO_RECEIVER:
		return "taken by something that is no receiver";
	}
	return "unknown";
}
