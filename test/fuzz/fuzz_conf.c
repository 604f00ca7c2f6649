/*
 * Fuzz target: a dynomite.yml.
 */
#include "conf/conf_load.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_report report = {0};
	struct conf *c;

	if (size > CONF_FILE_MAX)
		return 0;
	c = conf_load_text("fuzz.yml", data, size, &report);
	/* A load fails exactly when it says why, and it says so within bounds. */
	if ((c == NULL) != (report.errors.n > 0) || report.errors.n > CONF_ERRORS_MAX + 1)
		abort();
	conf_free(c);
	conf_report_fini(&report);
	return 0;
}
