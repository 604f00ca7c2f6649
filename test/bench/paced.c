/*
 * paced - the latency of a Redis, or of a proxy in front of one, under a steady load.
 *
 *     paced HOST PORT REQUESTS_PER_SECOND SECONDS
 *
 * Sends GETs at fixed times over 8 connections and prints the 99th percentile of the time from when
 * each was due to its reply, in milliseconds: a request that had to wait for the one before it
 * counts its waiting.
 */
#include <hiredis.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CONNECTIONS 8
#define PENDING_MAX 65536

struct connection {
	redisContext *redis;
	int64_t due_us[PENDING_MAX]; /* of the requests without a reply: a ring */
	size_t first, last;
};

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void fail(const char *what)
{
	fprintf(stderr, "paced: %s\n", what);
	exit(1);
}

static void flush(struct connection *c)
{
	int done = 0;

	while (!done)
		if (redisBufferWrite(c->redis, &done) != REDIS_OK)
			fail(c->redis->errstr);
}

/* Take in the replies that are there; returns the new end of took_us. */
static size_t take(struct connection *c, int64_t *took_us, size_t n)
{
	void *reply;

	if (redisBufferRead(c->redis) != REDIS_OK)
		fail(c->redis->errstr);
	while (redisGetReplyFromReader(c->redis, &reply) == REDIS_OK && reply) {
		if (((redisReply *)reply)->type == REDIS_REPLY_ERROR)
			fail(((redisReply *)reply)->str);
		freeReplyObject(reply);
		took_us[n++] = now_us() - c->due_us[c->first++ % PENDING_MAX];
	}
	return n;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static struct connection connections[CONNECTIONS];
	struct pollfd fds[CONNECTIONS];
	size_t total, sent = 0, n = 0;
	int64_t *took_us, begin_us;
	double rate;

	if (argc != 5)
		fail("usage: paced HOST PORT REQUESTS_PER_SECOND SECONDS");
	rate = atof(argv[3]);
	total = (size_t)(rate * atof(argv[4]));
	took_us = calloc(total + 1, sizeof(*took_us));
	if (!took_us || rate <= 0 || total == 0)
		fail("nothing to measure");
	for (int i = 0; i < CONNECTIONS; i++) {
		connections[i].redis = redisConnect(argv[1], atoi(argv[2]));
		if (!connections[i].redis || connections[i].redis->err)
			fail("cannot connect");
		fds[i] = (struct pollfd){.fd = connections[i].redis->fd, .events = POLLIN};
	}
	begin_us = now_us();
	while (n < total) {
		int64_t due_us = begin_us + (int64_t)((double)sent * 1e6 / rate);
		int64_t wait_us = sent < total ? due_us - now_us() : 1000000;
		struct timespec ts = {
			.tv_nsec = wait_us > 0 ? (long)(wait_us % 1000000) * 1000 : 0};

		if (now_us() - begin_us > (int64_t)(atof(argv[4]) * 1e6) + 10000000)
			fail("replies are missing");
		if (ppoll(fds, CONNECTIONS, &ts, NULL) > 0)
			for (int i = 0; i < CONNECTIONS; i++)
				if (fds[i].revents)
					n = take(&connections[i], took_us, n);
		while (sent < total &&
			begin_us + (int64_t)((double)sent * 1e6 / rate) <= now_us()) {
			struct connection *c = &connections[sent % CONNECTIONS];

			if (c->last - c->first == PENDING_MAX)
				fail("too slow for this rate");
			c->due_us[c->last++ % PENDING_MAX] =
				begin_us + (int64_t)((double)sent * 1e6 / rate);
			redisAppendCommand(c->redis, "GET key:%012d", (int)(sent % 1000));
			flush(c);
			sent++;
		}
	}
	qsort(took_us, n, sizeof(*took_us), compare);
	printf("%.3f\n", (double)took_us[n - n / 100 - 1] / 1000);
	for (int i = 0; i < CONNECTIONS; i++)
		redisFree(connections[i].redis);
	free(took_us);
	return 0;
}
