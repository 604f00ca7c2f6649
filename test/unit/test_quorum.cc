#include "proxy/quorum.h"
#include "support/owned.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace
{

using Quorum = support::Owned<quorum, quorum_free>;
using Racks = std::vector<size_t>;

Quorum make(consistency level, const Racks &racks)
{
	return Quorum(quorum_new(level, racks.data(), racks.size()));
}

/*
 * What a replica says: a datacenter's digit, "L" for the local rack's in datacenter 0, then
 * "=answer" or "!" for a failure.
 */
struct Word {
	size_t dc;
	bool local;
	bool failed;
	std::string answer;
};

Word word(const std::string &text)
{
	const bool local = text[0] == 'L';

	return {local ? 0 : static_cast<size_t>(text[0] - '0'), local, text[1] == '!',
		text.substr(2)};
}

quorum_verdict tell(quorum *q, const Word &w)
{
	if (w.failed)
		return quorum_failure(q, w.dc);
	return quorum_answer(q, w.dc, w.local, reinterpret_cast<const uint8_t *>(w.answer.data()),
		w.answer.size());
}

char letter(quorum_verdict v)
{
	switch (v) {
	case QUORUM_WAIT:
		return 'w';
	case QUORUM_REACHED:
		return 'R';
	case QUORUM_FAILED:
		return 'F';
	}
	return '?';
}

std::string result_of(const quorum *q)
{
	size_t len = 99;
	const uint8_t *bytes = quorum_result(q, &len);

	return bytes ? std::string(reinterpret_cast<const char *>(bytes), len) : "(none)";
}

struct Case {
	const char *name;
	consistency level;
	Racks racks;
	std::vector<std::string> words;
	const char *verdicts; /* after each word */
	const char *outcome;  /* the result, or why it failed */
};

const Case kCases[] = {
	{"one rack is a majority", CONSISTENCY_DC_QUORUM, {1}, {"L=a"}, "R", "a"},
	{"one rack that fails", CONSISTENCY_DC_QUORUM, {1}, {"L!"}, "F",
		"0 of 1 racks answered, 1 failed: DC_QUORUM needs 1 answers"},
	{"two of two", CONSISTENCY_DC_QUORUM, {2}, {"L=a", "0=b"}, "wR", "a"},
	{"one of two is no majority", CONSISTENCY_DC_QUORUM, {2}, {"L=a", "0!"}, "wF",
		"1 of 2 racks answered, 1 failed: DC_QUORUM needs 2 answers"},
	{"two of three, the third late", CONSISTENCY_DC_QUORUM, {3}, {"0=a", "L=b", "0=c"}, "wRR",
		"b"},
	{"two of three, the third failed", CONSISTENCY_DC_QUORUM, {3}, {"0!", "0=a", "0=b"}, "wwR",
		"a"},
	{"two of three failed", CONSISTENCY_DC_QUORUM, {3}, {"L=a", "0!", "0!", "0=a"}, "wwFF",
		"1 of 3 racks answered, 2 failed: DC_QUORUM needs 2 answers"},
	{"the most frequent without the local rack", CONSISTENCY_DC_QUORUM, {5},
		{"0=a", "0=b", "0=b"}, "wwR", "b"},
	{"the local rack's though it is rare", CONSISTENCY_DC_QUORUM, {5}, {"0=b", "0=b", "L=a"},
		"wwR", "a"},
	{"the first when none is more frequent", CONSISTENCY_DC_QUORUM, {5}, {"0=c", "0=b", "0=a"},
		"wwR", "c"},
	{"other datacenters do not count", CONSISTENCY_DC_QUORUM, {2, 2},
		{"1=a", "1=a", "1!", "L=b"}, "wwww", "(none)"},
	{"errors are answers", CONSISTENCY_DC_QUORUM, {2}, {"L=-ERR x\r\n", "0=+OK\r\n"}, "wR",
		"-ERR x\r\n"},

	{"safe: one rack", CONSISTENCY_DC_SAFE_QUORUM, {1}, {"L=a"}, "R", "a"},
	{"safe: two agree", CONSISTENCY_DC_SAFE_QUORUM, {2}, {"0=a", "L=a"}, "wR", "a"},
	{"safe: two differ", CONSISTENCY_DC_SAFE_QUORUM, {2}, {"0=a", "L=b"}, "wF",
		"2 of 2 racks answered, 0 failed, 1 agreed: DC_SAFE_QUORUM needs 2 that agree"},
	{"safe: of three two agree without the local rack", CONSISTENCY_DC_SAFE_QUORUM, {3},
		{"L=a", "0=b", "0=b"}, "wwR", "b"},
	{"safe: of three all differ", CONSISTENCY_DC_SAFE_QUORUM, {3}, {"L=a", "0=b", "0=c"}, "wwF",
		"3 of 3 racks answered, 0 failed, 1 agreed"},
	{"safe: given up as soon as it is lost", CONSISTENCY_DC_SAFE_QUORUM, {3},
		{"L=a", "0!", "0=b", "0=a"}, "wwFF", "2 of 3 racks answered, 1 failed, 1 agreed"},
	{"safe: given up after differing and failing", CONSISTENCY_DC_SAFE_QUORUM, {5},
		{"0=a", "0=b", "0!", "0=a", "0=b"}, "wwwwF", "needs 3 that agree"},
	{"safe: an answer and its beginning differ", CONSISTENCY_DC_SAFE_QUORUM, {2},
		{"L=ab", "0=a"}, "wF", "1 agreed"},
	{"safe: empty answers agree", CONSISTENCY_DC_SAFE_QUORUM, {2}, {"L=", "0="}, "wR", ""},
	{"safe: errors that agree", CONSISTENCY_DC_SAFE_QUORUM, {3}, {"L=-ERR x", "0=-ERR x"}, "wR",
		"-ERR x"},

	{"each: all agree", CONSISTENCY_DC_EACH_SAFE_QUORUM, {2, 2}, {"L=a", "1=a", "0=a", "1=a"},
		"wwwR", "a"},
	{"each: the datacenters differ, each agrees", CONSISTENCY_DC_EACH_SAFE_QUORUM, {1, 2},
		{"1=b", "1=b", "L=a"}, "wwR", "a"},
	{"each: one datacenter cannot agree", CONSISTENCY_DC_EACH_SAFE_QUORUM, {1, 2},
		{"L=a", "1=a", "1=b"}, "wwF",
		"in another datacenter, 2 of 2 racks answered, 0 failed, 1 agreed: "
		"DC_EACH_SAFE_QUORUM needs 2 that agree"},
	{"each: one datacenter is gone", CONSISTENCY_DC_EACH_SAFE_QUORUM, {3, 1}, {"1!"}, "F",
		"in another datacenter, 0 of 1 racks answered, 1 failed"},
	{"each: the local one cannot agree", CONSISTENCY_DC_EACH_SAFE_QUORUM, {2, 1}, {"1=a", "L!"},
		"wF", "0 of 2 racks answered, 1 failed"},
	{"each: a single datacenter is safe_quorum", CONSISTENCY_DC_EACH_SAFE_QUORUM, {3},
		{"0=a", "0=a"}, "wR", "a"},

	{"more words than replicas", CONSISTENCY_DC_SAFE_QUORUM, {3}, {"0!", "7=a", "7!", "0=a"},
		"wwww", "(none)"},
};

TEST(Quorum, DecidesAndStaysDecided)
{
	for (const Case &c : kCases) {
		SCOPED_TRACE(c.name);
		Quorum q = make(c.level, c.racks);
		std::string verdicts;

		for (const std::string &w : c.words)
			verdicts += letter(tell(q.get(), word(w)));
		EXPECT_EQ(verdicts, c.verdicts);
		if (verdicts.back() == 'F')
			EXPECT_NE(
				std::string(quorum_why(q.get())).find(c.outcome), std::string::npos)
				<< quorum_why(q.get());
		else
			EXPECT_EQ(result_of(q.get()), c.outcome);
	}
}

TEST(Quorum, CopiesTheAnswer)
{
	Quorum q = make(CONSISTENCY_DC_QUORUM, {1});
	std::string answer(100000, 'x');

	ASSERT_EQ(tell(q.get(), {0, true, false, answer}), QUORUM_REACHED);
	answer.assign(100000, 'y');
	EXPECT_EQ(result_of(q.get()), std::string(100000, 'x'));
}

/* ---- Against the rule itself, for every answer of every replica in every order ---- */

const std::vector<std::string> kOutcomes = {"a", "b", "!"};

/* The answers so far, in order, and the replicas without one. */
struct State {
	consistency level;
	Racks racks;
	std::vector<Word> said;
	std::vector<Word> silent; /* their answers unknown */
};

size_t count(const std::vector<Word> &words, size_t dc, const std::string &answer)
{
	size_t n = 0;

	for (const Word &w : words)
		n += w.dc == dc && !w.failed && w.answer == answer;
	return n;
}

/* Whether what was said is enough. */
bool is_reached(const State &s, const std::vector<Word> &words)
{
	const size_t n_dcs = s.level == CONSISTENCY_DC_EACH_SAFE_QUORUM ? s.racks.size() : 1;

	for (size_t dc = 0; dc < n_dcs; dc++) {
		const size_t a = count(words, dc, "a"), b = count(words, dc, "b");
		const size_t n = s.level == CONSISTENCY_DC_QUORUM ? a + b : std::max(a, b);

		if (n * 2 <= s.racks[dc])
			return false;
	}
	return true;
}

/* Whether it can still be enough, whatever the silent ones may say. */
bool can_be_reached(const State &s, std::vector<Word> words, size_t from)
{
	if (is_reached(s, words))
		return true;
	if (from == s.silent.size())
		return false;
	for (const char *o : {"a", "b"}) {
		Word w = s.silent[from];

		w.answer = o;
		words.push_back(w);
		if (can_be_reached(s, words, from + 1))
			return true;
		words.pop_back();
	}
	return false;
}

std::string expected_result(const State &s)
{
	const size_t a = count(s.said, 0, "a"), b = count(s.said, 0, "b");

	if (s.level != CONSISTENCY_DC_QUORUM)
		return a * 2 > s.racks[0] ? "a" : "b";
	for (const Word &w : s.said)
		if (w.local && !w.failed)
			return w.answer;
	if (a != b)
		return a > b ? "a" : "b";
	for (const Word &w : s.said)
		if (w.dc == 0 && !w.failed)
			return w.answer;
	return "(none)";
}

/* Check the state by a quorum that got all answers, then every state that can follow. */
void explore(const State &s, size_t *n_checked)
{
	Quorum q = make(s.level, s.racks);
	quorum_verdict v = QUORUM_WAIT;
	std::string story;

	for (const Word &w : s.said) {
		v = tell(q.get(), w);
		story += std::to_string(w.dc) + (w.local ? "L" : "") + (w.failed ? "!" : w.answer) +
			 " ";
	}
	++*n_checked;
	if (is_reached(s, s.said)) {
		ASSERT_EQ(v, QUORUM_REACHED) << story;
		ASSERT_EQ(result_of(q.get()), expected_result(s)) << story;
		return;
	}
	if (!can_be_reached(s, s.said, 0)) {
		ASSERT_EQ(v, QUORUM_FAILED) << story;
		ASSERT_STRNE(quorum_why(q.get()), "") << story;
		return;
	}
	ASSERT_EQ(v, QUORUM_WAIT) << story;
	for (size_t i = 0; i < s.silent.size(); i++)
		for (const std::string &o : kOutcomes) {
			State next = s;

			next.said.push_back(s.silent[i]);
			next.said.back().failed = o == "!";
			next.said.back().answer = o == "!" ? "" : o;
			next.silent.erase(next.silent.begin() + static_cast<ptrdiff_t>(i));
			explore(next, n_checked);
			if (testing::Test::HasFatalFailure())
				return;
		}
}

TEST(Quorum, HoldsForEveryOrder)
{
	const std::vector<Racks> rings = {{1}, {2}, {3}, {4}, {1, 1}, {2, 1}, {2, 2}, {3, 2}};

	for (consistency level : {CONSISTENCY_DC_QUORUM, CONSISTENCY_DC_SAFE_QUORUM,
		     CONSISTENCY_DC_EACH_SAFE_QUORUM})
		for (const Racks &racks : rings) {
			State s = {level, racks, {}, {}};
			size_t n_checked = 0;

			for (size_t dc = 0; dc < racks.size(); dc++)
				for (size_t r = 0; r < racks[dc]; r++)
					if (dc == 0 || level == CONSISTENCY_DC_EACH_SAFE_QUORUM)
						s.silent.push_back(
							{dc, dc == 0 && r == 0, false, ""});
			explore(s, &n_checked);
			ASSERT_FALSE(HasFatalFailure()) << consistency_name(level);
			EXPECT_GT(n_checked, 3u);
		}
}

TEST(Quorum, NamesItsLevels)
{
	const struct {
		const char *text;
		bool known;
		consistency level;
	} names[] = {
		{"dc_one", true, CONSISTENCY_DC_ONE},
		{"DC_ONE", true, CONSISTENCY_DC_ONE},
		{"Dc_Quorum", true, CONSISTENCY_DC_QUORUM},
		{"dc_safe_quorum", true, CONSISTENCY_DC_SAFE_QUORUM},
		{"DC_EACH_SAFE_QUORUM", true, CONSISTENCY_DC_EACH_SAFE_QUORUM},
		{"", false, CONSISTENCY_DC_ONE},
		{"dc", false, CONSISTENCY_DC_ONE},
		{"dc_quorum ", false, CONSISTENCY_DC_ONE},
		{"one", false, CONSISTENCY_DC_ONE},
	};

	for (const auto &n : names) {
		SCOPED_TRACE(n.text);
		consistency level = CONSISTENCY_DC_SAFE_QUORUM;

		ASSERT_EQ(consistency_parse(n.text, &level), n.known);
		EXPECT_EQ(level, n.known ? n.level : CONSISTENCY_DC_SAFE_QUORUM);
	}
	for (consistency level : {CONSISTENCY_DC_ONE, CONSISTENCY_DC_QUORUM,
		     CONSISTENCY_DC_SAFE_QUORUM, CONSISTENCY_DC_EACH_SAFE_QUORUM}) {
		consistency again;

		ASSERT_TRUE(consistency_parse(consistency_name(level), &again));
		EXPECT_EQ(again, level);
	}
}

} // namespace
