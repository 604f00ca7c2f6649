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

/* Within the house by its short name. */
#define error_set dyn_entropy_error_set

/* Set the two errors that have no more to say; return their status. */
enum dyn_entropy_status error_no_memory(struct dyn_entropy_error *err);
enum dyn_entropy_status error_cancelled(struct dyn_entropy_error *err);

/* Say in *err (which may be NULL) which setting decided it; returns status, so that it goes around
 * error_set().  setting has static storage. */
enum dyn_entropy_status error_by_setting(
	struct dyn_entropy_error *err, const char *setting, enum dyn_entropy_status status);

/* Take name and ": " off the front of the message, for whoever knows whom it is about. */
void error_without(struct dyn_entropy_error *err, const char *name);

/* Put words and ": " before the message that err already holds; returns its status. */
enum dyn_entropy_status error_prefix(struct dyn_entropy_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
