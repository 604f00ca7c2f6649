#include "journal/syncer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 16

struct job {
	int fd;
	bool close_after;
	uint64_t mark;
};

struct syncer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job jobs[JOBS_MAX]; /* the first is the oldest */
	size_t n;
	bool ending;
	uint32_t gap_ms;
	_Atomic uint64_t done;
	_Atomic int failure;
};

/* Wait until the gap since the last job has passed, or the thread is to end.  The lock is held. */
static void pause_between(struct syncer *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += s->gap_ms / 1000;
	until.tv_nsec += (long)(s->gap_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	while (!s->ending && pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
		;
}

static void do_job(struct syncer *s, const struct job *job)
{
	int rc;

	do
		rc = fdatasync(job->fd);
	while (rc != 0 && errno == EINTR);
	if (rc == 0)
		atomic_store(&s->done, job->mark);
	else
		atomic_store(&s->failure, errno);
	if (job->close_after)
		close(job->fd);
}

static void *run(void *arg)
{
	struct syncer *s = arg;
	int last_fd = -1;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct job job;

		while (s->n == 0 && !s->ending)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->n == 0)
			break;
		if (s->jobs[0].fd == last_fd && s->gap_ms > 0)
			pause_between(s);
		job = s->jobs[0];
		for (size_t i = 1; i < s->n; i++)
			s->jobs[i - 1] = s->jobs[i];
		s->n--;
		last_fd = job.close_after ? -1 : job.fd;
		pthread_mutex_unlock(&s->lock);
		do_job(s, &job);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* The thread takes no signals: they are the event loop's. */
static int start_thread(struct syncer *s)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct syncer *syncer_new(uint32_t gap_ms)
{
	struct syncer *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	int rc;

	if (!s)
		return NULL;
	s->gap_ms = gap_ms;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	rc = start_thread(s);
	if (rc != 0) {
		pthread_cond_destroy(&s->changed);
		pthread_mutex_destroy(&s->lock);
		free(s);
		errno = rc;
		return NULL;
	}
	return s;
}

void syncer_free(struct syncer *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ending = true;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

bool syncer_ask(struct syncer *s, int fd, uint64_t mark, bool close_after)
{
	bool ok = true;

	pthread_mutex_lock(&s->lock);
	if (s->n > 0 && s->jobs[s->n - 1].fd == fd && !s->jobs[s->n - 1].close_after) {
		s->jobs[s->n - 1].mark = mark;
		s->jobs[s->n - 1].close_after = close_after;
	} else if (s->n < JOBS_MAX) {
		s->jobs[s->n++] = (struct job){fd, close_after, mark};
		pthread_cond_signal(&s->changed);
	} else {
		ok = false;
	}
	pthread_mutex_unlock(&s->lock);
	return ok;
}

uint64_t syncer_done(const struct syncer *s)
{
	return atomic_load(&s->done);
}

int syncer_failure(struct syncer *s)
{
	return atomic_exchange(&s->failure, 0);
}
