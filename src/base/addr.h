/*
 * addr - "host:port" texts and socket addresses.
 *
 * A host is a name, an IPv4 address, or an IPv6 address in brackets ("[::1]:8105").  Any thread.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ADDR_HOST_MAX 256
#define ADDR_TEXT_MAX (ADDR_HOST_MAX + 8)

struct addr {
	char host[ADDR_HOST_MAX]; /* without brackets; never empty */
	uint16_t port;
};

/*
 * Parse text.  False when it is not host:port with a port of 0..65535 (0 is for binding to a port
 * that the kernel chooses; other callers must refuse it).
 */
bool addr_parse(struct addr *a, const char *text);

/* The same, but the port may be left out, and then the brackets of an IPv6 address as well: the
 * port is 0 then. */
bool addr_parse_host(struct addr *a, const char *text);

/* "host:port", with brackets around an IPv6 host; cut to cap.  Returns text. */
const char *addr_format(const struct addr *a, char *text, size_t cap);

/* The same for a socket address; "unix" for a Unix socket. */
const char *addr_format_sockaddr(const struct sockaddr *sa, char *text, size_t cap);

/* Whether it is in 127.0.0.0/8, perhaps mapped into IPv6, or ::1.  For a text "host:port", the host
 * may also be the name localhost. */
bool addr_sockaddr_is_loopback(const struct sockaddr *sa);
bool addr_text_is_loopback(const char *text);

/* The socket address of a literal IPv4 or IPv6 address; false when the host is a name. */
bool addr_literal(const struct addr *a, struct sockaddr_storage *out);

/* Whether two socket addresses have the same host, whatever the ports; an IPv4-mapped IPv6 address
 * equals its IPv4 address. */
bool addr_same_host(const struct sockaddr *a, const struct sockaddr *b);

struct addr_resolved {
	struct sockaddr_storage sa;
	socklen_t len;
};

#define ADDR_RESOLVED_MAX 16

/*
 * Look up a host, for TCP.  Fills at most ADDR_RESOLVED_MAX entries and returns their number, or 0
 * with a reason in *why (static).  A literal address needs no lookup; a name is looked up in a
 * separate thread, which is abandoned at deadline_ms (monotonic) or when cancel_fd, a descriptor or
 * -1, becomes readable.
 */
size_t addr_resolve(const struct addr *a, int64_t deadline_ms, int cancel_fd,
	struct addr_resolved out[ADDR_RESOLVED_MAX], const char **why);

#ifdef __cplusplus
}
#endif

#endif
