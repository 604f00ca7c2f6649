/*
 * progress - how far a command is, while it runs.
 *
 * On a terminal a bar with the rate and the time left, drawn over itself on standard error; else a
 * plain line there now and then; with --json an object of event "progress" on standard output now
 * and then; with --quiet nothing.  Main thread.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum progress_style {
	PROGRESS_QUIET,
	PROGRESS_PLAIN,
	PROGRESS_BAR,
	PROGRESS_JSON,
};

/* What is known at the moment; what is expected is 0 where nobody knows. */
struct progress_state {
	uint64_t keys, keys_expected;
	uint64_t bytes, bytes_expected;
	uint64_t snapshots;
};

struct progress {
	enum progress_style style;
	const char *label; /* borrowed: what is under way, such as "push 10.0.0.2:8105" */
	int64_t started_us;
	int64_t drawn_us; /* of the last line */
	bool drawn;       /* a bar stands on the terminal */
};

/* The style for these flags, and for what standard error is. */
enum progress_style progress_style_choose(bool json, bool quiet);

/* Start the clock; label is borrowed until progress_clear(). */
void progress_begin(struct progress *p, enum progress_style style, const char *label);

/* Call as often as you like: it writes a few times a second (bar) or every few seconds. */
void progress_update(struct progress *p, const struct progress_state *state);

/* Take the bar off the terminal.  Before anything else is written. */
void progress_clear(struct progress *p);

/* The pieces, for the lines that end a command: "12.3 MiB", "1:02:03", "1,234,567". */
#define PROGRESS_TEXT_MAX 32
const char *progress_bytes(double bytes, char text[PROGRESS_TEXT_MAX]);
const char *progress_duration(double seconds, char text[PROGRESS_TEXT_MAX]);
const char *progress_count(uint64_t n, char text[PROGRESS_TEXT_MAX]);

/* One line of a bar, at most width columns wide; returns text.  For tests. */
const char *progress_line(const struct progress *p, const struct progress_state *state,
	double seconds, int width, bool with_bar, char *text, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
