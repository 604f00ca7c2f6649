/*
 * json_at - the values of a JSON text.
 */
#ifndef TEST_SUPPORT_JSON_AT_H
#define TEST_SUPPORT_JSON_AT_H

#include <cstdint>
#include <string>
#include <vector>

namespace support
{

/* A value, by names and numbers of elements: json_at(text, {"peers", "0", "name"}).  Texts and
 * numbers are as they are; "true" and "false"; what is not there is "(none)".  Throws when the text
 * is not JSON. */
std::string json_at(const std::string &text, const std::vector<std::string> &path);

/* Throws when it is not a number. */
uint64_t json_number_at(const std::string &text, const std::vector<std::string> &path);

} // namespace support

#endif
