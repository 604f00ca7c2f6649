/*
 * channel - shared by push and receive: their common options, and the configuration of the channel
 * from these options and from the dynomite.yml that -c names.
 *
 * Options override the file, the file overrides the library's defaults.  Main thread.
 */
#ifndef TOOLS_CHANNEL_H
#define TOOLS_CHANNEL_H

#include "node/setup.h"
#include "tools/tool.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first member of the settings of both commands; its options are CHANNEL_OPTIONS. */
struct channel_settings {
	const char *conf, *key_file, *iv_file, *spool_dir;
	const char *redis, *user, *password_file;
	struct option_number timeout_ms;
	bool plaintext, json, quiet;
};

#define CHANNEL_AT(field) offsetof(struct channel_settings, field)

/* clang-format off */
#define CHANNEL_OPTIONS                                                                            \
	{'c', "conf", "FILE", "take what no option says from this dynomite.yml",                \
		OPTION_TEXT, CHANNEL_AT(conf), 0, 0, 0},                                              \
	{0, "key-file", "FILE", "the pre-shared key (see dyn-entropy keygen)",                     \
		OPTION_TEXT, CHANNEL_AT(key_file), 0, 0, 0},                                          \
	{0, "iv-file", "FILE", "the pre-shared IV", OPTION_TEXT, CHANNEL_AT(iv_file), 0, 0, 0},       \
	{0, "plaintext", NULL, "do not encrypt: no key or IV file then",                           \
		OPTION_FLAG, CHANNEL_AT(plaintext), 0, 0, 0},                                         \
	{0, "user", "NAME", "the Redis user (default: the default user)",                          \
		OPTION_TEXT, CHANNEL_AT(user), 0, 0, 0},                                              \
	{0, "password-file", "FILE", "the Redis password, the file's first line\n"                 \
		"(else the environment: DYN_ENTROPY_REDIS_PASSWORD)",                              \
		OPTION_TEXT, CHANNEL_AT(password_file), 0, 0, 0},                                     \
	{0, "timeout", "MS", "without a byte before a connection is closed",                        \
		OPTION_NUMBER, CHANNEL_AT(timeout_ms), 1, DYN_ENTROPY_TIMEOUT_MS_MAX,                \
		DYN_ENTROPY_DEFAULT_TIMEOUT_MS},                                                   \
	{0, "spool-dir", "DIR", "where snapshots beyond 16 MiB are kept meanwhile\n"               \
		"(default: TMPDIR, else /var/tmp)",                                                \
		OPTION_TEXT, CHANNEL_AT(spool_dir), 0, 0, 0},                                         \
	{0, "json", NULL, "write JSON, one object per line", OPTION_FLAG, CHANNEL_AT(json), 0, 0, 0},    \
	{'q', "quiet", NULL, "no progress, and a summary only with --json",                        \
		OPTION_FLAG, CHANNEL_AT(quiet), 0, 0, 0}
/* clang-format on */

struct channel {
	const char *command; /* for messages */
	struct setup setup;  /* from the file of -c */
	struct conf *conf;   /* owned by setup; NULL without -c */
	struct dyn_entropy_config config;
	dyn_entropy_material *material; /* NULL when nothing is encrypted */
	struct dyn_entropy_redis
		redis; /* address is NULL if neither an option nor the file has one */
	struct dyn_entropy_source_options source;
	enum dyn_entropy_accept accept;
	dyn_entropy_cancel *cancel;
	char *password;
};

/*
 * Read the file and the key material, and call work() with the channel, which lives until it
 * returns. Returns its exit code, or another one after a message.
 */
int channel_run(const char *command, const struct channel_settings *s,
	int (*work)(struct channel *ch, void *arg), void *arg);

/* Whether exactly one of the options that words lists was given, or none if -c may replace them.
 * False after a message. */
bool channel_one_of(
	const char *command, const struct channel_settings *s, int given, const char *words);

/* Whether an option or the file names a Redis.  False after a message. */
bool channel_has_redis(const struct channel *ch, const struct channel_settings *s);

/*
 * Check ch->config before its first use: its fields, their combination, and that the published
 * sample key is only used on loopback.  address is the one that will be used.  Returns the exit
 * code.
 */
int channel_check(const struct channel *ch, const char *address);

/* Print the lines of a report and empty it.  Returns whether it had no errors. */
bool channel_tell(const char *command, struct conf_report *report);

#ifdef __cplusplus
}
#endif

#endif
