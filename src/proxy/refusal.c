#include "proxy/refusal.h"

#include <string.h>

/* The prefixes of such replies: of nodes, including those of Dynomite, and of Redis. */
static const struct {
	const char *text;
	enum refusal refusal;
} refusals[] = {
	{"-ERR dynomite: ", REFUSAL_NO_ANSWER},
	{"-ERR Dynomite: ", REFUSAL_NO_ANSWER},
	{"-ERR Storage: ", REFUSAL_NO_ANSWER},
	{"-ERR Peer: ", REFUSAL_NO_ANSWER},
	{"-LOADING ", REFUSAL_NO_ANSWER},
	{"-BUSY ", REFUSAL_NOT_DONE},
	{"-MASTERDOWN ", REFUSAL_NOT_DONE},
	{"-MISCONF ", REFUSAL_NOT_DONE},
	{"-NOAUTH ", REFUSAL_NOT_DONE},
	{"-OOM ", REFUSAL_NOT_DONE},
	{"-READONLY ", REFUSAL_NOT_DONE},
};

enum refusal refusal_in(const uint8_t *reply, size_t len)
{
	if (len == 0 || reply[0] != '-')
		return REFUSAL_NONE;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		size_t n = strlen(refusals[i].text);

		if (len >= n && memcmp(reply, refusals[i].text, n) == 0)
			return refusals[i].refusal;
	}
	return REFUSAL_NONE;
}
