/*
 * figure - what a counted field of a struct means: its names, unit and help, and where it lies.
 *
 * Each room that counts has tables of its figures beside the structs in which it counts, and every
 * page that shows figures is made from those tables.  A figure has the name of its field.  Tables
 * are constant: any thread.
 */
#ifndef BASE_FIGURE_H
#define BASE_FIGURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum figure_type {
	FIGURE_COUNTER, /* uint64_t, only ever grows */
	FIGURE_GAUGE,   /* uint64_t */
	FIGURE_FLAG,    /* uint64_t, 0 or 1 */
	FIGURE_SECONDS, /* double gauge; NaN: no value */
};

struct figure {
	const char *name; /* in JSON, -D and the log */
	enum figure_type type;
	const char *metric; /* in /metrics, after dynomite_; NULL: it is the sum of others there */
	const char *info;   /* in INFO, as Redis names its own; NULL: it is not there */
	const char *unit;
	const char *help;
	size_t offset; /* in the struct */
};

/* The figures of one struct, in the order in which they are shown. */
struct figure_table {
	const char *title;
	const struct figure *figures; /* n */
	size_t n;
};

/* A row for the field of struct `of`; with the name that it has in INFO. */
#define FIGURE_AND_INFO(of, field, type, metric, info, unit, help)                                 \
	{                                                                                          \
#field, type, metric, info, unit, help, offsetof(struct of, field)                 \
	}
#define FIGURE(of, field, type, metric, unit, help)                                                \
	FIGURE_AND_INFO(of, field, type, metric, NULL, unit, help)

/* The table of an array of rows. */
#define FIGURE_TABLE(title, rows)                                                                  \
	{                                                                                          \
		title, rows, sizeof(rows) / sizeof((rows)[0])                                      \
	}

/* The name of the figure that is a field of struct `of`, for those who read a page: it does not
 * compile when there is no such field. */
#define FIGURE_NAME(of, field) (sizeof(((struct of *)NULL)->field) > 0 ? #field : NULL)

/* The figure whose field is at the offset; NULL when the table has none there. */
const struct figure *figure_at(const struct figure_table *table, size_t offset);

/* The value of a figure in values, the struct of its table: of any type but FIGURE_SECONDS. */
uint64_t figure_whole(const struct figure *f, const void *values);

/* The same for FIGURE_SECONDS. */
double figure_seconds(const struct figure *f, const void *values);

#ifdef __cplusplus
}
#endif

#endif
