#include "support/rdb_bytes.h"
#include "support/tempdir.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

extern "C" {
#include "base/clock.h"
#include "entropy/rdb.h"
#include "entropy/rdb_value.h"
}

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

std::string lzf_string(const std::string &packed, size_t expanded)
{
	return bytes({0xc3}) + rdb_length(packed.size()) + rdb_length(expanded) + packed;
}

struct Value {
	int type;
	std::string value;
	const char *what;
};

/* Strings of every encoding, which may stand in any value. */
const std::string kStrings[] = {
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

std::string all_strings()
{
	std::string s;

	for (const std::string &one : kStrings)
		s += one;
	return s;
}

std::string repeat(const std::string &s, int n)
{
	std::string all;

	while (n-- > 0)
		all += s;
	return all;
}

std::string stream(int version)
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
std::vector<Value> all_values()
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

std::string module_id(const char *name)
{
	static const std::string letters =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t id = 0;

	for (int i = 0; i < 9; i++)
		id = id << 6 | letters.find(name[i]);
	return bytes({0x81}) + big(id << 10 | 3, 8);
}

const std::string kModuleData = rdb_length(1) + rdb_length(5) + rdb_length(2) +
				rdb_length(1ull << 40) + rdb_length(3) + "1234" + rdb_length(4) +
				"12345678" + rdb_length(5) + rdb_string("text") + rdb_length(0);

std::string module_value(const char *name)
{
	return module_id(name) + kModuleData;
}

/* One of everything. */
std::string everything()
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
			      bytes({0xfe, 1}) + rdb_key(0, "elsewhere", rdb_string("v"))),
			SIZE_MAX, options);
	ASSERT_EQ(w.status, DYN_ENTROPY_END) << w.message;
	ASSERT_EQ(w.entries.size(), 1u);
	EXPECT_EQ(w.entries[0].key, "mine");
	EXPECT_EQ(w.totals.not_owned, 2u);
	EXPECT_EQ(w.totals.not_carried, 1u);
	EXPECT_EQ(asked, (std::vector<std::string>{"mine", "theirs", "their module"}));
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

/* ---- The source over a file ---- */

namespace
{

class SourceRdb : public ::testing::Test
{
      protected:
	struct dyn_entropy_source source = {};
	struct dyn_entropy_error err = {};
	TempDir dir;

	void open(const std::string &content, uint32_t segment_bytes = 0)
	{
		struct dyn_entropy_source_options options = {};

		options.segment_bytes = segment_bytes;
		options.spool_dir = dir.path().c_str();
		ASSERT_EQ(dyn_entropy_source_rdb(
				  dir.write("test.rdb", content).c_str(), &options, &source, &err),
			DYN_ENTROPY_OK)
			<< err.message;
	}
	enum dyn_entropy_status next(uint32_t *len)
	{
		return source.ops->next(source.self, len, &err);
	}
	std::string read(uint32_t len)
	{
		std::string all(len + 1, '\0');
		size_t at = 0, n = 1;

		while (n > 0) {
			EXPECT_EQ(
				source.ops->read(source.self, &all[at], all.size() - at, &n, &err),
				DYN_ENTROPY_OK);
			at += n;
		}
		EXPECT_EQ(at, len) << "as many bytes as next() said";
		all.resize(at);
		return all;
	}
	void TearDown() override
	{
		dyn_entropy_source_free(&source);
	}
};

size_t commands_in(const std::string &s)
{
	size_t n = 0;

	for (size_t at = 0; (at = s.find("*5\r\n$7\r\nRESTORE\r\n", at)) != std::string::npos; at++)
		n++;
	return n;
}

std::string strings(int n)
{
	std::string s;

	for (int i = 0; i < n; i++)
		s += rdb_key(0, "key:" + std::to_string(i), rdb_string("value"));
	return s;
}

} // namespace

TEST_F(SourceRdb, CutsItsKeysIntoSegments)
{
	const std::string whole =
		rdb_file(bytes({0xfe, 0, 0xfb}) + rdb_length(1000) + bytes({0}) + strings(1000));
	struct dyn_entropy_source_totals totals;
	enum dyn_entropy_status status;
	std::string all, at_once;
	uint32_t len;
	int segments = 0;

	open(whole);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	at_once = read(len);
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
	dyn_entropy_source_free(&source);

	open(whole, 5000);
	while ((status = next(&len)) == DYN_ENTROPY_OK) {
		EXPECT_LE(len, 5000u);
		const std::string one = read(len);
		EXPECT_EQ(one.find("*5\r\n$7\r\nRESTORE\r\n"), 0u);
		EXPECT_EQ(one.substr(one.size() - 12), "$6\r\nABSTTL\r\n");
		all += one;
		segments++;
	}
	EXPECT_EQ(status, DYN_ENTROPY_END) << err.message;
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
	EXPECT_GT(segments, 10);
	EXPECT_EQ(commands_in(all), 1000u);
	EXPECT_EQ(all, at_once) << "the same commands in the same order";
	source.ops->totals(source.self, &totals);
	EXPECT_EQ(totals.keys, 1000u);
	EXPECT_EQ(totals.keys_expected, 1000u);
	EXPECT_GT(totals.bytes_expected, whole.size());
}

TEST_F(SourceRdb, ALargeKeyGetsASegmentOfItsOwn)
{
	uint32_t len;

	open(rdb_file(rdb_key(0, "a", rdb_string("v")) +
		      rdb_key(0, "b", rdb_string(std::string(3000000, 'v'))) +
		      rdb_key(0, "c", rdb_string("v"))),
		1000);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_EQ(commands_in(read(len)), 1u);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_GT(len, 3000000u);
	EXPECT_EQ(commands_in(read(len)), 1u);
	ASSERT_EQ(next(&len), DYN_ENTROPY_OK);
	EXPECT_EQ(commands_in(read(len)), 1u);
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
}

TEST_F(SourceRdb, GivesTheNextSegmentThoughTheLastWasNotRead)
{
	uint32_t len;
	size_t total = 0;
	enum dyn_entropy_status status;

	open(rdb_file(strings(100)), 1000);
	for (int i = 0; (status = next(&len)) == DYN_ENTROPY_OK; i++)
		total += i % 2 ? commands_in(read(len)) : 0;
	EXPECT_EQ(status, DYN_ENTROPY_END);
	EXPECT_GT(total, 0u);
	EXPECT_LT(total, 100u);
}

TEST_F(SourceRdb, AnEmptyOneHasNoSegment)
{
	uint32_t len;

	open(rdb_file(""));
	EXPECT_EQ(next(&len), DYN_ENTROPY_END);
}

TEST_F(SourceRdb, ACutFileGivesNothingOfItsLastSegmentAndNoEnd)
{
	const std::string whole = rdb_file(strings(200));

	for (size_t len = 9; len < whole.size(); len += 7) {
		enum dyn_entropy_status status;
		uint32_t n;

		open(whole.substr(0, len), 1000);
		while ((status = next(&n)) == DYN_ENTROPY_OK)
			ASSERT_GT(n, 800u) << "only full segments come before the error";
		ASSERT_EQ(status, DYN_ENTROPY_ERR_SOURCE) << len;
		ASSERT_NE(std::string(err.message).find("cut short"), std::string::npos);
		ASSERT_EQ(next(&n), DYN_ENTROPY_ERR_SOURCE) << "and it stays so";
		ASSERT_NE(std::string(err.message).find("cut short"), std::string::npos);
		ASSERT_EQ(read(0), "");
		dyn_entropy_source_free(&source);
	}
}

TEST_F(SourceRdb, RefusesBytesBehindTheEnd)
{
	uint32_t len;

	open(rdb_file(strings(1)) + "*2\r\n");
	EXPECT_EQ(next(&len), DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find("append-only"), std::string::npos) << err.message;
}

TEST_F(SourceRdb, NamesAFileThatCannotBeRead)
{
	const std::string missing = dir.file("missing.rdb");

	EXPECT_EQ(dyn_entropy_source_rdb(missing.c_str(), nullptr, &source, &err),
		DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find(missing), std::string::npos) << err.message;
	EXPECT_EQ(source.ops, nullptr);
	EXPECT_EQ(dyn_entropy_source_rdb(dir.path().c_str(), nullptr, &source, &err),
		DYN_ENTROPY_ERR_SOURCE);
	EXPECT_NE(std::string(err.message).find("not a regular file"), std::string::npos)
		<< err.message;
}
