/*
 * json - one JSON object on a line of its own, field by field.
 *
 * json_begin(), fields, json_end(), which flushes.  Names are plain ASCII.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* {"event":"..." */
void json_begin(FILE *to, const char *event);
void json_text(FILE *to, const char *name, const char *text); /* NULL writes null */
void json_number(FILE *to, const char *name, uint64_t value);
void json_real(FILE *to, const char *name, double value); /* with three decimals */
void json_bool(FILE *to, const char *name, bool value);
void json_end(FILE *to);

#endif
