/* What a peer may put into a snapshot: the scanner and the policy must agree with themselves
 * however the bytes are cut. */
#include "entropy/resp.h"
#include "entropy/sink_commands.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_command(void *arg, const struct resp_command *c)
{
	char name[40];

	(void)arg;
	if (strlen(sink_commands_name(c, name, sizeof(name))) >= sizeof(name))
		abort();
	/* What restore accepts, data accepts. */
	if (!sink_commands_refusal(c, DYN_ENTROPY_ACCEPT_RESTORE) &&
		sink_commands_refusal(c, DYN_ENTROPY_ACCEPT_DATA))
		abort();
	return !sink_commands_refusal(c, DYN_ENTROPY_ACCEPT_DATA);
}

/* Scan data in pieces of this many bytes. */
static bool scan(struct resp_scanner *s, const uint8_t *data, size_t size, size_t piece)
{
	resp_scanner_init(s, on_command, NULL);
	for (size_t at = 0; at < size; at += piece) {
		size_t n = size - at < piece ? size - at : piece;
		/* Its own allocation, so that a read past the end is noticed. */
		uint8_t *copy = malloc(n);
		bool ok;

		if (!copy)
			return false;
		memcpy(copy, data + at, n);
		ok = resp_scan(s, copy, n);
		free(copy);
		if (!ok)
			return false;
	}
	return resp_finish(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = {1, 2, 3, 7, 64};
	struct resp_scanner whole, cut;
	bool ok = scan(&whole, data, size, size ? size : 1);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		if (scan(&cut, data, size, pieces[i]) != ok || cut.offset != whole.offset ||
			cut.why != whole.why || cut.stopped != whole.stopped ||
			cut.command.number != whole.command.number)
			abort();
	}
	return 0;
}
