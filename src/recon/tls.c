#include "recon/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LABEL     "dynomite-recon-2"
#define LABEL_LEN (sizeof(LABEL) - 1)

struct recon_tls {
	SSL_CTX *dialing, *listening;
	recon_tls_derive_fn derive;
	void *arg;
	char self[RECON_TLS_NAME_MAX + 1];
};

/* What is known of a connection, in an SSL's ex_data. */
struct link {
	const struct recon_tls *tls;
	bool is_dialer;
	enum recon_tls_refusal refusal; /* by this listener, of the dialer's identity */
	char peer[RECON_TLS_NAME_MAX + 1];
	uint8_t identity[RECON_TLS_INFO_MAX];
	size_t identity_len;
};

static int link_index = -1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void free_link(
	void *parent, void *link, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	(void)parent;
	(void)ad;
	(void)index;
	(void)argl;
	(void)argp;
	free(link);
}

static void make_index(void)
{
	link_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_link);
}

static struct link *link_of(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, link_index);
}

/* ---- Names and identities ---- */

static bool is_name(const uint8_t *name, size_t len)
{
	if (len == 0 || len > RECON_TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

static bool is_name_text(const char *name)
{
	return is_name((const uint8_t *)name, strlen(name));
}

static uint8_t *put_name(uint8_t *to, const char *name)
{
	size_t len = strlen(name);

	*to++ = (uint8_t)len;
	memcpy(to, name, len);
	return to + len;
}

static void set_identity(struct link *l, const char *dialer, const char *listener)
{
	uint8_t *end;

	memcpy(l->identity, LABEL, LABEL_LEN);
	end = put_name(put_name(l->identity + LABEL_LEN, dialer), listener);
	l->identity_len = (size_t)(end - l->identity);
}

/* Take a name off the front of an identity; name is NUL-terminated. */
static bool take_name(const uint8_t **at, const uint8_t *end, char name[RECON_TLS_NAME_MAX + 1])
{
	size_t len;

	if (*at == end)
		return false;
	len = *(*at)++;
	if (len > (size_t)(end - *at) || !is_name(*at, len))
		return false;
	memcpy(name, *at, len);
	name[len] = '\0';
	*at += len;
	return true;
}

/* Who dials, from the identity that it sent. */
static enum recon_tls_refusal read_identity(struct link *l, const uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes + LABEL_LEN, *end = bytes + len;
	char dialer[RECON_TLS_NAME_MAX + 1], listener[RECON_TLS_NAME_MAX + 1];

	if (len < LABEL_LEN || len > RECON_TLS_INFO_MAX || memcmp(bytes, LABEL, LABEL_LEN) != 0 ||
		!take_name(&at, end, dialer) || !take_name(&at, end, listener) || at != end)
		return RECON_TLS_NO_IDENTITY;
	if (strcmp(listener, l->tls->self) != 0 || strcmp(dialer, l->tls->self) == 0)
		return RECON_TLS_OTHER_NAME;
	strcpy(l->peer, dialer);
	memcpy(l->identity, bytes, len);
	l->identity_len = len;
	return RECON_TLS_NOT_REFUSED;
}

/* ---- The pre-shared key ---- */

/* The session that a pre-shared key stands for in TLS 1.3, or NULL. */
static SSL_SESSION *make_session(SSL *ssl, const struct link *l)
{
	static const unsigned char suite[] = {0x13, 0x01}; /* TLS_AES_128_GCM_SHA256 */
	const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
	SSL_SESSION *session = SSL_SESSION_new();
	uint8_t key[RECON_TLS_KEY_LEN];
	bool made;

	made = session && cipher &&
	       l->tls->derive(l->tls->arg, l->identity, l->identity_len, key) &&
	       SSL_SESSION_set1_master_key(session, key, sizeof(key)) &&
	       SSL_SESSION_set_cipher(session, cipher) &&
	       SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION);
	OPENSSL_cleanse(key, sizeof(key));
	if (made)
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

static int use_session(
	SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_len, SSL_SESSION **session)
{
	const struct link *l = link_of(ssl);

	*session = NULL;
	/* After a retry, the hash of what the listener chose: with another one there is no key. */
	if (md && EVP_MD_get_type(md) != NID_sha256)
		return 1;
	*session = make_session(ssl, l);
	*id = l->identity;
	*id_len = l->identity_len;
	return *session != NULL;
}

static int find_session(SSL *ssl, const unsigned char *id, size_t id_len, SSL_SESSION **session)
{
	struct link *l = link_of(ssl);

	*session = NULL;
	l->refusal = read_identity(l, id, id_len);
	if (l->refusal != RECON_TLS_NOT_REFUSED)
		return 1; /* goes on to the next identity; with none there is no handshake */
	*session = make_session(ssl, l);
	return *session != NULL;
}

/* ---- Contexts ---- */

static SSL_CTX *make_context(const SSL_METHOD *method)
{
	SSL_CTX *c = SSL_CTX_new(method);

	if (!c)
		return NULL;
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION) &&
		SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
		SSL_CTX_set_ciphersuites(c, "TLS_AES_128_GCM_SHA256") &&
		SSL_CTX_set1_groups_list(c, "X25519") && SSL_CTX_set_num_tickets(c, 0) &&
		SSL_CTX_set_max_early_data(c, 0) && SSL_CTX_set_recv_max_early_data(c, 0))
		return c;
	SSL_CTX_free(c);
	return NULL;
}

struct recon_tls *recon_tls_new(const char *self, recon_tls_derive_fn derive, void *arg)
{
	struct recon_tls *t;

	pthread_once(&once, make_index);
	if (link_index < 0 || !is_name_text(self))
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	strcpy(t->self, self);
	t->derive = derive;
	t->arg = arg;
	t->dialing = make_context(TLS_client_method());
	t->listening = make_context(TLS_server_method());
	if (!t->dialing || !t->listening) {
		ERR_clear_error();
		recon_tls_free(t);
		return NULL;
	}
	/* Without an authority no certificate passes: the key alone proves who answers. */
	SSL_CTX_set_verify(t->dialing, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_psk_use_session_callback(t->dialing, use_session);
	SSL_CTX_set_psk_find_session_callback(t->listening, find_session);
	return t;
}

void recon_tls_free(struct recon_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->dialing);
	SSL_CTX_free(t->listening);
	free(t);
}

/* ---- Connections ---- */

static SSL *make_end(const struct recon_tls *t, SSL_CTX *context, struct link **out)
{
	struct link *l = calloc(1, sizeof(*l));
	SSL *ssl = l ? SSL_new(context) : NULL;

	if (!ssl || !SSL_set_ex_data(ssl, link_index, l)) {
		SSL_free(ssl);
		free(l);
		ERR_clear_error();
		return NULL;
	}
	l->tls = t;
	*out = l;
	return ssl;
}

SSL *recon_tls_dialer(const struct recon_tls *t, const char *listener)
{
	struct link *l;
	SSL *ssl;

	if (!is_name_text(listener) || strcmp(listener, t->self) == 0)
		return NULL;
	ssl = make_end(t, t->dialing, &l);
	if (!ssl)
		return NULL;
	l->is_dialer = true;
	strcpy(l->peer, listener);
	set_identity(l, t->self, listener);
	SSL_set_connect_state(ssl);
	return ssl;
}

SSL *recon_tls_listener(const struct recon_tls *t)
{
	struct link *l;
	SSL *ssl = make_end(t, t->listening, &l);

	if (ssl)
		SSL_set_accept_state(ssl);
	return ssl;
}

bool recon_tls_is_proved(const SSL *ssl)
{
	return SSL_is_init_finished(ssl) && SSL_version(ssl) == TLS1_3_VERSION &&
	       SSL_session_reused(ssl);
}

const char *recon_tls_peer(const SSL *ssl)
{
	const struct link *l = link_of(ssl);

	return l->is_dialer || recon_tls_is_proved(ssl) ? l->peer : "";
}

/* ---- Failures ---- */

/* What the other end's alert says. */
static enum recon_tls_refusal explain_alert(const struct link *l, int alert)
{
	if (alert == SSL_AD_PROTOCOL_VERSION)
		return RECON_TLS_OLD_VERSION;
	if (!l->is_dialer)
		return RECON_TLS_BROKEN;
	if (alert == SSL_AD_ILLEGAL_PARAMETER || alert == SSL_AD_DECRYPT_ERROR)
		return RECON_TLS_KEY_REFUSED;
	if (alert == SSL_AD_HANDSHAKE_FAILURE || alert == SSL_AD_UNKNOWN_PSK_IDENTITY)
		return RECON_TLS_NAME_REFUSED;
	return RECON_TLS_BROKEN;
}

enum recon_tls_refusal recon_tls_explain(const SSL *ssl, unsigned long error)
{
	const struct link *l = link_of(ssl);
	int reason = ERR_GET_REASON(error);

	if (error == 0)
		return RECON_TLS_CUT;
	if (ERR_GET_LIB(error) != ERR_LIB_SSL)
		return RECON_TLS_BROKEN;
	if (reason > SSL_AD_REASON_OFFSET)
		return explain_alert(l, reason - SSL_AD_REASON_OFFSET);
	switch (reason) {
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		return RECON_TLS_CUT;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_BAD_RECORD_TYPE:
		return RECON_TLS_NOT_TLS;
	case SSL_R_UNSUPPORTED_PROTOCOL:
		return RECON_TLS_OLD_VERSION;
	case SSL_R_BINDER_DOES_NOT_VERIFY:
		return RECON_TLS_OTHER_KEY;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
		return l->refusal ? l->refusal : RECON_TLS_NO_IDENTITY;
	default:
		return RECON_TLS_BROKEN;
	}
}

const char *recon_tls_refusal_text(enum recon_tls_refusal refusal)
{
	switch (refusal) {
	case RECON_TLS_NOT_REFUSED:
		return "nothing is wrong";
	case RECON_TLS_NOT_TLS:
		return "what it sent is not TLS";
	case RECON_TLS_OLD_VERSION:
		return "it does not speak TLS 1.3";
	case RECON_TLS_NO_IDENTITY:
		return "it names no identity of this protocol";
	case RECON_TLS_OTHER_NAME:
		return "it means another node than this one: compare datacenter, rack and tokens "
		       "in the files of both";
	case RECON_TLS_OTHER_KEY:
		return "it has another key: copy recon_key_file to both nodes";
	case RECON_TLS_NAME_REFUSED:
		return "it does not take the name of this node, or has another name than expected: "
		       "compare datacenter, rack and tokens in the files of both";
	case RECON_TLS_KEY_REFUSED:
		return "it refused this node's key: copy recon_key_file to both nodes";
	case RECON_TLS_CUT:
		return "the connection ended during the handshake";
	case RECON_TLS_BROKEN:
		return "the handshake failed";
	case RECON_TLS_N_REFUSALS:
		break;
	}
	return "the handshake failed";
}
