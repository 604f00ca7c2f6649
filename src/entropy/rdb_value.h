/*
 * rdb_value - skips RDB values by their layouts and lengths, without decoding them.
 *
 * One thread at a time.
 */
#ifndef ENTROPY_RDB_VALUE_H
#define ENTROPY_RDB_VALUE_H

#include "entropy/rdb_input.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RDB_TYPE_MODULE_PRE_GA 6 /* cannot be skipped without its module */
#define RDB_TYPE_MODULE_2      7
#define RDB_MODULE_NAME_LEN    9

/* Whether type is a value type of RDB version 12 or before that can be skipped. */
bool rdb_value_known(uint8_t type);

/* Consume one string, in any of its encodings. */
bool rdb_value_skip_string(struct rdb_input *in);

/*
 * Consume the value of a known type other than RDB_TYPE_MODULE_2.  *empty: it is a collection
 * without elements, which Redis refuses to restore.
 */
bool rdb_value_skip(struct rdb_input *in, uint8_t type, bool *empty);

/* Consume a module's data (a value, or what follows the header of a MODULE_AUX) after its id. */
bool rdb_value_skip_module(struct rdb_input *in);

/* The name of the module type with this id; it consists of letters, digits, '-' and '_'. */
void rdb_value_module_name(uint64_t id, char name[RDB_MODULE_NAME_LEN + 1]);

#ifdef __cplusplus
}
#endif

#endif
