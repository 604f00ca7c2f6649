/*
 * conf_internal - the state of a load, shared by the files of this directory.
 *
 * conf_load.c reads the file, conf_yaml.c turns YAML events into keys and texts, conf_value.c
 * checks each text against its row of conf_table.c and stores it, conf_check.c checks the keys
 * against each other.  Main thread.
 */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include "conf/conf_load.h"
#include "conf/conf_table.h"

#ifdef __cplusplus
extern "C" {
#endif

struct conf_loader {
	struct conf *conf;
	struct conf_report *report; /* its no_memory is also set when a value could not be stored */
};

/* Whether to stop reading: too many errors, or no memory. */
bool conf_loader_is_spent(const struct conf_loader *l);

/* Where the file sets the key of this row. */
struct conf_place *conf_place_of(const struct conf_loader *l, const struct conf_key *k);

/* Add a copy of text; false when out of memory. */
bool conf_list_add(struct conf_list *list, const char *text);
void conf_list_fini(struct conf_list *list);

/* Store a text as the value of its key, or report why not.  For a list, called once per entry. */
void conf_value_set(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line);

/* Store its default, if it has one that does not depend on other keys. */
void conf_value_set_default(struct conf_loader *l, const struct conf_key *k);

/* Read len bytes of YAML.  False when the end of the document was not reached, so that keys may be
 * missing. */
bool conf_yaml_read(struct conf_loader *l, const uint8_t *text, size_t len);

/* Fill in the defaults that depend on other keys, and check the keys against each other. */
void conf_check(struct conf_loader *l);

#ifdef __cplusplus
}
#endif

#endif
