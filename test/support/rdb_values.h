/*
 * rdb_values - a value of every type that an RDB can hold, in every shape that its layout allows.
 */
#ifndef TEST_SUPPORT_RDB_VALUES_H
#define TEST_SUPPORT_RDB_VALUES_H

#include "support/rdb_bytes.h"

#include <cstdint>
#include <string>
#include <vector>

namespace support
{

inline std::string lzf_string(const std::string &packed, size_t expanded)
{
	return bytes({0xc3}) + rdb_length(packed.size()) + rdb_length(expanded) + packed;
}

struct Value {
	int type;
	std::string value;
	const char *what;
};

/* Strings of every encoding, which may stand in any value. */
inline const std::string kStrings[] = {
	rdb_string(""),
	rdb_string("plain"),
	rdb_string(std::string(63, 'm')),
	rdb_string(std::string(64, 'l')),
	bytes({0x80}) + big(5, 4) + "32bit",
	bytes({0x81}) + big(5, 8) + "64bit",
	bytes({0xc0, 0x85}),
	bytes({0xc1, 0x39, 0x85}),
	bytes({0xc2, 1, 2, 3, 0x84}),
	lzf_string(bytes({0}) + "z" + bytes({7 << 5, 10, 0}), 20),
};

inline std::string all_strings()
{
	std::string s;

	for (const std::string &one : kStrings)
		s += one;
	return s;
}

inline std::string repeat(const std::string &s, int n)
{
	std::string all;

	while (n-- > 0)
		all += s;
	return all;
}

inline std::string stream(int version)
{
	const std::string id(16, 'i'), ms(8, 't');
	const std::string pending =
		rdb_length(2) + id + ms + rdb_length(1) + id + ms + rdb_length(77);
	const std::string consumer =
		rdb_string("consumer") + ms + (version >= 3 ? ms : "") + rdb_length(2) + id + id;
	const std::string idle = rdb_string("idle") + ms + (version >= 3 ? ms : "") + rdb_length(0);
	const std::string group = rdb_string("group") + rdb_length(1700000000000) + rdb_length(3) +
				  (version >= 2 ? bytes({0x81}) + big(UINT64_MAX, 8) : "") +
				  pending + rdb_length(2) + consumer + idle;
	const std::string bare = rdb_string("bare") + rdb_length(0) + rdb_length(0) +
				 (version >= 2 ? rdb_length(0) : "") + rdb_length(0) +
				 rdb_length(0);

	return rdb_length(2) + repeat(rdb_string(id) + rdb_string(std::string(80, 'e')), 2) +
	       rdb_length(5) + rdb_length(1700000000000) + rdb_length(9) +
	       (version >= 2 ? repeat(rdb_length(1700000000000), 4) + rdb_length(6) : "") +
	       rdb_length(2) + group + bare;
}

/* Every type that can be walked, in every shape that its layout allows. */
inline std::vector<Value> all_values()
{
	const std::string ten = rdb_length(10), ms(8, 't');
	std::string scored, pairs, doubles, packed, timed;
	std::vector<Value> values;

	for (const std::string &one : kStrings) {
		scored += one + ms;
		pairs += one + kStrings[1];
		packed += rdb_length(2) + one;
		timed += rdb_length(1700000000000) + one + kStrings[2];
		values.push_back({0, one, "string"});
		for (int type : {9, 10, 11, 12, 13, 16, 17, 20, 23})
			values.push_back({type, one, "one string"});
		values.push_back({25, ms + one, "hash with deadlines, listpack"});
	}
	doubles = kStrings[1] + bytes({3}) + "1.5" + kStrings[6] + bytes({253}) + kStrings[9] +
		  bytes({254}) + kStrings[0] + bytes({255}) + kStrings[3] + bytes({252}) +
		  std::string(252, '1');
	for (int type : {1, 2, 14})
		values.push_back({type, ten + all_strings(), "strings"});
	values.push_back({3, rdb_length(5) + doubles, "sorted set with text doubles"});
	values.push_back({4, ten + pairs, "hash"});
	values.push_back({5, ten + scored, "sorted set"});
	values.push_back({18, ten + packed, "quicklist 2"});
	values.push_back({22, ten + timed, "hash with deadlines, release candidate"});
	values.push_back({24, ms + ten + timed, "hash with deadlines"});
	values.push_back({15, stream(1), "stream"});
	values.push_back({19, stream(2), "stream 2"});
	values.push_back({21, stream(3), "stream 3"});
	values.push_back({15, bytes({0, 0, 0, 0, 0}), "empty stream"});
	values.push_back({19, std::string(10, '\0'), "empty stream 2"});
	return values;
}

inline std::string module_id(const char *name)
{
	static const std::string letters =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t id = 0;

	for (int i = 0; i < 9; i++)
		id = id << 6 | letters.find(name[i]);
	return bytes({0x81}) + big(id << 10 | 3, 8);
}

inline const std::string kModuleData =
	rdb_length(1) + rdb_length(5) + rdb_length(2) + rdb_length(1ull << 40) + rdb_length(3) +
	"1234" + rdb_length(4) + "12345678" + rdb_length(5) + rdb_string("text") + rdb_length(0);

inline std::string module_value(const char *name)
{
	return module_id(name) + kModuleData;
}

/* One of everything. */
inline std::string everything()
{
	std::string s = bytes({0xfa}) + rdb_string("redis-ver") + rdb_string("7.0.15") +
			bytes({0xfa}) + rdb_string("redis-bits") + bytes({0xc0, 64});
	int n = 0;

	s += bytes({0xf5}) + rdb_string("#!lua name=x");
	s += bytes({0xf7}) + module_id("ReJSON-RL") + rdb_length(2) + rdb_length(1) + kModuleData;
	s += bytes({0xfe, 0, 0xfb}) + rdb_length(300) + rdb_length(2);
	s += bytes({0xf4}) + rdb_length(16383) + rdb_length(5) + rdb_length(70000);
	for (const Value &v : all_values()) {
		if (n % 3 == 1)
			s += bytes({0xfc}) + little(4102444800000 + static_cast<unsigned>(n), 8);
		if (n % 3 == 2)
			s += bytes({0xf9, 0xff, 0xf8}) + rdb_length(70000);
		s += rdb_key(v.type, "key:" + std::to_string(n++), v.value);
	}
	s += rdb_key(7, "json", module_value("ReJSON-RL"));
	return rdb_file(s);
}

} // namespace support

#endif
