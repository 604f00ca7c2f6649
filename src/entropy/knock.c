#include "entropy/dynentropy.h"

enum dyn_entropy_status dyn_entropy_knock(const struct dyn_entropy_config *config,
	const dyn_entropy_material *material, dyn_entropy_cancel *cancel,
	enum dyn_entropy_outcome *outcome, struct dyn_entropy_error *err)
{
	const struct dyn_entropy_push_options options = {
		.struct_size = sizeof(options),
		.cancel = cancel,
	};
	struct dyn_entropy_push_result result = {
		.struct_size = sizeof(result),
		.outcome = DYN_ENTROPY_OUTCOME_FAILED,
	};
	struct dyn_entropy_source empty = {0};
	enum dyn_entropy_status status = dyn_entropy_source_static(NULL, 0, &empty, err);

	if (status == DYN_ENTROPY_OK)
		status = dyn_entropy_push(config, material, &empty, &options, &result, err);
	dyn_entropy_source_free(&empty);
	*outcome = result.outcome;
	return status;
}
