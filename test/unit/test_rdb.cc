#include "base/clock.h"
#include "entropy/rdb.h"
#include "entropy/rdb_value.h"
#include "support/rdb_bytes.h"
#include "support/rdb_values.h"
#include "support/tempdir.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

using namespace support;

namespace
{

/* An RDB in memory, given in pieces of one size. */
struct Feed {
	std::string all;
	size_t piece;
	size_t at = 0;

	static enum dyn_entropy_status read(
		void *arg, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *)
	{
		Feed *f = static_cast<Feed *>(arg);

		*len = std::min({cap, f->piece, f->all.size() - f->at});
		std::copy_n(f->all.data() + f->at, *len, static_cast<char *>(buf));
		f->at += *len;
		return DYN_ENTROPY_OK;
	}
};

struct Entry {
	std::string key;
	int64_t deadline_ms;
	std::string payload;
	bool spooled;
};

struct Walked {
	enum dyn_entropy_status status = DYN_ENTROPY_OK;
	std::string message;
	std::vector<Entry> entries;
	struct dyn_entropy_source_totals totals = {};
	std::string rest;
};

std::string spool_content(struct spool *s)
{
	std::string all;
	char piece[4096];
	size_t len = 1;

	spool_rewind(s);
	while (len > 0) {
		EXPECT_EQ(spool_read(s, piece, sizeof(piece), &len, nullptr), DYN_ENTROPY_OK);
		all.append(piece, len);
	}
	return all;
}

Walked walk(const std::string &all, size_t piece = SIZE_MAX, struct rdb_options options = {})
{
	Feed feed{all, piece};
	Walked w;
	struct rdb *r = nullptr;
	struct rdb_entry e;
	struct dyn_entropy_error err = {};

	options.read = Feed::read;
	options.read_arg = &feed;
	options.name = "test.rdb";
	EXPECT_EQ(rdb_new(&options, &r, nullptr), DYN_ENTROPY_OK);
	while ((w.status = rdb_next(r, &e, &err)) == DYN_ENTROPY_OK) {
		Entry got{{reinterpret_cast<const char *>(e.key), e.key_len}, e.deadline_ms, "",
			e.spool != nullptr};

		EXPECT_EQ(e.payload == nullptr, e.spool != nullptr);
		if (e.spool)
			got.payload = spool_content(e.spool);
		else
			got.payload.assign(
				reinterpret_cast<const char *>(e.payload), e.payload_len);
		EXPECT_EQ(got.payload.size(), e.payload_len);
		w.entries.push_back(got);
	}
	if (w.status != DYN_ENTROPY_END)
		w.message = err.message;
	EXPECT_EQ(rdb_next(r, &e, nullptr), w.status) << "the end does not change";
	rdb_totals(r, &w.totals);
	if (w.status == DYN_ENTROPY_END) {
		char rest[64];
		size_t len;

		EXPECT_EQ(rdb_rest(r, rest, sizeof(rest), &len, nullptr), DYN_ENTROPY_OK);
		w.rest.assign(rest, len);
	}
	rdb_free(r);
	return w;
}

/* What every refusal must look like. */
void expect_refused(const Walked &w, const std::string &words)
{
	EXPECT_EQ(w.status, DYN_ENTROPY_ERR_SOURCE);
	EXPECT_EQ(w.message.find("test.rdb: "), 0u) << w.message;
	EXPECT_NE(w.message.find(words), std::string::npos) << w.message;
}

} // namespace

TEST(Rdb, GivesEveryTypeOfValueAsItsDump)
{
	const std::vector<Value> values = all_values();
	std::string entries;
	int n = 0;

	for (const Value &v : values)
		entries += rdb_key(v.type, "key:" + std::to_string(n++), v.value);
	for (size_t piece : {size_t{1}, size_t{7}, size_t{1000}, SIZE_MAX}) {
		const Walked w = walk(rdb_file(entries), piece);

		ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
		ASSERT_EQ(w.entries.size(), values.size());
		for (size_t i = 0; i < values.size(); i++) {
			EXPECT_EQ(w.entries[i].key, "key:" + std::to_string(i));
			EXPECT_EQ(w.entries[i].deadline_ms, 0);
			EXPECT_EQ(w.entries[i].payload,
				rdb_payload(values[i].type, values[i].value, 12))
				<< values[i].what << " " << i;
		}
		EXPECT_EQ(w.totals.not_carried, 0u);
		EXPECT_STREQ(w.totals.not_carried_what, "");
	}
}

TEST(Rdb, GivesThePayloadTheVersionOfTheRdb)
{
	for (int version : {1, 4, 5, 6, 9, 10, 11, 12}) {
		const Walked w = walk(rdb_file(rdb_key(0, "k", rdb_string("v")), version));

		ASSERT_EQ(w.status, DYN_ENTROPY_END) << version << w.message;
		ASSERT_EQ(w.entries.size(), 1u);
		EXPECT_EQ(w.entries[0].payload, rdb_payload(0, rdb_string("v"), version));
	}
}

TEST(Rdb, DecodesKeys)
{
	const struct {
		std::string raw, key;
	} keys[] = {
		{rdb_string(""), ""},
		{rdb_string(std::string("a\0\r\n\xff", 5)), std::string("a\0\r\n\xff", 5)},
		{rdb_string(std::string(63, 'k')), std::string(63, 'k')},
		{rdb_string(std::string(64, 'k')), std::string(64, 'k')},
		{rdb_string(std::string(16384, 'k')), std::string(16384, 'k')},
		{rdb_string(std::string(300000, 'k')), std::string(300000, 'k')},
		{bytes({0x81}) + big(3, 8) + "key", "key"},
		{bytes({0xc0, 0}), "0"},
		{bytes({0xc0, 127}), "127"},
		{bytes({0xc0, 128}), "-128"},
		{bytes({0xc1}) + little(32767, 2), "32767"},
		{bytes({0xc1}) + little(0x8000, 2), "-32768"},
		{bytes({0xc2}) + little(2147483647, 4), "2147483647"},
		{bytes({0xc2}) + little(0x80000000, 4), "-2147483648"},
		{lzf_string(bytes({0}) + "z" + bytes({7 << 5, 255, 0}), 265),
			std::string(265, 'z')},
		{lzf_string(bytes({0}) + "z", 1), "z"},
	};
	std::string entries;

	for (const auto &k : keys)
		entries += bytes({0}) + k.raw + rdb_string("v");
	for (size_t piece : {size_t{1}, SIZE_MAX}) {
		const Walked w = walk(rdb_file(entries), piece);

		ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
		ASSERT_EQ(w.entries.size(), std::size(keys));
		for (size_t i = 0; i < std::size(keys); i++) {
			EXPECT_EQ(w.entries[i].key, keys[i].key);
			EXPECT_EQ(w.entries[i].payload, rdb_payload(0, rdb_string("v"), 12));
		}
	}
}

TEST(Rdb, RefusesKeysThatDoNotExpand)
{
	for (const std::string &key : {lzf_string(bytes({0}) + "z", 2),
		     lzf_string(bytes({1 << 5, 0}), 3), lzf_string("", 1)})
		expect_refused(
			walk(rdb_file(bytes({0}) + key + rdb_string("v"))), "does not expand");
	expect_refused(walk(rdb_file(bytes({0}) + lzf_string(bytes({0}) + "z", 10000000) +
				     rdb_string("v"))),
		"cannot give its length");
	expect_refused(walk(rdb_file(bytes({0, 0xc4}) + rdb_string("v"))), "unknown encoding");
}

TEST(Rdb, GivesDeadlinesAndLeavesOutWhatHasExpired)
{
	const std::string v = rdb_string("v");
	const int64_t now = clock_wall_ms();
	const Walked w = walk(rdb_file(
		bytes({0xfc}) + little(4102444800123, 8) + rdb_key(0, "ms", v) + bytes({0xfd}) +
		little(2000000000, 4) + rdb_key(0, "s", v) + rdb_key(0, "none", v) + bytes({0xfc}) +
		little(static_cast<uint64_t>(now), 8) + rdb_key(0, "over", v) + bytes({0xfc}) +
		little(0, 8) + rdb_key(0, "zero", v) + bytes({0xfd}) + little(1, 4) +
		rdb_key(7, "module", module_value("ReJSON-RL")) + rdb_key(0, "last", v) +
		bytes({0xfc}) + little(static_cast<uint64_t>(now) + 600000, 8) +
		bytes({0xf9, 9, 0xf8, 9}) + rdb_key(0, "soon", v)));

	ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
	ASSERT_EQ(w.entries.size(), 5u);
	EXPECT_EQ(w.entries[0].deadline_ms, 4102444800123);
	EXPECT_EQ(w.entries[1].deadline_ms, 2000000000000);
	EXPECT_EQ(w.entries[2].key, "none");
	EXPECT_EQ(w.entries[2].deadline_ms, 0);
	EXPECT_EQ(w.entries[3].key, "last");
	EXPECT_EQ(w.entries[3].deadline_ms, 0);
	EXPECT_EQ(w.entries[4].key, "soon");
	EXPECT_EQ(w.entries[4].deadline_ms, now + 600000);
	EXPECT_EQ(w.totals.not_carried, 0u) << "an expired key is nobody's loss";
}

TEST(Rdb, TakesEveryOpcode)
{
	for (size_t piece : {size_t{1}, size_t{13}, SIZE_MAX}) {
		const Walked w = walk(everything() + "behind", piece);

		ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
		EXPECT_EQ(w.entries.size(), all_values().size());
		EXPECT_EQ(w.entries[1].deadline_ms, 4102444800001);
		EXPECT_EQ(w.totals.keys_expected, 300u);
		EXPECT_EQ(w.totals.not_carried, 3u);
		EXPECT_STREQ(w.totals.not_carried_what, "1 function library, 1 set of module "
							"data, 1 module key (ReJSON-RL)");
		EXPECT_EQ(w.rest, "behind");
	}
}

TEST(Rdb, CountsWhatItCannotCarryByKind)
{
	const std::string v = rdb_string("v");
	struct rdb_options options = {};
	options.payload_max = 1000;
	const Walked w =
		walk(rdb_file(bytes({0xf5}) + rdb_string("code") + bytes({0xf6}) +
			      rdb_string("name") + rdb_string("LUA") + bytes({0}) +
			      rdb_string("code") + bytes({0xf6}) + rdb_string("name") +
			      rdb_string("LUA") + bytes({1}) + rdb_string("what for") +
			      rdb_string("code") + rdb_key(7, "a", module_value("ReJSON-RL")) +
			      rdb_key(7, "b", module_value("MBbloom--")) +
			      rdb_key(7, "c", module_value("ReJSON-RL")) + bytes({0xfe, 9}) +
			      bytes({0xfb, 40, 0}) + rdb_key(0, "x", v) +
			      rdb_key(7, "y", module_value("other-one")) +
			      rdb_key(1, "z", rdb_length(0)) + bytes({0xfe, 0}) +
			      rdb_key(0, "largest", rdb_string(std::string(987, 'v'))) +
			      rdb_key(0, "too large", rdb_string(std::string(988, 'v'))) +
			      rdb_key(1, "empty", rdb_length(0)) +
			      rdb_key(24, "empty too", std::string(8, 't') + rdb_length(0)) +
			      rdb_key(0, "last", v)),
			SIZE_MAX, options);

	ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
	ASSERT_EQ(w.entries.size(), 2u);
	EXPECT_EQ(w.entries[0].key, "largest");
	EXPECT_EQ(w.entries[0].payload.size(), 1000u);
	EXPECT_EQ(w.entries[1].key, "last");
	EXPECT_EQ(w.entries[1].payload, rdb_payload(0, v, 12));
	EXPECT_EQ(w.totals.not_carried, 12u);
	EXPECT_EQ(w.totals.keys_expected, 0u) << "those of another database are not expected";
	EXPECT_STREQ(w.totals.not_carried_what,
		"3 function libraries, 3 module keys (ReJSON-RL, MBbloom--), 3 keys of other "
		"databases, 1 value too large to restore, 2 empty keys");
}

TEST(Rdb, NamesAFewModulesAndStaysWithinItsText)
{
	std::string entries;

	for (char c = 'a'; c <= 'z'; c++)
		entries += rdb_key(7, "k", module_value((std::string("module--") + c).c_str()));
	for (int i = 0; i < 1000; i++)
		entries += bytes({0xf5}) + rdb_string("code");
	const Walked w = walk(rdb_file(entries));
	EXPECT_STREQ(w.totals.not_carried_what,
		"1000 function libraries, 26 module keys (module--a, module--b, module--c, ...)");
}

TEST(Rdb, LeavesOutKeysOfOthersAndTheirKeysThatItCannotCarry)
{
	struct rdb_options options = {};
	std::vector<std::string> asked;

	options.owns_arg = &asked;
	options.owns = [](void *arg, const void *key, size_t len) {
		static_cast<std::vector<std::string> *>(arg)->emplace_back(
			static_cast<const char *>(key), len);
		return len == 4;
	};
	const Walked w =
		walk(rdb_file(rdb_key(0, "mine", rdb_string("v")) +
			      rdb_key(5, "theirs", rdb_length(1) + rdb_string("m") + "12345678") +
			      rdb_key(7, "their module", module_value("ReJSON-RL")) +
			      bytes({0xfe, 1}) + rdb_key(0, "elsewhere", rdb_string("v")) +
			      rdb_key(0, "ours", rdb_string("v"))),
			SIZE_MAX, options);
	ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
	ASSERT_EQ(w.entries.size(), 1u);
	EXPECT_EQ(w.entries[0].key, "mine");
	EXPECT_EQ(w.totals.not_owned, 2u);
	EXPECT_EQ(w.totals.not_carried, 1u);
	EXPECT_EQ(asked,
		(std::vector<std::string>{"mine", "theirs", "their module", "elsewhere", "ours"}));
}

TEST(Rdb, GivesLargeValuesInASpool)
{
	const size_t border = RDB_PAYLOAD_MEMORY_MAX - 10 - 1 - 5;
	TempDir dir;
	struct rdb_options options = {};
	options.spool_dir = dir.path().c_str();

	for (size_t len : {border, border + 1, size_t{9000000}}) {
		std::string value(len, 'v');

		value[len / 2] = 'w';
		const Walked w = walk(rdb_file(rdb_key(0, "small", rdb_string("v")) +
					       rdb_key(0, "large", rdb_string(value)) +
					       rdb_key(0, "next", rdb_string("v")) +
					       rdb_key(0, "again", rdb_string(value))),
			100000, options);

		ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
		ASSERT_EQ(w.entries.size(), 4u);
		for (int i : {1, 3}) {
			EXPECT_EQ(w.entries[static_cast<size_t>(i)].spooled, len > border);
			EXPECT_TRUE(w.entries[static_cast<size_t>(i)].payload ==
				    rdb_payload(0, rdb_string(value), 12))
				<< len;
		}
		EXPECT_FALSE(w.entries[2].spooled);
		EXPECT_EQ(w.entries[2].payload, rdb_payload(0, rdb_string("v"), 12));
	}
}

TEST(Rdb, FailsWhenTheSpoolCannotBeWritten)
{
	struct rdb_options options = {};
	options.spool_dir = "/nonexistent/spool";
	const Walked w = walk(rdb_file(rdb_key(0, "large", rdb_string(std::string(9000000, 'v')))),
		SIZE_MAX, options);

	EXPECT_EQ(w.status, DYN_ENTROPY_ERR_IO);
	EXPECT_NE(w.message.find("/nonexistent/spool"), std::string::npos) << w.message;
	EXPECT_TRUE(w.entries.empty());
}

TEST(Rdb, KeyNamesHaveABound)
{
	const std::string longest(RDB_KEY_MAX, 'k');
	const std::string filler = repeat(bytes({0}) + "z" + bytes({7 << 5, 255, 0}), 100000);
	const Walked w = walk(rdb_file(rdb_key(0, longest, rdb_string("v")) +
				       rdb_key(0, longest + "k", rdb_string("v")) + bytes({0}) +
				       lzf_string(filler, RDB_KEY_MAX + 1) + rdb_string("v") +
				       rdb_key(0, "last", rdb_string("v"))));

	ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
	ASSERT_EQ(w.entries.size(), 2u);
	EXPECT_TRUE(w.entries[0].key == longest);
	EXPECT_EQ(w.entries[1].key, "last");
	EXPECT_STREQ(w.totals.not_carried_what, "2 key names above 16 MiB");
}

TEST(Rdb, RefusesWhatItDoesNotKnow)
{
	const std::string v = rdb_string("v");

	for (int type : {6, 8, 26, 100, 240, 243})
		expect_refused(walk(rdb_file(rdb_key(0, "k", v) + rdb_key(type, "x", v))),
			"type or opcode " + std::to_string(type) + " is not known");
	expect_refused(walk(rdb_file(rdb_key(0, "k", v), 13)), "RDB version 13");
	expect_refused(walk(rdb_file(rdb_key(0, "k", v), 0)), "RDB version 0");
	expect_refused(walk(rdb_file(rdb_key(0, "k", v), 9999)), "RDB version 9999");
	expect_refused(walk("VALKEY080" + v), "no RDB of Redis");
	expect_refused(walk("*3\r\n$3\r\nSET\r\n"), "no RDB of Redis");
	expect_refused(walk("REDIS00x2\xff"), "no version");
	expect_refused(walk(rdb_file(bytes({0xf7}) + module_id("ReJSON-RL") + rdb_length(2) +
				     rdb_length(1) + rdb_length(6))),
		"unknown item");
}

TEST(Rdb, RefusesLengthsThatAreNone)
{
	expect_refused(walk(rdb_file(bytes({0, 0x82}) + "key")), "does not begin a length");
	expect_refused(walk(rdb_file(rdb_key(1, "k", bytes({0xc0, 1})))), "a length belongs");
	expect_refused(walk(rdb_file(bytes({0xfe, 0xc0, 1}))), "a length belongs");
}

TEST(Rdb, ChecksTheChecksum)
{
	std::string s = rdb_file(rdb_key(0, "k", rdb_string("v")));

	s.replace(s.size() - 8, 8, std::string(8, '\0'));
	EXPECT_EQ(walk(s).status, DYN_ENTROPY_END) << "zero: Redis was told to make none";
	s[s.size() - 1] = 1;
	expect_refused(walk(s), "checksum");
}

/* Cut short anywhere it is never taken for whole. */
TEST(Rdb, CutAtEveryByteItFails)
{
	const std::string whole = everything();

	ASSERT_EQ(walk(whole).status, DYN_ENTROPY_END);
	for (size_t len = 0; len < whole.size(); len++) {
		const Walked w = walk(whole.substr(0, len));

		ASSERT_EQ(w.status, DYN_ENTROPY_ERR_SOURCE) << len;
		ASSERT_NE(w.message.find("cut short"), std::string::npos) << w.message;
	}
}

/* Changed anywhere it is never taken for right, and what was claimed is never believed. */
TEST(Rdb, DamagedAtAnyByteItFails)
{
	const std::string whole = everything();

	for (size_t i = 0; i < whole.size(); i++)
		for (int flip : {0xff, 0x01}) {
			std::string s = whole;

			s[i] = static_cast<char>(s[i] ^ flip);
			const Walked w = walk(s);
			/* A version without a checksum leaves that over, which no source takes. */
			ASSERT_TRUE(w.status == DYN_ENTROPY_ERR_SOURCE || w.rest.size() == 8)
				<< i << " " << flip;
		}
}

/* A claimed length costs nothing until its bytes come. */
TEST(Rdb, DoesNotBelieveLengths)
{
	const std::string huge = bytes({0x81}) + big(UINT64_MAX, 8);

	for (const Value &v : all_values())
		expect_refused(
			walk(rdb_header(12) +
				rdb_key(v.type, "k",
					(v.type < 24 ? "" : std::string(8, 't')) + huge + "few")),
			"cut short");
	expect_refused(walk(rdb_header(12) + bytes({0}) + huge + "few"), "cut short");
	expect_refused(walk(rdb_header(12) + bytes({0, 0xc3}) + huge + huge + "few"), "cut short");
	expect_refused(walk(rdb_header(12) + bytes({0, 0xc3}) + rdb_length(16000000) +
			       rdb_length(16000000) + "few"),
		"cut short");
}

TEST(Rdb, PassesTheReadersErrorOn)
{
	struct rdb_options options = {};
	struct rdb *r = nullptr;
	struct rdb_entry e;
	struct dyn_entropy_error err = {};

	options.name = "test.rdb";
	options.read = [](void *, void *, size_t, size_t *, struct dyn_entropy_error *to) {
		to->status = DYN_ENTROPY_ERR_CANCELLED;
		snprintf(to->message, sizeof(to->message), "cancelled");
		return DYN_ENTROPY_ERR_CANCELLED;
	};
	ASSERT_EQ(rdb_new(&options, &r, nullptr), DYN_ENTROPY_OK);
	EXPECT_EQ(rdb_next(r, &e, &err), DYN_ENTROPY_ERR_CANCELLED);
	EXPECT_STREQ(err.message, "cancelled");
	EXPECT_EQ(rdb_next(r, &e, &err), DYN_ENTROPY_ERR_CANCELLED);
	rdb_free(r);
}

TEST(Rdb, NamesModules)
{
	char name[RDB_MODULE_NAME_LEN + 1];

	/* As RedisBloom's own keys have it. */
	rdb_value_module_name(UINT64_C(0x301b96e89822be00) | 4, name);
	EXPECT_EQ(std::string(name).size(), 9u);
	rdb_value_module_name(0, name);
	EXPECT_STREQ(name, "AAAAAAAAA");
	rdb_value_module_name(UINT64_MAX, name);
	EXPECT_STREQ(name, "_________");
}
