#include "entropy/rdb_body.h"

#include "entropy/crc64.h"
#include "entropy/error.h"
#include "entropy/rdb.h"
#include "entropy/segment.h"

#include <stdlib.h>
#include <string.h>

#define RDB_BODY_TRAILER    10
#define SPOOL_PAYLOAD_BYTES ((size_t)8 * 1024 * 1024) /* of a large payload held in memory */

enum dyn_entropy_status rdb_body_init(
	struct rdb_body *b, uint64_t max, const char *spool_dir, struct dyn_entropy_error *err)
{
	memset(b, 0, sizeof(*b));
	b->max = max ? max : SEGMENT_PAYLOAD_MAX;
	if (!spool_dir)
		return DYN_ENTROPY_OK;
	b->spool_dir = strdup(spool_dir);
	return b->spool_dir ? DYN_ENTROPY_OK : error_no_memory(err);
}

void rdb_body_fini(struct rdb_body *b)
{
	buf_fini(&b->mem);
	spool_free(b->spool);
	free(b->spool_dir);
	memset(b, 0, sizeof(*b));
}

void rdb_body_begin(struct rdb_body *b)
{
	buf_clear(&b->mem);
	if (b->spooled)
		spool_clear(b->spool);
	b->spooled = false;
	b->too_large = false;
	b->len = 0;
	b->crc = 0;
}

static enum dyn_entropy_status body_spool(
	struct rdb_body *b, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	b->crc = crc64_update(b->crc, bytes, len);
	return spool_append(b->spool, bytes, len, err);
}

/* Too large for memory: move the bytes so far to the spool. */
static enum dyn_entropy_status body_to_spool(struct rdb_body *b, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	if (!b->spool)
		status = spool_new(b->spool_dir, SPOOL_PAYLOAD_BYTES, &b->spool, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	b->spooled = true;
	status = body_spool(b, buf_head(&b->mem), buf_len(&b->mem), err);
	buf_clear(&b->mem);
	return status;
}

/* The tee: len more bytes of the value. */
enum dyn_entropy_status rdb_body_add(
	void *arg, const void *bytes, size_t len, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	struct rdb_body *b = arg;

	b->len += len;
	if (b->too_large)
		return DYN_ENTROPY_OK;
	if (b->len + RDB_BODY_TRAILER > b->max) {
		b->too_large = true;
		buf_clear(&b->mem);
		if (b->spooled)
			spool_clear(b->spool);
		return DYN_ENTROPY_OK;
	}
	if (!b->spooled && b->len > RDB_PAYLOAD_MEMORY_MAX - RDB_BODY_TRAILER)
		status = body_to_spool(b, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	if (b->spooled)
		return body_spool(b, bytes, len, err);
	return buf_append(&b->mem, bytes, len) ? DYN_ENTROPY_OK : error_no_memory(err);
}

static void put_little(uint8_t *to, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

/* The end of a payload: the version and the checksum of everything before it. */
enum dyn_entropy_status rdb_body_finish(
	struct rdb_body *b, unsigned version, struct dyn_entropy_error *err)
{
	uint8_t trailer[RDB_BODY_TRAILER];
	uint64_t crc = b->crc;

	put_little(trailer, version, 2);
	if (!b->spooled)
		crc = crc64_update(0, buf_head(&b->mem), buf_len(&b->mem));
	put_little(trailer + 2, crc64_update(crc, trailer, 2), 8);
	b->len += RDB_BODY_TRAILER;
	if (b->spooled)
		return spool_append(b->spool, trailer, RDB_BODY_TRAILER, err);
	return buf_append(&b->mem, trailer, RDB_BODY_TRAILER) ? DYN_ENTROPY_OK
							      : error_no_memory(err);
}
