/*
 * conf_table - the table of keys: type, range, default, field and help of each.
 *
 * For the files of this directory and their tests.  Constant: any thread.
 */
#ifndef CONF_TABLE_H
#define CONF_TABLE_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONF_WORDS_MAX 1024 /* bytes that are enough for conf_key_allowed() */

enum conf_type {
	CONF_TYPE_BOOL,
	CONF_TYPE_NUMBER,    /* int64_t */
	CONF_TYPE_SIZE,      /* int64_t, bytes; may be written with KiB, MiB, GiB */
	CONF_TYPE_CHOICE,    /* an enum: the index of its word in words */
	CONF_TYPE_TEXT,      /* char *, like the next four; min and max limit its length in bytes */
	CONF_TYPE_PATH,      /* of a file or directory */
	CONF_TYPE_SECRET,    /* never shown, and wiped when it is freed */
	CONF_TYPE_TOKENS,    /* decimals below 2^32, separated by commas or as a list */
	CONF_TYPE_ADDRESS,   /* char *, "host:port" */
	CONF_TYPE_BIND,      /* char *, written "host" or "host:0" */
	CONF_TYPE_ADDRESSES, /* struct conf_list of "host:port" */
	CONF_TYPE_SERVERS,   /* conf->servers */
	CONF_TYPE_SEEDS,     /* conf->seeds */
};

#define CONF_UNUSED       0x01u /* accepted, without effect yet */
#define CONF_ZERO_DEFAULT 0x02u /* 0 stands for the default, as in Dynomite */
#define CONF_NO_CASE      0x04u /* a choice whose words match in upper or lower case */
#define CONF_UNIX_TOO     0x08u /* an address may be the path of a Unix socket */
#define CONF_PORT_ZERO    0x10u /* port 0 is allowed */
#define CONF_MULTIPLE_16  0x20u
#define CONF_OR_UNLIMITED 0x40u /* 0 is allowed although below min, and means no limit */

struct conf_key {
	const char *name;
	enum conf_type type;
	const char *unit;      /* or NULL */
	int64_t def_number;    /* the default of a number, a boolean or a choice */
	const char *def_text;  /* the default of a text; NULL: none, or def_words */
	const char *def_words; /* describes a default that is computed */
	int64_t min, max;      /* of a number, or of the length of a text; inclusive */
	unsigned flags;
	size_t offset;            /* into struct conf */
	const char *const *words; /* of a choice, by value */
	size_t n_words;
	/* For a key of which, where listen is set, only the default is supported: what to do
	 * instead. NULL: all values are supported. */
	const char *instead;
	const char *help; /* one line */
};

extern const struct conf_key conf_keys[CONF_N_KEYS]; /* by enum conf_key_id */

/* The row with this name, or NULL; the row whose name is nearest to it by edit distance. */
const struct conf_key *conf_key_find(const char *name);
const struct conf_key *conf_key_nearest(const char *name);
/* Whether the value may be written as a YAML list. */
bool conf_key_is_list(const struct conf_key *k);

/* Whether the value is a number, a boolean or a choice; if so, its value in c, and a value as it is
 * written in the file: returns text, or a constant. */
#define CONF_NUMBER_MAX 32
bool conf_key_has_number(const struct conf_key *k);
int64_t conf_key_number(const struct conf_key *k, const struct conf *c);
const char *conf_key_number_text(
	const struct conf_key *k, int64_t number, char text[CONF_NUMBER_MAX]);

/* Descriptions: the type; the allowed values, written to text (cap bytes); the default, which is
 * text or a constant. */
const char *conf_key_type(const struct conf_key *k);
const char *conf_key_allowed(const struct conf_key *k, char *text, size_t cap);
const char *conf_key_default(const struct conf_key *k, char text[CONF_NUMBER_MAX]);

#ifdef __cplusplus
}
#endif

#endif
