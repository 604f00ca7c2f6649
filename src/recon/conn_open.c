#include "base/clock.h"
#include "recon/conn.h"
#include "recon/conn_internal.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Begin the handshake on fd, which is connected. */
static bool shake(struct recon_conn *c, enum bufferevent_ssl_state role)
{
	int one = 1;

	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* fails on a Unix socket */
	setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	SSL_up_ref(c->ssl); /* bev releases one, also when it cannot be made */
	c->bev = bufferevent_openssl_socket_new(c->options.base, c->fd, c->ssl, role,
		BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!c->bev)
		return false;
	c->fd = -1;
	c->state = RECON_CONN_STATE_SHAKING;
	recon_conn_watch(c);
	return true;
}

static void fail_to_connect(struct recon_conn *c, int code)
{
	snprintf(c->why, sizeof(c->why), "cannot connect: %s", strerror(code));
}

static void on_connected(evutil_socket_t fd, short events, void *arg)
{
	struct recon_conn *c = arg;
	socklen_t len = sizeof(int);
	int code = 0;

	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		code = errno;
	if (code) {
		fail_to_connect(c, code);
		recon_conn_end(c, RECON_CONN_UNREACHABLE, c->why);
		return;
	}
	event_free(c->connecting);
	c->connecting = NULL;
	if (!shake(c, BUFFEREVENT_SSL_CONNECTING))
		recon_conn_end(c, RECON_CONN_NO_MEMORY, "no memory for the connection");
}

/* Takes over ssl and fd, also on failure. */
static struct recon_conn *make(const struct recon_conn_options *options, SSL *ssl, int fd)
{
	struct recon_conn *c = calloc(1, sizeof(*c));

	if (!c || !ssl || fd < 0)
		goto failed;
	c->timer = evtimer_new(options->base, recon_conn_on_timer, c);
	if (!c->timer)
		goto failed;
	c->options = *options;
	c->ssl = ssl;
	c->fd = fd;
	recon_conn_wait(c, options->handshake_ms);
	return c;
failed:
	free(c);
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
	return NULL;
}

struct recon_conn *recon_conn_dial(const struct recon_conn_options *options,
	const struct sockaddr *to, socklen_t len, const char *listener)
{
	SSL *ssl = recon_tls_dialer(options->tls, listener);
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct recon_conn *c = make(options, ssl, fd);

	if (!c)
		return NULL;
	if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
		/* The owner is told from the loop, as of any other failure. */
		fail_to_connect(c, errno);
		recon_conn_wake_at(c, 0);
	} else {
		c->connecting = event_new(options->base, fd, EV_WRITE, on_connected, c);
		if (!c->connecting || event_add(c->connecting, NULL) != 0) {
			recon_conn_free(c);
			return NULL;
		}
	}
	if (options->figures)
		options->figures->dialed++;
	return c;
}

struct recon_conn *recon_conn_accept(const struct recon_conn_options *options, int fd)
{
	struct recon_conn *c;

	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	c = make(options, recon_tls_listener(options->tls), fd);
	if (!c)
		return NULL;
	if (!shake(c, BUFFEREVENT_SSL_ACCEPTING)) {
		recon_conn_free(c);
		return NULL;
	}
	if (options->figures)
		options->figures->accepted++;
	return c;
}
