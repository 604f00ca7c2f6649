/*
 * tls - who is at the other end: TLS 1.3 between two nodes that have the same recon_key_file.
 *
 * Only external pre-shared keys (RFC 8446, 4.2.11) with TLS_AES_128_GCM_SHA256 and X25519; no
 * certificates, tickets or early data.  There is a key for each ordered pair of nodes, derived from
 * the key file, so that a connection proves the names of both ends and cannot be turned round.
 *
 * The identity that the dialer sends in the clear, which is also what the key is derived with:
 *
 *     "dynomite-recon-2"  u8 length  name of the dialer  u8 length  name of the listener
 *
 * One thread at a time.
 */
#ifndef RECON_TLS_H
#define RECON_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of a node's name, at least one, none of them a control character. */
#define RECON_TLS_NAME_MAX 100
#define RECON_TLS_KEY_LEN  32
#define RECON_TLS_INFO_MAX (16 + 2 * (1 + RECON_TLS_NAME_MAX))

/* HKDF-SHA256 (RFC 5869) of the material of recon_key_file, without salt, with info.  False when
 * OpenSSL has no memory. */
typedef bool (*recon_tls_derive_fn)(
	void *arg, const uint8_t *info, size_t len, uint8_t key[RECON_TLS_KEY_LEN]);

/* Why a handshake failed. */
enum recon_tls_refusal {
	RECON_TLS_NOT_REFUSED,
	RECON_TLS_NOT_TLS,      /* what came is not TLS */
	RECON_TLS_OLD_VERSION,  /* TLS, but not 1.3 */
	RECON_TLS_NO_IDENTITY,  /* the dialer names no identity of this protocol */
	RECON_TLS_OTHER_NAME,   /* the dialer means another listener, or itself */
	RECON_TLS_OTHER_KEY,    /* the dialer's key differs */
	RECON_TLS_NAME_REFUSED, /* the listener does not take the identity of this node */
	RECON_TLS_KEY_REFUSED,  /* the listener's key differs */
	RECON_TLS_CUT,          /* the connection ended during the handshake */
	RECON_TLS_BROKEN,       /* anything else: a damaged message, no memory */
	RECON_TLS_N_REFUSALS
};

/* What to tell an operator about it.  Static storage. */
const char *recon_tls_refusal_text(enum recon_tls_refusal refusal);

struct recon_tls;

/* What both ends of this node's connections share.  self is this node's name, which is copied;
 * derive is called during handshakes.  NULL when memory is short or the name is not allowed. */
struct recon_tls *recon_tls_new(const char *self, recon_tls_derive_fn derive, void *arg);

/* After all that was made from it; NULL is harmless. */
void recon_tls_free(struct recon_tls *t);

/* One end of a connection, its state set, without a BIO; t must outlive it.  The dialer's names the
 * node that should answer.  NULL when memory is short, the name is not allowed or is self.  Release
 * with SSL_free(). */
SSL *recon_tls_dialer(const struct recon_tls *t, const char *listener);
SSL *recon_tls_listener(const struct recon_tls *t);

/* Whether the handshake is complete and has proved that the other end has the key.  Check it before
 * the first byte is read or sent. */
bool recon_tls_is_proved(const SSL *ssl);

/* The name of the node at the other end; of a listener's connection once it is proved, until then
 * "".  Lives as long as ssl. */
const char *recon_tls_peer(const SSL *ssl);

/* Why the handshake of ssl failed; error is the earliest of OpenSSL's error queue, 0 when the
 * connection has ended. */
enum recon_tls_refusal recon_tls_explain(const SSL *ssl, unsigned long error);

#ifdef __cplusplus
}
#endif

#endif
