/*
 * dnode_golden - sessions between running nodes, as they were captured: a line per read, '>' from
 * the dialer and '<' from the listener, in hex.
 */
#ifndef TEST_UNIT_DNODE_GOLDEN_H
#define TEST_UNIT_DNODE_GOLDEN_H

#include "proto/dnode.h"
#include "support/tempdir.h"
#include "support/text.h"

#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace dnode_golden
{

struct Message {
	uint64_t id;
	uint8_t type, flags;
	bool same_dc;
	std::string data, payload;
};

inline const uint8_t *bytes_of(const std::string &s)
{
	return reinterpret_cast<const uint8_t *>(s.data());
}

/* The reads in one direction. */
inline std::vector<std::string> reads(const char *name, char direction)
{
	std::istringstream in(
		support::read_file(support::source_file("test/unit/golden/" + std::string(name))));
	std::vector<std::string> list;

	for (std::string line; std::getline(in, line);)
		if (line.size() > 2 && line[0] == direction)
			list.push_back(support::unhex(line.substr(2)));
	EXPECT_FALSE(list.empty()) << name;
	return list;
}

/* Take a stream of messages apart; all of it must be messages. */
inline std::vector<Message> messages(const std::string &stream)
{
	std::vector<Message> list;
	size_t at = 0;

	while (at < stream.size()) {
		dnode_header h = {};
		size_t used = 0;
		const char *why = "";

		if (dnode_decode(&h, bytes_of(stream) + at, stream.size() - at, &used, &why) !=
				DNODE_DONE ||
			h.payload_len > stream.size() - at - used) {
			ADD_FAILURE() << "at " << at << ": " << why;
			break;
		}
		list.push_back({h.id, h.type, h.flags, h.same_dc,
			std::string(reinterpret_cast<const char *>(h.data), h.data_len),
			stream.substr(at + used, h.payload_len)});
		at += used + h.payload_len;
	}
	return list;
}

} // namespace dnode_golden

#endif
