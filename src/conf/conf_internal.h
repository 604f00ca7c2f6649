/*
 * conf_internal - a load in progress, which the files of this room share.
 *
 * The way of a file: conf_load.c reads it, conf_yaml.c turns YAML events into keys and texts,
 * conf_value.c checks each text against its row of conf_table.c and stores it, conf_check.c holds
 * the keys against each other.  Main thread.
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
	struct conf_report *report; /* no_memory, also where a value could not be kept */
};

/* Whether reading must end here. */
bool conf_loader_is_spent(const struct conf_loader *l);

/* What the file says of this row of the table. */
struct conf_place *conf_place_of(const struct conf_loader *l, const struct conf_key *k);

/* Add a copy of text; false when memory is short. */
bool conf_list_add(struct conf_list *list, const char *text);
void conf_list_fini(struct conf_list *list);

/*
 * Store a text under its key, or say in the report why not.  A key that is a list is called for
 * each entry.
 */
void conf_value_set(struct conf_loader *l, const struct conf_key *k, const char *text, size_t line);

/* Store its default, if it has one that does not depend on other keys. */
void conf_value_set_default(struct conf_loader *l, const struct conf_key *k);

/* Read len bytes of YAML.  False when it did not come to a document's end: the keys are not all
 * known then. */
bool conf_yaml_read(struct conf_loader *l, const uint8_t *text, size_t len);

/* Fill in the defaults that depend on other keys, and hold the keys against each other. */
void conf_check(struct conf_loader *l);

#ifdef __cplusplus
}
#endif

#endif
