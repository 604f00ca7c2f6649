#include "base/addr.h"
#include "base/clock.h"
#include "entropy/dynentropy.h"
#include "entropy/error.h"
#include "entropy/settings.h"
#include "entropy/sized.h"

#include <stdlib.h>
#include <string.h>

struct dyn_entropy_driver {
	struct dyn_entropy_config config;
	const dyn_entropy_material *material;
	struct dyn_entropy_driver_options options; /* targets is NULL: they are in reports */
	struct dyn_entropy_target_report *reports; /* n_targets; each owns its endpoint */
	size_t n_targets;
};

static enum dyn_entropy_status check_targets(
	const struct dyn_entropy_driver_options *o, struct dyn_entropy_error *err)
{
	struct addr a;

	for (size_t i = 0; i < o->n_targets; i++)
		if (!addr_parse(&a, o->targets[i]) || a.port == 0)
			return error_set(err, DYN_ENTROPY_ERR_CONFIG,
				"target '%s' is not host:port", o->targets[i]);
	return DYN_ENTROPY_OK;
}

static bool copy_targets(dyn_entropy_driver *d)
{
	d->reports = calloc(d->options.n_targets + 1, sizeof(*d->reports));
	if (!d->reports)
		return false;
	for (; d->n_targets < d->options.n_targets; d->n_targets++) {
		struct dyn_entropy_target_report *r = &d->reports[d->n_targets];

		r->struct_size = sizeof(*r);
		r->last.struct_size = sizeof(r->last);
		r->last.source.struct_size = sizeof(r->last.source);
		r->target = d->n_targets;
		r->endpoint = strdup(d->options.targets[d->n_targets]);
		if (!r->endpoint)
			return false;
	}
	d->options.targets = NULL; /* the caller's */
	return true;
}

enum dyn_entropy_status dyn_entropy_driver_new(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, const struct dyn_entropy_driver_options *options,
	dyn_entropy_driver **out, struct dyn_entropy_error *err)
{
	dyn_entropy_driver *d = calloc(1, sizeof(*d));
	enum dyn_entropy_status status;

	if (!d)
		return error_no_memory(err);
	d->material = material;
	status = settings_take(&d->config, config, material, err);
	if (status == DYN_ENTROPY_OK)
		status = sized_in(&d->options, sizeof(d->options), options,
			"dyn_entropy_driver_options", err);
	if (status == DYN_ENTROPY_OK && !d->options.open_source)
		status = error_set(err, DYN_ENTROPY_ERR_CONFIG,
			"no open_source to make a target's source with");
	if (status == DYN_ENTROPY_OK)
		status = check_targets(&d->options, err);
	if (status == DYN_ENTROPY_OK && !copy_targets(d))
		status = error_no_memory(err);
	if (status != DYN_ENTROPY_OK) {
		dyn_entropy_driver_free(d);
		return status;
	}
	*out = d;
	return DYN_ENTROPY_OK;
}

void dyn_entropy_driver_free(dyn_entropy_driver *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_targets; i++)
		free((char *)(uintptr_t)d->reports[i].endpoint);
	free(d->reports);
	free(d);
}

/* One target's part of a round. */
static enum dyn_entropy_status serve(dyn_entropy_driver *d, size_t target,
	struct dyn_entropy_push_result *result, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_push_options options = {
		.struct_size = sizeof(options),
		.cancel = d->options.cancel,
		.progress = d->options.progress,
		.progress_arg = d->options.progress_arg,
	};
	struct dyn_entropy_config config = d->config;
	struct dyn_entropy_source source = {0};
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	config.peer_endpoint = d->reports[target].endpoint;
	if (d->options.knock)
		status = dyn_entropy_knock(
			&config, d->material, d->options.cancel, &result->outcome, err);
	if (status != DYN_ENTROPY_OK)
		return status;
	status = d->options.open_source(d->options.open_source_arg, target, &source, err);
	if (status != DYN_ENTROPY_OK) {
		result->outcome = DYN_ENTROPY_OUTCOME_FAILED;
		return status;
	}
	status = dyn_entropy_push(&config, d->material, &source, &options, result, err);
	dyn_entropy_source_free(&source);
	return status;
}

static void report(dyn_entropy_driver *d, size_t target, enum dyn_entropy_status status,
	const struct dyn_entropy_push_result *result, const struct dyn_entropy_error *err)
{
	struct dyn_entropy_target_report *r = &d->reports[target];

	r->rounds++;
	r->status = status;
	r->last = *result;
	memset(r->message, 0, sizeof(r->message));
	if (status != DYN_ENTROPY_OK)
		memcpy(r->message, err->message, sizeof(r->message));
	if (d->options.target_done)
		d->options.target_done(d->options.target_done_arg, r);
}

/* Run one target's part, and count it. */
static enum dyn_entropy_status take_turn(dyn_entropy_driver *d, size_t target,
	struct dyn_entropy_round *round, struct dyn_entropy_error *err)
{
	int64_t started_us = clock_monotonic_us();
	struct dyn_entropy_push_result result = {.struct_size = sizeof(result)};
	struct dyn_entropy_error push_err = {0};
	enum dyn_entropy_status status = serve(d, target, &result, &push_err);

	result.seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
	round->attempted++;
	round->exchanged += status == DYN_ENTROPY_OK;
	round->failed += status != DYN_ENTROPY_OK;
	round->snapshots += result.snapshots;
	round->keys += result.keys;
	round->bytes += result.bytes;
	report(d, target, status, &result, &push_err);
	return status == DYN_ENTROPY_ERR_CANCELLED ? error_cancelled(err) : DYN_ENTROPY_OK;
}

enum dyn_entropy_status dyn_entropy_driver_round(
	dyn_entropy_driver *d, struct dyn_entropy_round *out, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_driver_options *o = &d->options;
	struct dyn_entropy_round round = {.struct_size = sizeof(round)};
	int64_t started_us = clock_monotonic_us();
	enum dyn_entropy_status status = DYN_ENTROPY_OK;

	for (size_t i = 0; i < d->n_targets; i++) {
		if (dyn_entropy_cancel_is_set(o->cancel)) {
			status = error_cancelled(err);
			break;
		}
		if (!o->takes_part || o->takes_part(o->takes_part_arg, i))
			status = take_turn(d, i, &round, err);
	}
	round.seconds = (double)(clock_monotonic_us() - started_us) / 1e6;
	sized_out(out, &round, sizeof(round));
	return status;
}
