#include "conf/conf_load.h"

#include "base/file.h"
#include "conf/conf_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool conf_loader_is_spent(const struct conf_loader *l)
{
	return l->report->no_memory || conf_report_is_full(l->report);
}

struct conf_place *conf_place_of(const struct conf_loader *l, const struct conf_key *k)
{
	return &l->conf->places[k - conf_keys];
}

/* An error of the file as a whole; there may be no conf yet. */
static struct conf_where whole_file(const char *path)
{
	return (struct conf_where){.path = path};
}

/* A conf with the defaults; NULL when out of memory. */
static struct conf *new_conf(const char *path, struct conf_report *report)
{
	struct conf_loader l = {calloc(1, sizeof(*l.conf)), report};

	if (!l.conf)
		return NULL;
	l.conf->path = strdup(path);
	if (!l.conf->path) {
		conf_free(l.conf);
		return NULL;
	}
	for (size_t i = 0; i < CONF_N_KEYS; i++)
		conf_value_set_default(&l, &conf_keys[i]);
	return l.conf;
}

/* Read the text into l->conf; false when its end was not reached. */
static bool read_text(struct conf_loader *l, const uint8_t *text, size_t len)
{
	static const uint8_t mark[] = {0xef, 0xbb, 0xbf}; /* UTF-8's byte order mark */

	if (len >= sizeof(mark) && memcmp(text, mark, sizeof(mark)) == 0) {
		text += sizeof(mark);
		len -= sizeof(mark);
	}
	if (!conf_yaml_read(l, text, len))
		return false;
	conf_check(l);
	return true;
}

struct conf *conf_load_text_partly(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report)
{
	struct conf_loader l = {new_conf(path, report), report};
	bool whole = false;

	report->loading = true;
	if (!l.conf)
		report->no_memory = true;
	else
		whole = read_text(&l, text, len);
	if (report->no_memory) {
		report->no_memory = false;
		conf_report_error(report, whole_file(path), "out of memory");
		whole = false;
	}
	report->loading = false;
	if (whole)
		return l.conf;
	conf_free(l.conf);
	return NULL;
}

/* The conf, or NULL if there was an error. */
static struct conf *all_or_nothing(struct conf *c, const struct conf_report *report)
{
	if (conf_report_is_good(report))
		return c;
	conf_free(c);
	return NULL;
}

struct conf *conf_load_text(
	const char *path, const uint8_t *text, size_t len, struct conf_report *report)
{
	return all_or_nothing(conf_load_text_partly(path, text, len, report), report);
}

static void tell_unread(struct conf_report *report, const char *path, enum file_status status)
{
	const struct conf_where where = whole_file(path);
	bool misnamed = status == FILE_NOT_OPENED && errno != EACCES;
	char text[FILE_PROBLEM_MAX];

	if (status == FILE_DIRECTORY)
		conf_report_error(report, where, "is a directory; name a file in it");
	else if (status == FILE_TOO_LARGE)
		conf_report_error(report, where, "is larger than 1 MiB, which is no configuration");
	else if (status == FILE_NO_MEMORY)
		conf_report_error(report, where, "out of memory");
	else
		conf_report_error(report, where, "%s%s", file_problem(status, text),
			status == FILE_NOT_REGULAR ? "; name one"
			: misnamed                 ? "; -c names another file"
						   : "");
}

struct conf *conf_load_partly(const char *path, struct conf_report *report)
{
	struct conf *conf = NULL;
	struct file text;
	enum file_status status = file_read(path, CONF_FILE_MAX, &text);

	memset(report, 0, sizeof(*report));
	if (status == FILE_OK)
		conf = conf_load_text_partly(path, text.bytes, text.len, report);
	else
		tell_unread(report, path, status);
	file_fini(&text); /* it may contain a password */
	return conf;
}

struct conf *conf_load(const char *path, struct conf_report *report)
{
	return all_or_nothing(conf_load_partly(path, report), report);
}
