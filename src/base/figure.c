#include "base/figure.h"

#include <string.h>

const struct figure *figure_at(const struct figure_table *table, size_t offset)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->figures[i].offset == offset)
			return &table->figures[i];
	return NULL;
}

uint64_t figure_whole(const struct figure *f, const void *values)
{
	uint64_t value;

	memcpy(&value, (const char *)values + f->offset, sizeof(value));
	return value;
}

double figure_seconds(const struct figure *f, const void *values)
{
	double value;

	memcpy(&value, (const char *)values + f->offset, sizeof(value));
	return value;
}
