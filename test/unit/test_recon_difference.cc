#include "recon/difference.h"

#include "support/owned.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace
{

using Owned = support::Owned<difference, difference_free>;

/* splitmix64 */
uint64_t random_of(uint64_t &state)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct Sets {
	Owned a{difference_new()}, b{difference_new()};
	std::set<uint64_t> only_a, only_b;

	Sets(size_t common, size_t n_a, size_t n_b, uint64_t seed)
	{
		for (size_t i = 0; i < common; i++) {
			const uint64_t hash = random_of(seed);

			EXPECT_TRUE(difference_add(a.get(), hash));
			EXPECT_TRUE(difference_add(b.get(), hash));
		}
		while (only_a.size() < n_a)
			only_a.insert(random_of(seed));
		while (only_b.size() < n_b)
			only_b.insert(random_of(seed));
		for (const uint64_t hash : only_a)
			EXPECT_TRUE(difference_add(a.get(), hash));
		for (const uint64_t hash : only_b)
			EXPECT_TRUE(difference_add(b.get(), hash));
	}
	/* How many symbols it took, at most so many. */
	size_t run(size_t most, size_t at_a_time = 1)
	{
		std::vector<difference_symbol> symbols(at_a_time);
		size_t n = 0;

		while (n < most && !difference_is_decoded(b.get())) {
			difference_make(a.get(), symbols.data(), at_a_time);
			EXPECT_TRUE(difference_take(b.get(), symbols.data(), at_a_time));
			n += at_a_time;
		}
		return n;
	}
	void expect_found()
	{
		size_t n;
		const uint64_t *theirs = difference_theirs(b.get(), &n);

		EXPECT_EQ(std::set<uint64_t>(theirs, theirs + n), only_a);
		const uint64_t *ours = difference_ours(b.get(), &n);
		EXPECT_EQ(std::set<uint64_t>(ours, ours + n), only_b);
	}
};

TEST(ReconDifference, TakesOneSymbolForEqualSets)
{
	Sets s(1000, 0, 0, 1);

	EXPECT_EQ(s.run(10), 1u);
	s.expect_found();
}

TEST(ReconDifference, FindsWhatEachSideHasAlone)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		Sets s(100, seed % 7, seed % 5, seed);

		s.run(200);
		EXPECT_TRUE(difference_is_decoded(s.b.get())) << seed;
		s.expect_found();
	}
}

TEST(ReconDifference, CostsOneAndAHalfSymbolsForEachOfAThousand)
{
	size_t all = 0;

	for (uint64_t seed = 1; seed <= 10; seed++) {
		Sets s(2000, 600, 400, seed * 1000);

		all += s.run(3000);
		EXPECT_TRUE(difference_is_decoded(s.b.get()));
		s.expect_found();
	}
	EXPECT_LE(all, 15000u);
	EXPECT_GE(all, 10000u) << "less cannot be";
}

TEST(ReconDifference, FindsTheSameInLargerPortions)
{
	Sets s(500, 300, 100, 5);

	EXPECT_LE(s.run(2000, 100), 800u);
	s.expect_found();
}

TEST(ReconDifference, DoesNotClaimWhatItCannotKnow)
{
	Sets s(0, 100, 0, 9);

	EXPECT_EQ(s.run(50), 50u);
	EXPECT_FALSE(difference_is_decoded(s.b.get()));
}

} // namespace
