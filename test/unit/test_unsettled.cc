#include "repair/unsettled.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

using Ptr = std::unique_ptr<struct unsettled, decltype(&unsettled_free)>;

void note(const Ptr &u, const std::string &key, double now, size_t with = 0,
	recon_unsettled why = RECON_CONFLICT)
{
	unsettled_note(u.get(), with, key.data(), key.size(), why, now);
}

std::vector<const unsettled_key *> list(const Ptr &u)
{
	std::vector<const unsettled_key *> all;

	for (const unsettled_key *k = unsettled_next(u.get(), nullptr); k;
		k = unsettled_next(u.get(), k))
		all.push_back(k);
	return all;
}

std::vector<std::string> names(const Ptr &u)
{
	std::vector<std::string> all;

	for (const unsettled_key *k : list(u))
		all.emplace_back(reinterpret_cast<const char *>(k->key), k->len);
	return all;
}

TEST(Unsettled, ListsEachKeyOnceTheNewestFirst)
{
	const Ptr u(unsettled_new(), unsettled_free);

	note(u, "a", 1);
	note(u, "b", 2);
	note(u, "a", 3, 1);
	note(u, "a", 4, 0, RECON_REFUSED);
	EXPECT_EQ(names(u), (std::vector<std::string>{"a", "a", "b"}));
	const unsettled_key *first = list(u)[0];
	EXPECT_EQ(first->with, 0u);
	EXPECT_EQ(first->why, RECON_REFUSED);
	EXPECT_EQ(first->times, 2u);
	EXPECT_EQ(first->first_at, 1);
	EXPECT_EQ(first->found_at, 4);
	EXPECT_EQ(list(u)[1]->with, 1u);
}

TEST(Unsettled, KeepsTheNewestWhenThereAreTooMany)
{
	const Ptr u(unsettled_new(), unsettled_free);

	for (int i = 0; i < UNSETTLED_KEYS_MAX + 10; i++)
		note(u, std::to_string(i), i);
	const auto all = names(u);
	ASSERT_EQ(all.size(), size_t{UNSETTLED_KEYS_MAX});
	EXPECT_EQ(all.front(), std::to_string(UNSETTLED_KEYS_MAX + 9));
	EXPECT_EQ(all.back(), "10");
}

TEST(Unsettled, KeepsTheBeginningOfALongKey)
{
	const Ptr u(unsettled_new(), unsettled_free);
	const std::string key(100000, 'k');

	note(u, key, 1);
	note(u, key + "k", 2);
	note(u, key, 3);
	ASSERT_EQ(list(u).size(), 2u) << "keys of different lengths are two";
	EXPECT_EQ(list(u)[0]->len, key.size());
	EXPECT_EQ(list(u)[0]->key[UNSETTLED_KEY_BYTES - 1], 'k');
	note(u, "", 4);
	EXPECT_EQ(list(u)[0]->len, 0u);
}

TEST(Unsettled, WhatIsEqualAgainIsNotListed)
{
	const Ptr u(unsettled_new(), unsettled_free);

	note(u, "repaired", 1);
	note(u, "repaired", 1, 1);
	note(u, "equal", 2);
	note(u, "equal", 2, 1);
	note(u, "different", 5);
	unsettled_repaired(u.get(), "repaired", 8);
	EXPECT_EQ(names(u), (std::vector<std::string>{"different", "equal", "equal"}));
	unsettled_compared(u.get(), 0, 4);
	EXPECT_EQ(names(u), (std::vector<std::string>{"different", "equal"}));
	EXPECT_EQ(list(u)[1]->with, 1u) << "it was compared with another";
	unsettled_free(nullptr);
}

} // namespace
