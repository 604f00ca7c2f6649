/*
 * progress - shows the progress of a command.
 *
 * On a terminal a bar with rate and remaining time, redrawn on standard error; otherwise plain
 * lines there, every few seconds; with --json objects of event "progress" on standard output; with
 * --quiet nothing.  Main thread.
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

/* The current figures; expected ones are 0 when unknown. */
struct progress_state {
	uint64_t keys, keys_expected;
	uint64_t bytes, bytes_expected;
	uint64_t snapshots;
};

struct progress {
	enum progress_style style;
	const char *label; /* what is being done, such as "push 10.0.0.2:8105"; borrowed */
	int64_t started_us;
	int64_t drawn_us; /* of the last line */
	bool drawn;       /* a bar is on the terminal */
};

/* Choose the style by these flags, and by whether standard error is a terminal. */
enum progress_style progress_style_choose(bool json, bool quiet);

/* Start the clock; label is borrowed until progress_clear(). */
void progress_begin(struct progress *p, enum progress_style style, const char *label);

/* May be called often: it writes only a few times a second (bar) or every few seconds. */
void progress_update(struct progress *p, const struct progress_state *state);

/* Remove the bar from the terminal, before anything else is written. */
void progress_clear(struct progress *p);

/* Format values as in the bar: "12.3 MiB", "1:02:03", "1,234,567". */
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
