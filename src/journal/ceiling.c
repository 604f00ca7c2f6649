#include "journal/ceiling.h"

#include "base/log.h"
#include "journal/siphash.h"
#include "journal/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * How far ahead of the wall clock the ceiling is written.  After a kill the clock may go on that
 * much too early, which must be well below STAMP_AHEAD_MAX_MS.  A clock that is ahead already gets
 * only a little: else a node that is killed again and again would run away from the others.
 */
#define AHEAD_MS        4000
#define AHEAD_LITTLE_MS 100

/* A write that failed is tried again after this. */
#define RETRY_MS 1000

/* Two slots that are written in turn, so that a torn write leaves the other. */
#define N_SLOTS 2

struct slot {
	uint64_t sequence, ceiling_ms;
	uint64_t check; /* a hash of the others */
};

struct ceiling {
	struct stamp_clock clock;
	uint64_t ceiling_ms, sequence, retry_ms;
	bool told; /* of a failure */
	int fd;
	struct syncer *syncer;
	char *path;
};

static const uint8_t check_key[SIPHASH_KEY_BYTES] = "clock ceiling 1";

static uint64_t check_of(const struct slot *s)
{
	return siphash(check_key, s, offsetof(struct slot, check));
}

/* Write a ceiling into the older slot.  False with errno set. */
static bool write_slot(struct ceiling *c, uint64_t ms)
{
	struct slot s = {.sequence = c->sequence + 1, .ceiling_ms = ms};
	ssize_t n;

	s.check = check_of(&s);
	n = pwrite(c->fd, &s, sizeof(s), (off_t)(s.sequence % N_SLOTS * sizeof(s)));
	if (n != (ssize_t)sizeof(s)) {
		if (n >= 0)
			errno = ENOSPC;
		return false;
	}
	c->sequence = s.sequence;
	c->ceiling_ms = ms;
	return true;
}

/* Read the newer slot.  False when neither is whole. */
static bool read_slots(struct ceiling *c)
{
	struct slot slots[N_SLOTS] = {0};

	if (pread(c->fd, slots, sizeof(slots), 0) < 0)
		return false;
	for (size_t i = 0; i < N_SLOTS; i++) {
		if (slots[i].check != check_of(&slots[i]) || slots[i].sequence <= c->sequence)
			continue;
		c->sequence = slots[i].sequence;
		c->ceiling_ms = slots[i].ceiling_ms;
	}
	return c->sequence > 0;
}

static bool start(struct ceiling *c, bool is_new, char *why, size_t cap)
{
	c->fd = open(c->path, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT | O_TRUNC : 0), 0600);
	if (c->fd < 0 && !is_new && errno == ENOENT) {
		snprintf(why, cap,
			"%s is missing, so stamps of writes could repeat: restore it, or remove "
			"the whole directory, which makes this a new node",
			c->path);
		return false;
	}
	if (c->fd < 0 || (is_new && (!write_slot(c, 0) || fsync(c->fd) != 0))) {
		snprintf(why, cap, "cannot write %s: %s", c->path, strerror(errno));
		return false;
	}
	if (!is_new && !read_slots(c)) {
		snprintf(why, cap,
			"%s is damaged, so stamps of writes could repeat: restore it, or remove "
			"the whole directory, which makes this a new node",
			c->path);
		return false;
	}
	c->syncer = syncer_new(0);
	if (!c->syncer)
		snprintf(why, cap, "no thread or memory for %s: %s", c->path, strerror(errno));
	return c->syncer != NULL;
}

struct ceiling *ceiling_open(const char *path, bool is_new, uint32_t node, char *why, size_t cap)
{
	struct ceiling *c = calloc(1, sizeof(*c));

	if (!c || !(c->path = strdup(path))) {
		snprintf(why, cap, "out of memory");
		free(c);
		return NULL;
	}
	c->fd = -1;
	if (!start(c, is_new, why, cap)) {
		syncer_free(c->syncer);
		if (c->fd >= 0)
			close(c->fd);
		free(c->path);
		free(c);
		return NULL;
	}
	c->clock.node = node;
	/* The next one drawn is at or above the ceiling, whatever its node. */
	if (c->ceiling_ms > 0)
		c->clock.last = stamp_make(c->ceiling_ms, 0, 0) - 1;
	return c;
}

void ceiling_close(struct ceiling *c)
{
	if (!c)
		return;
	/* So that the next start is not ahead of the wall clock. */
	if (stamp_ms(c->clock.last) + 1 < c->ceiling_ms &&
		write_slot(c, stamp_ms(c->clock.last) + 1))
		syncer_ask(c->syncer, c->fd, c->sequence, false);
	syncer_free(c->syncer);
	close(c->fd);
	free(c->path);
	free(c);
}

/* Raise the ceiling above the clock, before the stamp is given out. */
static void raise_ceiling(struct ceiling *c, uint64_t now_ms)
{
	uint64_t little = stamp_ms(c->clock.last) + AHEAD_LITTLE_MS;
	uint64_t ms = now_ms + AHEAD_MS;

	if (now_ms < c->retry_ms && now_ms + RETRY_MS >= c->retry_ms)
		return;
	errno = syncer_failure(c->syncer);
	if (errno == 0 && write_slot(c, ms > little ? ms : little)) {
		if (c->told)
			log_notice("%s can be written again", c->path);
		c->told = false;
		c->retry_ms = 0;
		syncer_ask(c->syncer, c->fd, c->sequence, false); /* else the next one will do */
		return;
	}
	c->retry_ms = now_ms + RETRY_MS;
	if (!c->told)
		log_error("cannot write %s: %s; should the node be killed now and its clock be "
			  "set back, it would draw stamps again",
			c->path, strerror(errno));
	c->told = true;
}

uint64_t ceiling_draw(struct ceiling *c, uint64_t now_ms)
{
	uint64_t stamp = stamp_draw(&c->clock, now_ms);

	/* Early enough that it is synced when the clock gets there, unless that is ahead. */
	if (stamp_ms(stamp) >= c->ceiling_ms || now_ms + AHEAD_MS / 2 >= c->ceiling_ms)
		raise_ceiling(c, now_ms);
	return stamp;
}

struct stamp_clock *ceiling_clock(struct ceiling *c)
{
	return &c->clock;
}

void ceiling_set_node(struct ceiling *c, uint32_t node)
{
	c->clock.node = node;
}

uint64_t ceiling_ms(const struct ceiling *c)
{
	return c->ceiling_ms;
}
