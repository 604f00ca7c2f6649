#include "proxy/admit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How many bytes of an unknown command, and of all its arguments, the error repeats. */
#define SHOWN_MAX 128

static const char ours[] = "dynomite: ";

/* Write an error of our own, with "dynomite: " before it. */
static bool __attribute__((format(printf, 2, 3))) refuse(char *why, const char *fmt, ...)
{
	va_list args;

	memcpy(why, ours, sizeof(ours) - 1);
	va_start(args, fmt);
	vsnprintf(why + sizeof(ours) - 1, ADMIT_WHY_MAX - sizeof(ours) + 1, fmt, args);
	va_end(args);
	return false;
}

static bool __attribute__((format(printf, 3, 4)))
refuse_as_redis(char *why, enum admit_asker asker, const char *fmt, ...)
{
	size_t prefix = asker == ADMIT_NODE ? sizeof(ours) - 1 : 0;
	va_list args;

	memcpy(why, ours, prefix);
	va_start(args, fmt);
	vsnprintf(why + prefix, ADMIT_WHY_MAX - prefix, fmt, args);
	va_end(args);
	return false;
}

static bool refuse_unknown(char *why, enum admit_asker asker, const struct request *r)
{
	char args[SHOWN_MAX + 8] = "";
	size_t name, len = 0;

	if (r->argc == 0)
		return refuse(why, "it is not a request");
	name = r->args[0].len < SHOWN_MAX ? r->args[0].len : SHOWN_MAX;
	for (uint32_t i = 1; i < r->argc && len < SHOWN_MAX; i++) {
		size_t n = r->args[i].len < SHOWN_MAX - len ? r->args[i].len : SHOWN_MAX - len;

		len += (size_t)snprintf(args + len, sizeof(args) - len, "'%.*s' ", (int)n,
			(const char *)request_arg(r, i));
	}
	/* Some clients search for this wording. */
	return refuse_as_redis(why, asker, "unknown command '%.*s', with args beginning with: %s",
		(int)name, (const char *)request_arg(r, 0), args);
}

static bool refuse_fault(char *why, enum admit_asker asker, const struct request *r)
{
	char name[COMMAND_NAME_MAX];

	switch (r->fault) {
	case REQUEST_FAULT_NONE:
		return true;
	case REQUEST_FAULT_UNKNOWN:
		return refuse_unknown(why, asker, r);
	case REQUEST_FAULT_ARITY:
		return refuse_as_redis(why, asker, "wrong number of arguments for '%s' command",
			command_lower_name(r->command, name));
	case REQUEST_FAULT_REFUSED:
		return refuse(why, "%s", r->refusal);
	case REQUEST_FAULT_KEYS:
		break;
	}
	return refuse_as_redis(
		why, asker, "value is not an integer or out of range, or the keys are missing");
}

/* Why the state of the node does not allow a read or a write, or NULL. */
static const char *state_refusal(enum proxy_state state, bool is_write)
{
	switch (state) {
	case PROXY_NORMAL:
		return NULL;
	case PROXY_STANDBY:
		return "the node is in standby";
	case PROXY_WRITES_ONLY:
	case PROXY_RESUMING:
		return is_write ? NULL : "the node takes writes only";
	}
	return NULL;
}

bool admit_slowly(enum proxy_state state, const struct request *r, enum admit_asker asker,
	char why[ADMIT_WHY_MAX])
{
	const char *state_why;

	if (r->fault != REQUEST_FAULT_NONE)
		return refuse_fault(why, asker, r);
	if (r->kind == COMMAND_LOCAL)
		return asker == ADMIT_CLIENT || refuse(why, "not a data command");
	state_why = state_refusal(state, r->kind == COMMAND_WRITE);
	return !state_why || refuse(why, "%s", state_why);
}
