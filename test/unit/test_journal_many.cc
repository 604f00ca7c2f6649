/*
 * A journal of many keys against a plain model of it, while its tables grow and its chains come and
 * go.
 */
#include "journal/journal.h"

#include "journal/slab.h"
#include "journal/stamp.h"
#include "support/owned.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace
{

using Owned = support::Owned<journal, journal_free>;

struct Entry {
	uint64_t newest = 0;
	uint32_t count = 0;
};

/* Some names are larger than what shares a piece of memory with others. */
std::string name_of(unsigned n)
{
	return std::to_string(n) + std::string(n % 500 == 0 ? 3000 : n % 40, 'k');
}

class JournalOfMany : public testing::Test
{
      protected:
	Owned j{journal_new(1)};
	std::mt19937 random{7};
	std::map<std::string, std::map<uint32_t, Entry>> model;
	uint64_t n_written = 0;
	uint32_t epoch = 1;

	void act(journal_action action, const std::string &key, uint64_t stamp, uint64_t place = 0)
	{
		journal_record r{};

		r.action = action;
		r.key = key.data();
		r.len = key.size();
		r.stamp = stamp;
		r.place = place;
		ASSERT_TRUE(journal_do(j.get(), &r));
	}

	unsigned below(unsigned n)
	{
		return (unsigned)(random() % n);
	}

	/* In one of the last three epochs. */
	uint64_t draw()
	{
		const uint64_t e = epoch + 2 - below(3);

		n_written++;
		return stamp_make((e << STAMP_EPOCH_MS_BITS) + n_written % 8192,
			(uint32_t)(n_written / 8192), 0);
	}

	void write(const std::string &key)
	{
		const uint64_t stamp = draw();

		act(JOURNAL_SENT, key, stamp);
		const uint64_t place = below(2) ? journal_last_place(j.get()) : 0;
		if (below(8) == 0) {
			act(JOURNAL_WITHDRAWN, key, stamp, place);
			return;
		}
		act(JOURNAL_TAKEN, key, stamp, place);
		if (stamp_epoch(stamp) <= journal_forgotten(j.get()))
			return;
		Entry &e = model[key][stamp_epoch(stamp)];
		e.count++;
		e.newest = std::max(e.newest, stamp);
	}

	void forget(uint32_t upto)
	{
		journal_record r{};

		r.action = JOURNAL_FORGOT;
		r.epoch = upto;
		ASSERT_TRUE(journal_do(j.get(), &r));
		for (auto at = model.begin(); at != model.end();) {
			at->second.erase(at->second.begin(), at->second.upper_bound(upto));
			at = at->second.empty() ? model.erase(at) : std::next(at);
		}
	}

	/* Replace a key's entries by its newest one, or by none. */
	void align(const std::string &key, bool by_none)
	{
		const journal_chain c = journal_look(j.get(), key.data(), key.size());
		journal_record r{};
		std::vector<journal_entry> kept(c.entries, c.entries + (c.n && !by_none ? 1 : 0));

		r.action = JOURNAL_ALIGNED;
		r.key = key.data();
		r.len = key.size();
		r.entries = kept.data();
		r.n_entries = kept.size();
		ASSERT_TRUE(journal_do(j.get(), &r));
		auto at = model.find(key);
		if (at == model.end())
			return;
		while (at->second.size() > kept.size())
			at->second.erase(at->second.begin());
		if (at->second.empty())
			model.erase(at);
	}

	void check()
	{
		std::map<uint32_t, std::pair<uint64_t, uint32_t>> sums; /* and numbers of entries */
		size_t n;

		for (const auto &[key, entries] : model) {
			const journal_chain c = journal_look(j.get(), key.data(), key.size());
			size_t i = c.n;

			ASSERT_EQ(c.n, entries.size());
			EXPECT_EQ(c.under_way, 0u);
			for (const auto &[e, entry] : entries) {
				i--;
				EXPECT_EQ(c.entries[i].epoch, e);
				EXPECT_EQ(c.entries[i].count, entry.count);
				EXPECT_EQ(c.entries[i].newest, entry.newest);
				sums[e].first += journal_entry_hash(c.hash, &c.entries[i]);
				sums[e].second++;
			}
		}
		const journal_epoch *epochs = journal_epochs(j.get(), &n);
		ASSERT_EQ(n, sums.size());
		for (size_t i = 0; i < n; i++) {
			EXPECT_EQ(epochs[i].sum, sums[epochs[i].epoch].first);
			EXPECT_EQ(epochs[i].n_entries, sums[epochs[i].epoch].second);
		}
		n = 0;
		journal_each(
			j.get(),
			[](void *arg, const void *, size_t, const journal_chain *) {
				++*(size_t *)arg;
			},
			&n);
		EXPECT_EQ(n, model.size());
	}
};

TEST_F(JournalOfMany, IsWhatTheModelIs)
{
	for (int round = 0; round < 60; round++) {
		const unsigned n_keys = round % 20 < 10 ? 4000 : 300;

		for (int i = 0; i < 2000; i++)
			write(name_of(below(n_keys)));
		for (int i = 0; i < 40; i++)
			align(name_of(below(n_keys)), i % 2);
		epoch++;
		if (round % 5 == 4)
			forget(epoch - 1 - below(3));
		if (round % 20 == 19)
			forget(epoch + 2);
		check();
	}
	EXPECT_TRUE(model.empty());
}

TEST_F(JournalOfMany, ShowsInPartsEveryKeyThatStays)
{
	std::set<std::string> seen;
	uint64_t cursor = 0;
	unsigned n = 0;

	for (; n < 5000; n++)
		write(name_of(n));
	epoch += 10; /* later writes are kept when these are forgotten */
	for (unsigned i = 0; i < 5000; i += 3)
		write(name_of(i));
	for (bool more = true; more;) {
		more = journal_each_part(
			j.get(), &cursor, 200,
			[](void *arg, const void *key, size_t len, const journal_chain *) {
				((std::set<std::string> *)arg)
					->insert(std::string((const char *)key, len));
			},
			&seen);
		for (int i = 0; i < 2000; i++)
			write(name_of(n++));
		forget(5);
	}
	for (unsigned i = 0; i < 5000; i += 3)
		EXPECT_TRUE(!model.count(name_of(i)) || seen.count(name_of(i))) << i;
	check();
}

TEST_F(JournalOfMany, TakesThePlaceOfAnotherJournalAsNotKnown)
{
	Owned other(journal_new(1));
	journal_record r{};

	r.action = JOURNAL_SENT;
	r.key = "x";
	r.len = 1;
	r.stamp = draw();
	ASSERT_TRUE(journal_do(other.get(), &r));
	act(JOURNAL_SENT, "y", r.stamp);
	act(JOURNAL_TAKEN, "y", r.stamp, journal_last_place(other.get()));
	act(JOURNAL_TAKEN, "z", r.stamp, journal_last_place(other.get()));
	EXPECT_EQ(journal_look(j.get(), "y", 1).n, 1u);
	EXPECT_EQ(journal_look(j.get(), "z", 1).n, 0u);
}

TEST_F(JournalOfMany, AnswersAtTheirPlacesWhatIsUnderWayWhileTheTablesGrow)
{
	std::vector<std::pair<uint64_t, uint64_t>> sent;

	for (unsigned i = 0; i < 3000; i++) {
		sent.emplace_back(draw(), 0);
		act(JOURNAL_SENT, name_of(i), sent[i].first);
		sent[i].second = journal_last_place(j.get());
	}
	forget(1);
	for (unsigned i = 0; i < 3000; i++) {
		/* Another name: what is not looked for is not read either. */
		act(i % 2 ? JOURNAL_TAKEN : JOURNAL_WITHDRAWN, "", sent[i].first, sent[i].second);
		if (i % 2 && stamp_epoch(sent[i].first) > 1)
			model[name_of(i)][stamp_epoch(sent[i].first)] = {sent[i].first, 1};
	}
	check();
}

TEST(Slab, GivesBackWhatIsNotUsedAndUsesNumbersAgain)
{
	slab s{};
	std::vector<uint32_t> numbers(10000);
	std::set<uint32_t> distinct;

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < numbers.size(); i++) {
			const size_t bytes = i % 100 == 0 ? 5000 : 80 + i % 30;
			char *block = (char *)slab_get(&s, bytes, &numbers[i]);

			ASSERT_NE(block, nullptr);
			ASSERT_EQ(block, slab_at(&s, numbers[i]));
			memset(block, (int)i % 100, bytes);
			distinct.insert(numbers[i]);
		}
		ASSERT_EQ(distinct.size(), numbers.size());
		for (size_t i = 0; i < numbers.size(); i++) {
			const char *block = (const char *)slab_at(&s, numbers[i]);
			const size_t bytes = i % 100 == 0 ? 5000 : 80 + i % 30;

			ASSERT_EQ(block[0], (int)i % 100);
			ASSERT_EQ(block[bytes - 1], (int)i % 100);
		}
		for (uint32_t number : numbers)
			slab_put(&s, number);
		distinct.clear();
		/* One piece of each of the sizes is left. */
		EXPECT_LE(s.n_pieces - s.n_spare, 5u);
		EXPECT_LT(s.n_pieces, 200u);
	}
	slab_fini(&s);
}

} // namespace
