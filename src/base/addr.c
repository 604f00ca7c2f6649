#include "base/addr.h"

#include "base/clock.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define PORT_DIGITS 5

static bool parse_port(const char *text, uint16_t *port)
{
	size_t len = strlen(text);
	uint64_t value;

	if (len > PORT_DIGITS || number_read(text, len, UINT16_MAX, &value) != NUMBER_OK)
		return false;
	*port = (uint16_t)value;
	return true;
}

bool addr_parse(struct addr *a, const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t len;

	if (!colon || !parse_port(colon + 1, &a->port))
		return false;
	len = (size_t)(colon - text);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	} else if (memchr(host, ':', len)) {
		return false;
	}
	if (len == 0 || len >= sizeof(a->host) || memchr(host, ' ', len))
		return false;
	memcpy(a->host, host, len);
	a->host[len] = '\0';
	return true;
}

bool addr_parse_host(struct addr *a, const char *text)
{
	char with_port[ADDR_TEXT_MAX];
	struct in6_addr ignored;
	const char *fmt = inet_pton(AF_INET6, text, &ignored) == 1 ? "[%s]:0" : "%s:0";

	if (addr_parse(a, text))
		return true;
	return snprintf(with_port, sizeof(with_port), fmt, text) < (int)sizeof(with_port) &&
	       addr_parse(a, with_port);
}

const char *addr_format(const struct addr *a, char *text, size_t cap)
{
	const char *fmt = strchr(a->host, ':') ? "[%s]:%u" : "%s:%u";

	snprintf(text, cap, fmt, a->host, (unsigned)a->port);
	return text;
}

const char *addr_format_sockaddr(const struct sockaddr *sa, char *text, size_t cap)
{
	struct addr a;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

	if (sa->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in4->sin_addr, a.host, sizeof(a.host));
		a.port = ntohs(in4->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, a.host, sizeof(a.host));
		a.port = ntohs(in6->sin6_port);
	} else {
		snprintf(text, cap, "unix");
		return text;
	}
	return addr_format(&a, text, cap);
}

/* The IPv4 address of sa in network order, also when it is mapped into IPv6. */
static bool ipv4_of(const struct sockaddr *sa, uint32_t *out)
{
	if (sa->sa_family == AF_INET) {
		*out = ((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr;
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct in6_addr *in6 =
			&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

		if (!IN6_IS_ADDR_V4MAPPED(in6))
			return false;
		memcpy(out, in6->s6_addr + 12, sizeof(*out));
		return true;
	}
	return false;
}

bool addr_sockaddr_is_loopback(const struct sockaddr *sa)
{
	uint32_t v4;

	if (ipv4_of(sa, &v4))
		return ntohl(v4) >> 24 == 127;
	return sa->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
}

bool addr_literal(const struct addr *a, struct sockaddr_storage *out)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, a->host, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(a->port);
		return true;
	}
	if (inet_pton(AF_INET6, a->host, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	return true;
}

bool addr_text_is_loopback(const char *text)
{
	struct sockaddr_storage sa;
	struct addr a;

	if (!addr_parse(&a, text))
		return false;
	if (strcasecmp(a.host, "localhost") == 0)
		return true;
	return addr_literal(&a, &sa) && addr_sockaddr_is_loopback((const struct sockaddr *)&sa);
}

bool addr_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	uint32_t a4, b4;

	if (ipv4_of(a, &a4))
		return ipv4_of(b, &b4) && a4 == b4;
	if (a->sa_family != AF_INET6 || b->sa_family != AF_INET6)
		return false;
	return memcmp(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)(const void *)b)->sin6_addr,
		       sizeof(struct in6_addr)) == 0;
}

/* A lookup shared by the thread that runs it and the caller that may stop waiting for it. */
struct lookup {
	pthread_mutex_t lock;
	int owners;     /* number of threads that use this struct; the last one frees it */
	int done_write; /* the thread closes it when it has the answer */
	struct addr addr;
	struct addrinfo *answer;
	int code; /* of getaddrinfo */
};

static int look_up(const struct addr *a, int flags, struct addrinfo **answer)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
	char port[8];

	snprintf(port, sizeof(port), "%u", (unsigned)a->port);
	return getaddrinfo(a->host, port, &hints, answer);
}

static void lookup_release(struct lookup *l)
{
	int left;

	pthread_mutex_lock(&l->lock);
	left = --l->owners;
	pthread_mutex_unlock(&l->lock);
	if (left)
		return;
	if (l->answer)
		freeaddrinfo(l->answer);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static void *lookup_thread(void *arg)
{
	struct lookup *l = arg;
	int done_write = l->done_write;
	struct addrinfo *answer = NULL;
	int code = look_up(&l->addr, 0, &answer);

	pthread_mutex_lock(&l->lock);
	l->code = code;
	l->answer = answer;
	pthread_mutex_unlock(&l->lock);
	close(done_write); /* the waiter reads the answer only after this */
	lookup_release(l);
	return NULL;
}

static size_t copy_answer(const struct addrinfo *ai, struct addr_resolved *out)
{
	size_t n = 0;

	for (; ai && n < ADDR_RESOLVED_MAX; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(out[n].sa))
			continue;
		memcpy(&out[n].sa, ai->ai_addr, ai->ai_addrlen);
		out[n].len = ai->ai_addrlen;
		n++;
	}
	return n;
}

/* Start the thread; on success *done_read becomes readable (end of file) with the answer. */
static struct lookup *lookup_start(const struct addr *a, int *done_read)
{
	struct lookup *l = calloc(1, sizeof(*l));
	pthread_attr_t attr;
	pthread_t thread;
	int fds[2];
	int failed;

	if (!l)
		return NULL;
	if (pipe2(fds, O_CLOEXEC) != 0) {
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->owners = 2;
	l->done_write = fds[1];
	l->addr = *a;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &attr, lookup_thread, l);
	pthread_attr_destroy(&attr);
	if (failed) {
		close(fds[0]);
		close(fds[1]);
		pthread_mutex_destroy(&l->lock);
		free(l);
		return NULL;
	}
	*done_read = fds[0];
	return l;
}

size_t addr_resolve(const struct addr *a, int64_t deadline_ms, int cancel_fd,
	struct addr_resolved out[ADDR_RESOLVED_MAX], const char **why)
{
	struct addrinfo *ai = NULL;
	struct lookup *l;
	struct pollfd fds[2];
	size_t n = 0;

	if (look_up(a, AI_NUMERICHOST, &ai) == 0) {
		n = copy_answer(ai, out);
		freeaddrinfo(ai);
		return n;
	}
	fds[0] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = cancel_fd, .events = POLLIN};
	l = lookup_start(a, &fds[0].fd);
	if (!l) {
		*why = "no thread or descriptor is left to look the name up";
		return 0;
	}
	while (poll(fds, 2, clock_poll_timeout(deadline_ms)) < 0 && errno == EINTR)
		continue;
	if (fds[0].revents) {
		pthread_mutex_lock(&l->lock);
		n = copy_answer(l->answer, out);
		*why = n ? NULL : gai_strerror(l->code);
		pthread_mutex_unlock(&l->lock);
	} else {
		*why = fds[1].revents ? "cancelled" : "the name was not resolved in time";
	}
	close(fds[0].fd);
	lookup_release(l);
	return n;
}
