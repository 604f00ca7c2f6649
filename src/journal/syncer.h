/*
 * syncer - a thread that makes files durable, so that the event loop does not wait for a disk.
 *
 * Jobs are done in the order they were given.  A job that has not begun and is for the same file as
 * the last one is merged with it.  Event loop's thread.
 */
#ifndef JOURNAL_SYNCER_H
#define JOURNAL_SYNCER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct syncer;

/* NULL, with errno set, when there is no memory or no thread.  At least gap_ms pass between two
 * jobs for the same file, so that a busy file is not synced all the time. */
struct syncer *syncer_new(uint32_t gap_ms);

/* Do the jobs that are left, and end the thread; blocks for that.  NULL is harmless. */
void syncer_free(struct syncer *s);

/*
 * Sync fd; afterwards syncer_done() is at least mark, which never decreases from job to job.  fd
 * must stay open until then; with close_after the syncer closes it.  False, with nothing done,
 * when too many jobs wait already.
 */
bool syncer_ask(struct syncer *s, int fd, uint64_t mark, bool close_after);

/* The mark of the last job that is done; 0: none yet. */
uint64_t syncer_done(const struct syncer *s);

/* The errno of a job that failed, once for each failure; 0: none. */
int syncer_failure(struct syncer *s);

#ifdef __cplusplus
}
#endif

#endif
