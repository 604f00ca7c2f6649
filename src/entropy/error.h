/*
 * error - fill in a struct dyn_entropy_error.
 *
 * Any thread, one at a time for each error.
 */
#ifndef ENTROPY_ERROR_H
#define ENTROPY_ERROR_H

#include "entropy/dynentropy.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The short name for internal use. */
#define error_set dyn_entropy_error_set

/* Set the error of this status, with a fixed message; return the status. */
enum dyn_entropy_status error_no_memory(struct dyn_entropy_error *err);
enum dyn_entropy_status error_cancelled(struct dyn_entropy_error *err);

/* Set err->setting (err may be NULL) to the setting that caused the error.  Returns status, so that
 * it can wrap error_set().  setting has static storage. */
enum dyn_entropy_status error_by_setting(
	struct dyn_entropy_error *err, const char *setting, enum dyn_entropy_status status);

/* Remove name and ": " from the front of the message, for callers that name it themselves. */
void error_without(struct dyn_entropy_error *err, const char *name);

/* Put words and ": " before the message in err; returns its status. */
enum dyn_entropy_status error_prefix(struct dyn_entropy_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
