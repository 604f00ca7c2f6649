#include "proto/dnode.h"
#include "unit/dnode_golden.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace
{

using dnode_golden::Message;
using dnode_golden::messages;
using dnode_golden::reads;

/* The bytes in memory of just their size. */
struct Decoded {
	explicit Decoded(const std::string &bytes) : copy(new uint8_t[bytes.size()])
	{
		memcpy(copy.get(), bytes.data(), bytes.size());
		result = dnode_decode(&h, copy.get(), bytes.size(), &used, &why);
	}
	std::unique_ptr<uint8_t[]> copy;
	dnode_header h = {};
	size_t used = 0;
	const char *why = nullptr;
	dnode_result result;
};

std::string encode(const Message &m)
{
	dnode_header h = {};
	uint8_t out[DNODE_HEADER_MAX];

	h.id = m.id;
	h.type = m.type;
	h.flags = m.flags;
	h.same_dc = m.same_dc;
	h.data = reinterpret_cast<const uint8_t *>(m.data.data());
	h.data_len = m.data.size();
	h.payload_len = m.payload.size();
	return std::string(reinterpret_cast<const char *>(out), dnode_encode(&h, out)) + m.payload;
}

class DnodeGolden : public testing::TestWithParam<const char *>
{
};

/* Messages of existing nodes are decoded, and encoded again byte for byte. */
TEST_P(DnodeGolden, ComesBackByteForByte)
{
	for (char direction : {'>', '<'}) {
		for (const std::string &stream : reads(GetParam(), direction)) {
			std::string again;

			for (const Message &m : messages(stream)) {
				EXPECT_EQ(direction == '<', m.type == DNODE_RESPONSE);
				again += encode(m);
			}
			EXPECT_EQ(stream, again);
		}
	}
}

TEST_P(DnodeGolden, EveryResponseHasItsRequest)
{
	std::vector<uint64_t> asked, answered;

	for (const std::string &stream : reads(GetParam(), '>'))
		for (const Message &m : messages(stream))
			asked.push_back(m.id);
	for (const std::string &stream : reads(GetParam(), '<'))
		for (const Message &m : messages(stream))
			answered.push_back(m.id);
	EXPECT_EQ(4u, asked.size());
	EXPECT_EQ(asked, answered);
}

INSTANTIATE_TEST_SUITE_P(
	Streams, DnodeGolden, testing::Values("dnode-plain.hex", "dnode-xdc.hex", "dnode-sec.hex"));

TEST(Dnode, FieldsOfAPlainRequest)
{
	const Message m = messages(reads("dnode-plain.hex", '>')[0])[0];

	EXPECT_EQ(3u, m.id);
	EXPECT_EQ(DNODE_REQUEST, m.type);
	EXPECT_EQ(0, m.flags);
	EXPECT_TRUE(m.same_dc);
	EXPECT_EQ("d", m.data);
	EXPECT_EQ("*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$3\r\nbar\r\n", m.payload);
}

TEST(Dnode, FieldsBetweenDatacenters)
{
	const Message m = messages(reads("dnode-xdc.hex", '>')[0])[0];

	EXPECT_EQ(DNODE_REQUEST_FORWARD, m.type);
	EXPECT_FALSE(m.same_dc);
}

const char head[] = "   $2014$ ";

/* As long as it can be: header and nothing more. */
std::string longest()
{
	return head + std::string("18446744073709551615 4 1 1 0 *512 ") + std::string(512, '*') +
	       " *1073741824\r\n";
}

TEST(Dnode, EveryPartOfAHeaderIsKnownAsOne)
{
	for (const std::string &bytes : {longest(), head + std::string("0 3 0 1 1 *1 d *0\r\n"),
		     head + std::string("7 5 1 1 0 *4 \r\n * *16\r\n")}) {
		for (size_t len = 0; len < bytes.size(); len++)
			EXPECT_EQ(DNODE_MORE, Decoded(bytes.substr(0, len)).result) << len;
		const Decoded whole(bytes + "x");
		EXPECT_EQ(DNODE_DONE, whole.result);
		EXPECT_EQ(bytes.size(), whole.used);
	}
	EXPECT_LE(longest().size(), size_t{DNODE_HEADER_MAX});
}

TEST(Dnode, DataMayBeAnything)
{
	const std::string data("\0 *1\r\n", 6);
	const Decoded d(head + std::string("1 3 0 1 1 *6 ") + data + " *5\r\n");

	ASSERT_EQ(DNODE_DONE, d.result);
	EXPECT_EQ(data, std::string(reinterpret_cast<const char *>(d.h.data), d.h.data_len));
	EXPECT_EQ(5u, d.h.payload_len);
	EXPECT_EQ(d.copy.get() + 23, d.h.data) << "it is not copied";
}

struct Bad {
	const char *rest; /* after the magic, or the whole header when it begins with '!' */
	const char *why;
};

class DnodeRefuses : public testing::TestWithParam<Bad>
{
};

TEST_P(DnodeRefuses, AtTheFirstWrongByte)
{
	const Bad &bad = GetParam();
	const std::string bytes =
		bad.rest[0] == '!' ? std::string(bad.rest + 1) : head + std::string(bad.rest);
	const Decoded whole(bytes);

	ASSERT_EQ(DNODE_BAD, whole.result) << bytes;
	EXPECT_NE(std::string::npos, std::string(whole.why).find(bad.why)) << whole.why;
	for (size_t len = 0; len < bytes.size(); len++)
		EXPECT_NE(DNODE_DONE, Decoded(bytes.substr(0, len)).result) << len;
	EXPECT_EQ(DNODE_BAD, Decoded(bytes + longest()).result);
}

INSTANTIATE_TEST_SUITE_P(Headers, DnodeRefuses,
	testing::Values(Bad{"!*1\r\n", "begin"}, Bad{"!  $2014$ ", "begin"},
		Bad{"!   $2015$", "begin"}, Bad{"!    $", "begin"}, Bad{" ", "id"}, Bad{"x", "id"},
		Bad{"-1 ", "id"}, Bad{"18446744073709551616 ", "id"}, Bad{"01 ", "id"},
		Bad{"1  ", "type"}, Bad{"1 2 ", "type"}, Bad{"1 6", "type"}, Bad{"1 13", "type"},
		Bad{"1 3 2", "flags"}, Bad{"1 3 x", "flags"}, Bad{"1 3 0 0 ", "version"},
		Bad{"1 3 0 2", "version"}, Bad{"1 3 0 1 2", "datacenter"},
		Bad{"1 3 0 1 1 1", "length of data"}, Bad{"1 3 0 1 1 *0 ", "length of data"},
		Bad{"1 3 0 1 1 *513", "length of data"}, Bad{"1 3 0 1 1 *x", "length of data"},
		Bad{"1 3 0 1 1 *1\r", "length of data"}, Bad{"1 3 0 1 1 *1 dd", "where its length"},
		Bad{"1 3 0 1 1 *1 d 5", "where its length"}, Bad{"1 3 0 1 1 *1 d *\r", "payload"},
		Bad{"1 3 0 1 1 *1 d *1073741825", "payload"}, Bad{"1 3 0 1 1 *1 d *-1", "payload"},
		Bad{"1 3 0 1 1 *1 d *18446744073709551616", "payload"},
		Bad{"1 3 0 1 1 *1 d *5 ", "payload"}, Bad{"1 3 0 1 1 *1 d *5\n", "payload"},
		Bad{"1 3 0 1 1 *1 d *5\r\r", "CRLF"}));

/* Nothing of that length can be waited for any longer. */
TEST(Dnode, AHeaderThatDoesNotEndIsRefused)
{
	for (const char *begin : {"", "   ", "   $2014$ ", "   $2014$ 1 3 0 1 1 *512 ",
		     "   $2014$ 1 3 0 1 1 *1 d *"}) {
		for (char fill : {' ', '0', '1', '9', 'x', '*', '\r'}) {
			std::string bytes = begin;

			bytes.resize(DNODE_HEADER_MAX, fill);
			EXPECT_NE(DNODE_MORE, Decoded(bytes).result) << begin << fill;
		}
	}
}

} // namespace
