/*
 * conf_internal - what the files of conf share: the table of keys, and a load in progress.
 *
 * The way of a file: conf.c reads it, conf_yaml.c turns YAML events into keys and texts,
 * conf_value.c checks each text against its row of conf_table.c and stores it, conf_check.c holds
 * the keys against each other.
 */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include "conf/conf.h"

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONF_KEYS_MAX  80 /* at least conf_n_keys */
#define CONF_FILE_MAX  ((size_t)1024 * 1024)
#define CONF_WORDS_MAX 1024 /* room for what conf_key_allowed() says */

enum conf_type {
	CONF_TYPE_BOOL,
	CONF_TYPE_NUMBER,    /* int64_t */
	CONF_TYPE_SIZE,      /* int64_t, bytes; may be written with KiB, MiB, GiB */
	CONF_TYPE_TEXT,      /* char *, as the next five; min and max are its length in bytes */
	CONF_TYPE_PATH,      /* of a file or directory */
	CONF_TYPE_SECRET,    /* never shown, and wiped when it is freed */
	CONF_TYPE_CHOICE,    /* one of choices */
	CONF_TYPE_TOKENS,    /* decimals below 2^32, by comma or as a list */
	CONF_TYPE_ADDRESS,   /* char *, "host:port" */
	CONF_TYPE_BIND,      /* char *, written "host" or "host:0" */
	CONF_TYPE_ADDRESSES, /* struct conf_list of "host:port" */
	CONF_TYPE_SERVERS,   /* conf->servers */
	CONF_TYPE_SEEDS,     /* conf->seeds */
};

#define CONF_UNUSED       0x01u /* nothing uses it yet */
#define CONF_ZERO_DEFAULT 0x02u /* 0 stands for the default, as Dynomite has it */
#define CONF_NO_CASE      0x04u /* a choice in capitals or small letters */
#define CONF_UNIX_TOO     0x08u /* an address may be the path of a Unix socket */
#define CONF_PORT_ZERO    0x10u /* port 0 is allowed */
#define CONF_MULTIPLE_16  0x20u
#define CONF_OR_UNLIMITED 0x40u /* 0 is below the least and means no limit */

struct conf_key {
	const char *name;
	enum conf_type type;
	const char *unit; /* or NULL */
	const char *def;  /* the default, written as in a file; NULL: none, or default_words */
	int64_t min, max; /* of a number, or of the length of a text; both allowed */
	unsigned flags;
	size_t offset;             /* into struct conf */
	const char *help;          /* one line */
	const char *choices;       /* by space */
	const char *default_words; /* of a default that depends on other keys, or on nothing */
};

/* What of a key's values is known from other nodes, loads, and is refused beside listen. */
struct conf_unserved {
	const char *key;
	const char *served, *refused; /* values, by space */
	const char *instead;          /* the remedy */
};

extern const struct conf_key conf_keys[];
extern const size_t conf_n_keys;

const struct conf_key *conf_key_find(const char *name); /* or NULL */
const struct conf_key *conf_key_nearest(const char *name);
const struct conf_unserved *conf_key_unserved(const struct conf_key *k); /* or NULL */
bool conf_words_have(const char *words, const char *word);               /* words, by space */
bool conf_key_is_list(const struct conf_key *k);

/* In words: what kind of value, which values are allowed (into text, cap bytes), the default. */
const char *conf_key_type(const struct conf_key *k);
const char *conf_key_allowed(const struct conf_key *k, char *text, size_t cap);
const char *conf_key_default(const struct conf_key *k);

/* A load in progress. */
struct conf_loader {
	const char *path;
	struct conf *conf;
	struct conf_report *report;
	bool too_many;  /* errors: stop reading */
	bool no_memory; /* likewise */
};

/* Add "path:line: key: ..." to the errors; line 0 and key NULL leave their part out. */
void conf_fault(struct conf_loader *l, size_t line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void conf_warn(struct conf_loader *l, size_t line, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Add a copy of text; false when memory is short. */
bool conf_list_add(struct conf_list *list, const char *text);

/* What the file says of this row of the table. */
struct conf_place *conf_place_of(const struct conf_loader *l, const struct conf_key *k);

/* Add "path:line: key: ..." to one of a report's lists; false when memory is short. */
bool conf_report_add(struct conf_list *to, const char *path, size_t line, const char *key,
	const char *fmt, va_list args);

/* The bytes of the control character that text begins with; 0 when it begins with none. */
size_t conf_control_len(const char *text);

/* A text from the file, fit for a message: printable, and not too long.  Returns out. */
#define CONF_SHOWN_MAX 96
const char *conf_shown(const char *text, char out[CONF_SHOWN_MAX]);

/*
 * Store a text under its key, or say in the report why not.  A key that is a list is called for
 * each entry.
 */
void conf_value_set(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line);

/* Read len bytes of YAML.  False when it did not come to a document's end: the keys are not all
 * known then. */
bool conf_yaml_read(struct conf_loader *l, const uint8_t *text, size_t len);

/* Fill in the defaults that depend on other keys, and hold the keys against each other. */
void conf_check(struct conf_loader *l);

/* conf_load_partly() of text that is in memory already; path is only for messages, *report is
 * empty. */
struct conf *conf_load_text_partly(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);

/* conf_load() of it. */
struct conf *conf_load_text(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
