/*
 * dataset - keys of every Redis type in every encoding, for a replica to miss.
 */
#ifndef TEST_E2E_DATASET_H
#define TEST_E2E_DATASET_H

#include "support/redis_server.h"

#include <cstddef>
#include <string>

namespace e2e
{

/* The names of keys in each of the sets below begin with this. */
constexpr char kDatasetPrefix[] = "tenant-7f3a:";
/* Every text value holds this: a log that holds it has told a secret. */
constexpr char kDatasetSecret[] = "s3cr3t-payl0ad";

/*
 * Write one or more keys of every type and encoding, some with an expiry a day and more away.
 * Throws std::runtime_error when Redis does not encode one of them as it is meant to be.
 */
void write_every_type(support::RedisClient &redis);

/* n strings of value_bytes each, which do not compress. */
void write_strings(support::RedisClient &redis, size_t n, size_t value_bytes);
/* The name of the i-th of them. */
std::string string_key(size_t i);

/* One string that does not compress. */
void write_large(support::RedisClient &redis, const std::string &key, size_t bytes);

} // namespace e2e

#endif
