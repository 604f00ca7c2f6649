#include "base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#define COMPARED_MAX 64 /* bytes of a text that are compared */
#define PART_MIN     3  /* shorter texts are part of too many names */

static int lower(char c)
{
	return tolower((unsigned char)c);
}

/* The Levenshtein distance. */
static int edit_distance(const char *text, const char *name)
{
	int row[COMPARED_MAX + 1];
	size_t len = strnlen(text, COMPARED_MAX);

	for (size_t i = 0; i <= len; i++)
		row[i] = (int)i;
	for (size_t j = 1; name[j - 1]; j++) {
		int diagonal = row[0];

		row[0] = (int)j;
		for (size_t i = 1; i <= len; i++) {
			int best = diagonal + (lower(text[i - 1]) != lower(name[j - 1]));

			diagonal = row[i];
			if (row[i] + 1 < best)
				best = row[i] + 1;
			if (row[i - 1] + 1 < best)
				best = row[i - 1] + 1;
			row[i] = best;
		}
	}
	return row[len];
}

static int common_beginning(const char *text, const char *name)
{
	int n = 0;

	while (text[n] && lower(text[n]) == lower(name[n]))
		n++;
	return n;
}

static bool is_part(const char *text, const char *name)
{
	if (strnlen(text, PART_MIN) < PART_MIN)
		return false;
	for (; *name; name++) {
		if (!text[common_beginning(text, name)])
			return true;
	}
	return false;
}

/* A measure of similarity: smaller is nearer. */
static int distance(const char *text, const char *name)
{
	if (is_part(text, name))
		return (int)strlen(name) - INT_MAX / 2;
	return 2 * edit_distance(text, name) - common_beginning(text, name);
}

size_t nearest(const char *text, const void *names, size_t n, size_t stride)
{
	size_t best = 0;
	int least = INT_MAX;

	for (size_t i = 0; i < n; i++) {
		const char *name;
		int d;

		memcpy(&name, (const char *)names + i * stride, sizeof(name));
		d = distance(text, name);
		if (d < least) {
			least = d;
			best = i;
		}
	}
	return best;
}

bool nearest_is_slip(const char *text, const char *name)
{
	return is_part(text, name) ||
	       (size_t)edit_distance(text, name) < strnlen(text, COMPARED_MAX) / 3 + 2;
}
