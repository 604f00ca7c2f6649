/*
 * The checks of a history find what they are for, and nothing else.
 */
#include "checker/history.h"

#include <gtest/gtest.h>

namespace checker
{
namespace
{

constexpr int64_t kMs = 1000;

/* Operations of 10 ms, begun at a time in ms. */
Operation op(const std::string &key, Action action, const std::string &value, int64_t begin_ms,
	Answer answer = Answer::kAcknowledged)
{
	Operation o;

	o.key = key;
	o.action = action;
	o.value = value;
	o.begin_us = begin_ms * kMs;
	o.end_us = (begin_ms + 10) * kMs;
	o.answer = answer;
	return o;
}

Operation unknown(Operation o)
{
	o.answer = Answer::kUnknown;
	return o;
}

History of(std::vector<Operation> operations, bool quiet = false)
{
	History h;

	h.operations = std::move(operations);
	h.quiet = quiet;
	return h;
}

Dataset holding(const std::string &key, const std::string &type, std::vector<std::string> elements,
	int64_t deadline_ms = 0)
{
	return {{key, {type, std::move(elements), deadline_ms}}};
}

size_t wrong(const History &h, const Dataset &d)
{
	return violations(h, d, 100000 * kMs).size();
}

const std::string kKey = "register:0";

Dataset is(const std::string &value)
{
	return holding(kKey, "string", {value});
}

TEST(History, TheLastAcknowledgedOverwriteStands)
{
	const History h = of({op(kKey, Action::kPut, "a", 0), op(kKey, Action::kPut, "b", 100)});

	EXPECT_EQ(wrong(h, is("b")), 0u);
	EXPECT_EQ(wrong(h, is("a")), 1u);
	EXPECT_EQ(wrong(h, is("c")), 1u);
	EXPECT_EQ(wrong(h, {}), 1u);
}

TEST(History, OverlappingOverwritesMayStandInEitherOrder)
{
	const History h = of({op(kKey, Action::kPut, "a", 0), op(kKey, Action::kPut, "b", 5)});

	EXPECT_EQ(wrong(h, is("a")), 0u);
	EXPECT_EQ(wrong(h, is("b")), 0u);
}

TEST(History, AnUnknownOverwriteMayStandButNotOverALaterOne)
{
	History h = of({op(kKey, Action::kPut, "a", 0), unknown(op(kKey, Action::kPut, "b", 100))});

	EXPECT_EQ(wrong(h, is("a")), 0u);
	EXPECT_EQ(wrong(h, is("b")), 0u);
	h.operations.push_back(op(kKey, Action::kPut, "c", 200));
	EXPECT_EQ(wrong(h, is("b")), 1u);
	h.operations[1].end_us = kNever;
	EXPECT_EQ(wrong(h, is("b")), 0u);
}

TEST(History, ADeletedKeyIsNowhere)
{
	History h = of({op(kKey, Action::kPut, "a", 0), op(kKey, Action::kDelete, "", 100)});

	EXPECT_EQ(wrong(h, {}), 0u);
	EXPECT_EQ(wrong(h, is("a")), 1u);
	h.operations[1] = unknown(h.operations[1]);
	EXPECT_EQ(wrong(h, is("a")), 0u);
	EXPECT_EQ(wrong(h, {}), 0u);
}

TEST(History, WhatAllReplicasThatHadItHaveLostMayBeGone)
{
	History h = of({op(kKey, Action::kPut, "a", 0)});

	h.losses = {{0, 50 * kMs}};
	EXPECT_EQ(wrong(h, {}), 0u);
	h.copies = 2;
	EXPECT_EQ(wrong(h, {}), 1u);
	h.losses.push_back({0, 60 * kMs});
	EXPECT_EQ(wrong(h, {}), 1u);
	h.losses.push_back({1, 60 * kMs});
	EXPECT_EQ(wrong(h, {}), 0u);
}

TEST(History, ADeadlineIsThatOfItsWrite)
{
	History h = of({op(kKey, Action::kPut, "a", 0)});

	EXPECT_EQ(wrong(h, holding(kKey, "string", {"a"}, 500000)), 1u);
	h.operations[0].ttl_ms = 500000;
	EXPECT_EQ(wrong(h, holding(kKey, "string", {"a"}, 500005)), 0u);
	EXPECT_EQ(wrong(h, is("a")), 1u);
	EXPECT_EQ(wrong(h, {}), 1u);
	h.operations[0].ttl_ms = 50000;
	EXPECT_EQ(wrong(h, {}), 0u);
}

TEST(History, ACounterIsWithinWhatWasCounted)
{
	History h = of({op("counter:0", Action::kAdd, "", 0), op("counter:0", Action::kAdd, "", 20),
		unknown(op("counter:0", Action::kAdd, "", 40))});
	const auto n = [](const char *value) { return holding("counter:0", "string", {value}); };

	EXPECT_EQ(wrong(h, n("1")), 0u);
	EXPECT_EQ(wrong(h, n("3")), 0u);
	EXPECT_EQ(wrong(h, n("4")), 1u);
	EXPECT_EQ(wrong(h, {}), 1u);
	h.quiet = true;
	EXPECT_EQ(wrong(h, n("1")), 1u);
	EXPECT_EQ(wrong(h, n("2")), 0u);
}

TEST(History, ElementsAreThoseThatWereAdded)
{
	History h = of({op("set:0", Action::kAdd, "a", 0), op("set:0", Action::kAdd, "b", 20),
		op("set:0", Action::kRemove, "a", 100)});
	const auto held = [](std::vector<std::string> all) {
		return holding("set:0", "set", std::move(all));
	};

	EXPECT_EQ(wrong(h, held({"a"})), 0u);
	EXPECT_EQ(wrong(h, held({"c"})), 1u);
	EXPECT_EQ(wrong(h, held({"b", "b"})), 1u);
	h.quiet = true;
	EXPECT_EQ(wrong(h, held({"b"})), 0u);
	EXPECT_EQ(wrong(h, held({"a", "b"})), 1u);
	EXPECT_EQ(wrong(h, {}), 1u);
}

TEST(History, AFieldIsItsLastValue)
{
	const History h =
		of({op("hash:0", Action::kAdd, "f=a", 0), op("hash:0", Action::kAdd, "f=b", 100),
			   op("hash:0", Action::kAdd, "g=c", 100),
			   op("hash:0", Action::kRemove, "g", 200)},
			true);

	EXPECT_EQ(wrong(h, holding("hash:0", "hash", {"f=b"})), 0u);
	EXPECT_EQ(wrong(h, holding("hash:0", "hash", {"f=a"})), 1u);
	EXPECT_EQ(wrong(h, holding("hash:0", "hash", {"f=b", "g=c"})), 1u);
}

TEST(History, AListThatWasDeletedLastIsNowhere)
{
	History h =
		of({op("queue:0", Action::kAdd, "a", 0), op("queue:0", Action::kDelete, "", 100)});

	EXPECT_EQ(wrong(h, {}), 0u);
	EXPECT_EQ(wrong(h, holding("queue:0", "list", {"a"})), 1u);
	h.operations.push_back(unknown(op("queue:0", Action::kAdd, "b", 200)));
	EXPECT_EQ(wrong(h, {}), 0u);
	EXPECT_EQ(wrong(h, holding("queue:0", "list", {"a", "b"})), 0u);
	h.quiet = true;
	EXPECT_EQ(wrong(h, holding("queue:0", "list", {"a", "b"})), 1u);
	EXPECT_EQ(wrong(h, holding("queue:0", "list", {"b"})), 0u);
}

TEST(History, ReplicasDifferInContentAndDeadline)
{
	EXPECT_EQ(differences(is("a"), is("a")).size(), 0u);
	EXPECT_EQ(differences(is("a"), is("b")).size(), 1u);
	EXPECT_EQ(differences(is("a"), {}).size(), 1u);
	EXPECT_EQ(differences(holding(kKey, "string", {"a"}, 9000),
			  holding(kKey, "string", {"a"}, 9100))
			  .size(),
		0u);
	EXPECT_EQ(differences(holding(kKey, "string", {"a"}, 9000), is("a")).size(), 1u);
}

} // namespace
} // namespace checker
