#include "proxy/security.h"

#include "base/log.h"

bool security_init(struct security *s, enum proxy_encryption encryption, const struct ring *ring,
	const char *pem_key_file)
{
	char why[256];

	*s = (struct security){.encryption = encryption, .ring = ring};
	if (encryption == PROXY_ENCRYPT_NONE)
		return true;
	s->rsa = dnode_rsa_load(pem_key_file, why, sizeof(why));
	if (!s->rsa)
		log_error("cannot start: pem_key_file: %s", why);
	return s->rsa != NULL;
}

void security_fini(struct security *s)
{
	dnode_rsa_free(s->rsa);
	s->rsa = NULL;
}

bool security_encrypts(const struct security *s, size_t rack)
{
	switch (s->encryption) {
	case PROXY_ENCRYPT_NONE:
		return false;
	case PROXY_ENCRYPT_RACK:
		return rack != 0;
	case PROXY_ENCRYPT_DATACENTER:
		return s->ring->racks[rack].dc != 0;
	case PROXY_ENCRYPT_ALL:
		break;
	}
	return true;
}
