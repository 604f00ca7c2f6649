#include "recon/message.h"

#include "journal/stamp.h"
#include "support/text.h"

#include <gtest/gtest.h>
#include <string>

namespace
{

class ReconMessage : public testing::Test
{
      protected:
	buf out{};

	~ReconMessage() override
	{
		buf_fini(&out);
	}
	std::string hex() const
	{
		static const char digits[] = "0123456789abcdef";
		std::string text;

		for (size_t i = 0; i < buf_len(&out); i++) {
			const uint8_t byte = buf_head(&out)[i];

			text += digits[byte >> 4];
			text += digits[byte & 15];
		}
		return text;
	}
	recon_frame frame()
	{
		recon_frame f{};

		EXPECT_EQ(recon_frame_next(buf_head(&out), buf_len(&out), &f), RECON_NEXT_OK);
		EXPECT_EQ(f.len + RECON_HEADER_BYTES, buf_len(&out));
		return f;
	}
	/* The frame without its last byte, and with one more, is malformed. */
	template <typename Get> void expect_exact(Get get)
	{
		recon_frame f = frame();

		EXPECT_TRUE(get(&f));
		f.len--;
		EXPECT_FALSE(get(&f)) << "too short";
		ASSERT_TRUE(buf_append(&out, "", 1));
		f.body = buf_head(&out) + RECON_HEADER_BYTES;
		f.len += 2;
		EXPECT_FALSE(get(&f)) << "too long";
	}
};

recon_hello_epoch epoch_of(uint32_t epoch, uint32_t entries = 3, uint32_t mixed = 1)
{
	return {epoch, entries, mixed, 0x1112131415161718u, true, false};
}

recon_hello hello_of(recon_hello_epoch *epochs, size_t n)
{
	recon_hello h{};

	h.standing = RECON_UNKNOWN;
	h.wants_full = true;
	h.node = 1;
	h.share = 2;
	h.incarnation = 3;
	h.clock_ms = 0x0102030405;
	h.forgotten = 4;
	h.horizon = 5;
	h.closed = 6;
	snprintf(h.name, sizeof(h.name), "ab");
	h.epochs = epochs;
	h.n_epochs = n;
	return h;
}

TEST_F(ReconMessage, HasHelloAsDocumented)
{
	recon_hello_epoch epochs[] = {epoch_of(7)};
	const recon_hello h = hello_of(epochs, 1);

	ASSERT_TRUE(recon_put_hello(&out, &h));
	EXPECT_EQ(hex(), "0000004b01"
			 "010301"
			 "0000000000000001000000000000000200000000000000030000000102030405"
			 "000000040000000500000006"
			 "026162"
			 "00000001"
			 "0000000700000003000000011112131415161718"
			 "01");
	expect_exact([](const recon_frame *f) {
		recon_hello read;
		const bool ok = recon_get_hello(f, &read);

		if (!ok)
			return false;
		EXPECT_STREQ(read.name, "ab");
		EXPECT_EQ(read.standing, RECON_UNKNOWN);
		EXPECT_EQ(read.n_epochs, 1u);
		EXPECT_EQ(read.epochs[0].sum, 0x1112131415161718u);
		EXPECT_TRUE(read.epochs[0].is_settled);
		EXPECT_FALSE(read.epochs[0].is_settled_with_all);
		recon_hello_fini(&read);
		return true;
	});
}

TEST_F(ReconMessage, RefusesAHelloThatCannotBe)
{
	recon_hello_epoch falling[] = {epoch_of(7), epoch_of(7)};
	recon_hello_epoch mixed[] = {epoch_of(7, 1, 2)};
	recon_hello h, read;

	for (auto [epochs, n] : {std::pair(falling, 2), std::pair(mixed, 1)}) {
		buf_clear(&out);
		h = hello_of(epochs, static_cast<size_t>(n));
		ASSERT_TRUE(recon_put_hello(&out, &h));
		const recon_frame f = frame();
		EXPECT_FALSE(recon_get_hello(&f, &read));
	}
}

TEST_F(ReconMessage, HasASideAsDocumented)
{
	const uint64_t stamp = stamp_make(UINT64_C(9) << STAMP_EPOCH_MS_BITS, 1, 2);
	journal_entry entries[] = {{stamp, 0, 0x21, 9, 5, true}};
	recon_side side{};

	side.id = 1;
	side.exists = side.is_behind = side.is_home = true;
	side.forgotten = 2;
	side.horizon = 3;
	side.unknown = 4;
	side.deadline_ms = 5;
	side.digest = 6;
	side.content_bytes = 7;
	side.entries = entries;
	side.n_entries = 1;
	ASSERT_TRUE(recon_put_side(&out, RECON_SIDE, &side));
	EXPECT_EQ(hex(), "0000004b08"
			 "00000001"
			 "0019"
			 "000000020000000300000004"
			 "00000000000000050000000000000006"
			 "00000007"
			 "00000001"
			 "0000004800001002"
			 "0000000000000000"
			 "0000000000000021"
			 "0000000900000005"
			 "01");
	expect_exact([](const recon_frame *f) {
		recon_side read;

		if (!recon_get_side(f, &read))
			return false;
		EXPECT_EQ(read.n_entries, 1u);
		EXPECT_EQ(read.entries[0].count, 5u);
		EXPECT_TRUE(read.entries[0].mixed);
		recon_side_fini(&read);
		return true;
	});
}

TEST_F(ReconMessage, RefusesEntriesOfAnotherEpochOrOutOfOrder)
{
	const uint64_t of_nine = stamp_make(UINT64_C(9) << STAMP_EPOCH_MS_BITS, 1, 2);
	journal_entry other[] = {{of_nine, 0, 0, 8, 1, false}};
	journal_entry twice[] = {{of_nine, 0, 0, 9, 1, false}, {of_nine, 0, 0, 9, 1, false}};
	recon_side side{}, read;

	for (auto [entries, n] : {std::pair(other, 1), std::pair(twice, 2)}) {
		buf_clear(&out);
		side.entries = entries;
		side.n_entries = static_cast<size_t>(n);
		ASSERT_TRUE(recon_put_side(&out, RECON_TAKE, &side));
		const recon_frame f = frame();
		EXPECT_FALSE(recon_get_side(&f, &read));
	}
}

TEST_F(ReconMessage, HasSettleAsDocumented)
{
	recon_sum sums[] = {{9, true, 0x31}, {10, false, 0}};
	const recon_settle settle = {true, RECON_LOST, sums, 2};

	ASSERT_TRUE(recon_put_settle(&out, RECON_SETTLE, &settle));
	EXPECT_EQ(hex(), "000000200e"
			 "0101"
			 "00000002"
			 "00000009010000000000000031"
			 "0000000a000000000000000000");
	expect_exact([](const recon_frame *f) {
		recon_settle read;

		if (!recon_get_settle(f, &read))
			return false;
		EXPECT_EQ(read.n, 2u);
		recon_settle_fini(&read);
		return true;
	});
}

TEST_F(ReconMessage, CutsAListIntoFrames)
{
	std::vector<uint64_t> hashes(RECON_LIST_MAX + 1, 7);
	recon_frame f;
	recon_numbers l;
	bool is_last;

	ASSERT_TRUE(recon_put_list(&out, hashes.data(), hashes.size()));
	ASSERT_EQ(recon_frame_next(buf_head(&out), buf_len(&out), &f), RECON_NEXT_OK);
	ASSERT_TRUE(recon_get_list(&f, &is_last, &l));
	EXPECT_FALSE(is_last);
	EXPECT_EQ(l.n, static_cast<size_t>(RECON_LIST_MAX));
	buf_consume(&out, RECON_HEADER_BYTES + f.len);
	EXPECT_EQ(hex(), "0000000d03"
			 "01"
			 "00000001"
			 "0000000000000007");
	f = frame();
	ASSERT_TRUE(recon_get_list(&f, &is_last, &l));
	EXPECT_TRUE(is_last);
	EXPECT_EQ(recon_u64_at(&l, 0), 7u);
}

TEST_F(ReconMessage, NamesKeysInNeed)
{
	const uint64_t hash = 0x41;
	buf keys{};
	recon_need need;
	const uint8_t *key;
	size_t len;

	ASSERT_TRUE(buf_append(&keys, "\0\0\0\1k\0\0\0\0", 9));
	ASSERT_TRUE(recon_put_need(&out, true, &hash, 1, &keys, 2));
	buf_fini(&keys);
	EXPECT_EQ(hex(), "0000001a06"
			 "01"
			 "000000010000000000000041"
			 "00000002"
			 "000000016b00000000");
	const recon_frame f = frame();
	ASSERT_TRUE(recon_get_need(&f, &need));
	ASSERT_TRUE(recon_need_key(&need, &key, &len));
	EXPECT_EQ(std::string(reinterpret_cast<const char *>(key), len), "k");
	ASSERT_TRUE(recon_need_key(&need, &key, &len));
	EXPECT_EQ(len, 0u);
	EXPECT_FALSE(recon_need_key(&need, &key, &len));
	expect_exact([](const recon_frame *g) {
		recon_need read;

		return recon_get_need(g, &read);
	});
}

TEST_F(ReconMessage, HasTheSmallOnesAsDocumented)
{
	const uint32_t numbers[] = {1, 2};
	const recon_bucket bucket = {0x51, 3};

	ASSERT_TRUE(recon_put_plan(&out, RECON_BEHIND, true, numbers, 2));
	ASSERT_TRUE(recon_put_bytes(&out, RECON_ASK, 1, "k", 1));
	ASSERT_TRUE(recon_put_number(&out, RECON_GIVE, 1));
	ASSERT_TRUE(recon_put_answer(&out, 1, RECON_NOT_TAKEN));
	ASSERT_TRUE(recon_put_buckets(&out, 4, 10, &bucket, 1));
	ASSERT_TRUE(recon_put_u32s(&out, RECON_DIFFER, true, numbers, 2));
	ASSERT_TRUE(recon_put_bye(&out, RECON_WHY_SHARE));
	ASSERT_TRUE(recon_put_waiting(&out));
	EXPECT_EQ(hex(), "0000000e02"
			 "0201000000020000000100000002"
			 "0000000507"
			 "000000016b"
			 "000000040a"
			 "00000001"
			 "000000050d"
			 "0000000102"
			 "0000001510"
			 "000000040a000000010000000000000051"
			 "00000003"
			 "0000000d11"
			 "01000000020000000100000002"
			 "0000000113"
			 "02"
			 "0000000014");
}

TEST(ReconFrame, IsRefusedByItsLengthBeforeItsBodyIsThere)
{
	const uint8_t longer[] = {0xff, 0xff, 0xff, 0xff, RECON_HELLO};
	const uint8_t unknown[] = {0, 0, 0, 0, 99};
	const uint8_t part[] = {0, 0, 0, 4, RECON_GIVE, 0, 0, 0};
	recon_frame f;

	EXPECT_EQ(recon_frame_next(longer, sizeof(longer), &f), RECON_NEXT_BAD);
	EXPECT_EQ(recon_frame_next(unknown, sizeof(unknown), &f), RECON_NEXT_BAD);
	EXPECT_EQ(recon_frame_next(part, sizeof(part), &f), RECON_NEXT_MORE);
	EXPECT_EQ(recon_frame_next(part, 4, &f), RECON_NEXT_MORE);
}

} // namespace
