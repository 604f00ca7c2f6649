/*
 * options - the command line of a subcommand: one table of its options, from which it is parsed,
 * ranges are checked, and --help is printed.
 *
 * An option is "--name", "--name VALUE", "--name=VALUE", "-x" or "-x VALUE"; other arguments are
 * operands; "--" ends the options.  Every command also has -h and --help.  Main thread.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum option_type {
	OPTION_FLAG,   /* bool: true if given */
	OPTION_TEXT,   /* const char *: borrowed from argv; never empty */
	OPTION_NUMBER, /* struct option_number, within min..max */
	OPTION_SIZE,   /* the same; the value may end in K, M or G (1024s) */
	OPTION_RATE,   /* the same, or 0 */
	OPTION_LIST,   /* struct option_list: may be given several times */
};

struct option_number {
	bool given;
	uint64_t value;
};

#define OPTION_LIST_MAX 64

struct option_list {
	const char *items[OPTION_LIST_MAX]; /* borrowed from argv */
	size_t n;
};

struct option {
	char letter; /* 0: none */
	const char *name;
	const char *arg;  /* the name of the value in --help; NULL for a flag */
	const char *help; /* a line, or several separated by '\n' */
	enum option_type type;
	size_t offset; /* of the field in the command's settings */
	uint64_t min, max;
	uint64_t by_default; /* added to the help of a number; 0: not */
};

#define OPTIONS_OPERANDS_MAX 2

struct subcommand {
	const char *name;
	const char *operands; /* such as "A B", or "" */
	size_t n_operands;    /* how many it needs */
	size_t n_optional;    /* how many more it takes, NULL where not given; at most
				 OPTIONS_OPERANDS_MAX together */
	const char *summary;  /* one line */
	const char *about;    /* a paragraph below it, lines separated by '\n'; may be NULL */
	const struct option *options;
	size_t n_options;
	size_t settings_size; /* of the struct that the options' offsets refer to */
	/* settings is zeroed but for the given options.  Returns the exit code. */
	int (*run)(const void *settings, const char *const *operands);
};

/*
 * Parse argv[1] .. argv[argc - 1] and run the command, or print its help, or print an error to
 * standard error.  Returns the exit code.
 */
int options_run(const struct subcommand *command, int argc, char **argv);

/*
 * The entry of names that is nearest to text, or NULL when none is near; names is an array of n
 * entries of stride bytes, each of which begins with a const char *.
 */
const char *options_nearest(const char *text, const void *names, size_t n, size_t stride);

#ifdef __cplusplus
}
#endif

#endif
