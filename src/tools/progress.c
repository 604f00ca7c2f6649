#include "tools/progress.h"

#include "base/clock.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_EVERY_US   150000
#define PLAIN_EVERY_US 2000000
#define JSON_EVERY_US  1000000
#define BAR_CELLS      24
#define BAR_CELLS_MIN  6
#define LINE_MAX_BYTES 256

enum progress_style progress_style_choose(bool json, bool quiet)
{
	const char *term = getenv("TERM");

	if (quiet)
		return PROGRESS_QUIET;
	if (json)
		return PROGRESS_JSON;
	if (isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0)
		return PROGRESS_BAR;
	return PROGRESS_PLAIN;
}

void progress_begin(struct progress *p, enum progress_style style, const char *label)
{
	p->style = style;
	p->label = label;
	p->started_us = clock_monotonic_us();
	/* Show a bar at once, but the first plain line only after some time. */
	p->drawn_us = style == PROGRESS_BAR ? 0 : p->started_us;
	p->drawn = false;
}

const char *progress_bytes(double bytes, char text[PROGRESS_TEXT_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	size_t unit = 0;

	while (bytes >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1024;
		unit++;
	}
	snprintf(text, PROGRESS_TEXT_MAX, "%.*f %s", unit == 0 ? 0 : 1, bytes, units[unit]);
	return text;
}

const char *progress_duration(double seconds, char text[PROGRESS_TEXT_MAX])
{
	unsigned long s = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;

	if (s >= 3600)
		snprintf(text, PROGRESS_TEXT_MAX, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, PROGRESS_TEXT_MAX, "%lu:%02lu", s / 60, s % 60);
	return text;
}

const char *progress_count(uint64_t n, char text[PROGRESS_TEXT_MAX])
{
	char digits[24];
	size_t len, out = 0;

	snprintf(digits, sizeof(digits), "%" PRIu64, n);
	len = strlen(digits);
	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[out++] = ',';
		text[out++] = digits[i];
	}
	text[out] = '\0';
	return text;
}

/* The fraction that is done, 0..1, or below zero when unknown. */
static double fraction_done(const struct progress_state *s)
{
	double fraction = -1;

	if (s->keys_expected > 0)
		fraction = (double)s->keys / (double)s->keys_expected;
	else if (s->bytes_expected > 0)
		fraction = (double)s->bytes / (double)s->bytes_expected;
	return fraction > 1 ? 1 : fraction;
}

static double seconds_left(const struct progress_state *s, double seconds)
{
	double fraction = fraction_done(s);

	return fraction > 0 ? seconds * (1 - fraction) / fraction : -1;
}

static void put(char *text, size_t cap, const char *piece)
{
	size_t len = strlen(text);

	snprintf(text + len, cap - len, "%s", piece);
}

/* " [####----]" of this many cells. */
static void put_bar(char *text, size_t cap, double fraction, size_t n_cells)
{
	char cells[BAR_CELLS + 1];

	memset(cells, '-', n_cells);
	memset(cells, '#', (size_t)(fraction * (double)n_cells));
	cells[n_cells] = '\0';
	put(text, cap, " [");
	put(text, cap, cells);
	put(text, cap, "]");
}

/* The figures after the bar; the short form leaves out those that follow from the rest. */
static void write_figures(
	const struct progress_state *state, double seconds, bool in_short, char *text, size_t cap)
{
	char piece[80], a[PROGRESS_TEXT_MAX], b[PROGRESS_TEXT_MAX];
	double fraction = fraction_done(state);
	double left = seconds_left(state, seconds);
	double per_s = seconds > 0 ? 1 / seconds : 0;

	text[0] = '\0';
	if (fraction >= 0) {
		snprintf(piece, sizeof(piece), " %3.0f%%", fraction * 100);
		put(text, cap, piece);
	}
	if (state->keys > 0 || state->keys_expected > 0) {
		snprintf(piece, sizeof(piece), in_short ? "  %s keys" : "  %s keys (%s/s)",
			progress_count(state->keys, a),
			progress_count((uint64_t)((double)state->keys * per_s), b));
		put(text, cap, piece);
	}
	if (state->bytes > 0 || state->bytes_expected > 0) {
		progress_bytes((double)state->bytes * per_s, b);
		if (in_short)
			snprintf(piece, sizeof(piece), "  %s/s", b);
		else
			snprintf(piece, sizeof(piece), "  %s (%s/s)",
				progress_bytes((double)state->bytes, a), b);
		put(text, cap, piece);
	}
	if (left >= 0) {
		snprintf(piece, sizeof(piece), "  %s left", progress_duration(left, a));
		put(text, cap, piece);
	}
}

const char *progress_line(const struct progress *p, const struct progress_state *state,
	double seconds, int width, bool with_bar, char *text, size_t cap)
{
	char figures[LINE_MAX_BYTES];
	size_t room = width > 0 ? (size_t)width : cap;
	size_t label_len = strlen(p->label), needed;

	write_figures(state, seconds, false, figures, sizeof(figures));
	if (label_len + strlen(figures) + BAR_CELLS_MIN + 3 > room)
		write_figures(state, seconds, true, figures, sizeof(figures));
	snprintf(text, cap, "%s", p->label);
	needed = label_len + strlen(figures) + 3;
	if (with_bar && fraction_done(state) >= 0 && needed + BAR_CELLS_MIN <= room)
		put_bar(text, cap, fraction_done(state),
			room - needed < BAR_CELLS ? room - needed : BAR_CELLS);
	put(text, cap, figures);
	if (room < cap)
		text[room] = '\0';
	return text;
}

static int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
		return size.ws_col - 1;
	return 79;
}

static void write_json(const struct progress *p, const struct progress_state *s, double seconds)
{
	struct json j;
	double left = seconds_left(s, seconds);

	json_begin(&j, stdout, "progress");
	json_text(&j, "what", p->label);
	json_number(&j, "keys", s->keys);
	json_number(&j, "keys_expected", s->keys_expected);
	json_number(&j, "bytes", s->bytes);
	json_number(&j, "bytes_expected", s->bytes_expected);
	json_number(&j, "snapshots", s->snapshots);
	json_real(&j, "seconds", seconds);
	if (left >= 0)
		json_real(&j, "seconds_left", left);
	json_end(&j);
}

void progress_update(struct progress *p, const struct progress_state *state)
{
	static const int64_t every_us[] = {
		[PROGRESS_QUIET] = INT64_MAX,
		[PROGRESS_PLAIN] = PLAIN_EVERY_US,
		[PROGRESS_BAR] = BAR_EVERY_US,
		[PROGRESS_JSON] = JSON_EVERY_US,
	};
	char text[LINE_MAX_BYTES];
	int64_t now = clock_monotonic_us();
	double seconds = (double)(now - p->started_us) / 1e6;

	if (now - p->drawn_us < every_us[p->style])
		return;
	p->drawn_us = now;
	switch (p->style) {
	case PROGRESS_QUIET:
		break;
	case PROGRESS_PLAIN:
		fprintf(stderr, "%s\n",
			progress_line(p, state, seconds, 0, false, text, sizeof(text)));
		break;
	case PROGRESS_BAR:
		fprintf(stderr, "\r%s\033[K",
			progress_line(
				p, state, seconds, terminal_width(), true, text, sizeof(text)));
		fflush(stderr);
		p->drawn = true;
		break;
	case PROGRESS_JSON:
		write_json(p, state, seconds);
		break;
	}
}

void progress_clear(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
