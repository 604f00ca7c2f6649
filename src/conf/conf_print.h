/*
 * conf_print - the keys and their values, for people.
 *
 * Main thread.
 */
#ifndef CONF_PRINT_H
#define CONF_PRINT_H

#include "conf/conf.h"

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The table, for --help-conf: key, type, unit, default, range, one line of help. */
void conf_print_help(FILE *to);

/* The values of a loaded file, a line "key: value" for each key.  A secret shows as "(set)". */
void conf_print(const struct conf *c, FILE *to);

#ifdef __cplusplus
}
#endif

#endif
