#include "base/addr.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/settings.h"
#include "entropy/sized.h"

#include <inttypes.h>
#include <string.h>

static void set_defaults(struct dyn_entropy_config *c)
{
	memset(c, 0, sizeof(*c));
	c->struct_size = sizeof(*c);
	c->listen_addr = "127.0.0.1:8105";
	c->peer_endpoint = "127.0.0.1:8105";
	c->encrypt = true;
	c->buffer_size = DYN_ENTROPY_DEFAULT_BUFFER_SIZE;
	c->header_size = DYN_ENTROPY_DEFAULT_HEADER_SIZE;
	c->max_rate = DYN_ENTROPY_DEFAULT_MAX_RATE;
	c->max_snapshot_bytes = DYN_ENTROPY_SNAPSHOT_MAX;
	c->max_connections = DYN_ENTROPY_DEFAULT_CONNECTIONS;
	c->timeout_ms = DYN_ENTROPY_DEFAULT_TIMEOUT_MS;
}

void dyn_entropy_config_init_size(struct dyn_entropy_config *c, size_t struct_size)
{
	struct dyn_entropy_config defaults;

	set_defaults(&defaults);
	memset(c, 0, struct_size);
	c->struct_size = struct_size;
	sized_out(c, &defaults, sizeof(defaults));
}

static enum dyn_entropy_status check_range(const char *field, uint64_t value, uint64_t min,
	uint64_t max, struct dyn_entropy_error *err)
{
	if (value >= min && value <= max)
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_CONFIG,
		"%s %" PRIu64 " is out of range (%" PRIu64 "..%" PRIu64 ")", field, value, min,
		max);
}

static enum dyn_entropy_status check_addr(
	const char *field, const char *text, struct dyn_entropy_error *err)
{
	struct addr a;

	if (!text || addr_parse(&a, text))
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_CONFIG, "%s '%s' is not host:port", field, text);
}

enum dyn_entropy_status settings_send_addr(
	const char *send_addr, struct addr *out, struct dyn_entropy_error *err)
{
	if (!addr_parse_host(out, send_addr))
		return error_set(
			err, DYN_ENTROPY_ERR_CONFIG, "send_addr '%s' is not a host", send_addr);
	if (out->port == 0)
		return DYN_ENTROPY_OK;
	return error_set(err, DYN_ENTROPY_ERR_CONFIG,
		"send_addr '%s': name the host alone, without its port: two snapshots are under "
		"way at a time, each on a connection of its own",
		send_addr);
}

static enum dyn_entropy_status check_chunks(
	const struct dyn_entropy_config *c, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = check_range("buffer_size", c->buffer_size, 1,
		DYN_ENTROPY_CIPHER_SIZE_MAX - DYN_ENTROPY_BLOCK_SIZE, err);

	if (status == DYN_ENTROPY_OK)
		status = check_range("header_size", c->header_size, DYN_ENTROPY_HEADER_SIZE_MIN,
			DYN_ENTROPY_HEADER_SIZE_MAX, err);
	if (status == DYN_ENTROPY_OK && c->encrypt && c->buffer_size % DYN_ENTROPY_BLOCK_SIZE)
		status = error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"buffer_size %" PRIu32 " must be a multiple of %d when encrypting",
			c->buffer_size, DYN_ENTROPY_BLOCK_SIZE);
	return status;
}

static enum dyn_entropy_status validate(
	const struct dyn_entropy_config *c, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = check_chunks(c, err);
	struct addr send_from;

	if (status == DYN_ENTROPY_OK && c->max_rate)
		status = check_range("max_rate", c->max_rate, DYN_ENTROPY_RATE_MIN, INT64_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_range("max_snapshot_bytes", c->max_snapshot_bytes, 0,
			DYN_ENTROPY_SNAPSHOT_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_range(
			"max_connections", c->max_connections, 1, DYN_ENTROPY_CONNECTIONS_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_range(
			"timeout_ms", c->timeout_ms, 1, DYN_ENTROPY_TIMEOUT_MS_MAX, err);
	if (status == DYN_ENTROPY_OK)
		status = check_addr("listen_addr", c->listen_addr, err);
	if (status == DYN_ENTROPY_OK && c->send_addr)
		status = settings_send_addr(c->send_addr, &send_from, err);
	if (status == DYN_ENTROPY_OK)
		status = check_addr("peer_endpoint", c->peer_endpoint, err);
	return status;
}

static enum dyn_entropy_status take(struct dyn_entropy_config *to,
	const struct dyn_entropy_config *from, struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status;

	set_defaults(to);
	status = sized_in(to, sizeof(*to), from, "dyn_entropy_config", err);
	return status == DYN_ENTROPY_OK ? validate(to, err) : status;
}

enum dyn_entropy_status dyn_entropy_config_validate(
	const struct dyn_entropy_config *c, struct dyn_entropy_error *err)
{
	struct dyn_entropy_config taken;

	return take(&taken, c, err);
}

enum dyn_entropy_status settings_take(struct dyn_entropy_config *to,
	const struct dyn_entropy_config *from, const dyn_entropy_material *material,
	struct dyn_entropy_error *err)
{
	enum dyn_entropy_status status = take(to, from, err);

	if (status == DYN_ENTROPY_OK && to->encrypt && !material)
		return error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"encryption is on, but there is no key material");
	return status;
}
