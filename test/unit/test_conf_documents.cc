/*
 * The documents beside the table of keys: help, the shipped files, the manual pages.
 */
#include "unit/conf_loading.h"

#include "support/process.h"
#include "support/tempdir.h"
#include "support/text.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>
#include <utility>

#include <gtest/gtest.h>

using namespace conf_loading;

namespace
{

/* ---- The documents -------------------------------------------------------------------------- */

TEST(ConfDocuments, HelpTellsTheWholeTable)
{
	const std::string help = printed(nullptr);

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		const std::string entry = std::string(k.name) + ": " + k.help + "\n    " +
					  type_and_unit(k) + "; default: " + default_of(k) +
					  (k.flags & CONF_UNUSED ? "; nothing uses it yet" : "") +
					  "\n    allowed: " + allowed(k) + "\n";
		EXPECT_NE(("\n" + help).find("\n" + entry), std::string::npos) << entry;
	}
}

TEST(ConfDocuments, ALoadedFileIsPrintedALineAKey)
{
	std::string text = printed(load_text(kDynomiteFile).conf.get());

	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const std::string begin = std::string(conf_keys[i].name) + ": ";
		ASSERT_EQ(text.substr(0, begin.size()), begin);
		const size_t end = text.find('\n');
		ASSERT_NE(end, std::string::npos);
		EXPECT_GT(end, begin.size()) << begin << "has nothing behind it";
		text.erase(0, end + 1);
	}
	EXPECT_EQ(text, "");
}

TEST(ConfDocuments, TheFullFileIsTheTable)
{
	const std::string path = support::source_file("conf/dynomite.full.yml");
	std::string text = support::read_file(path);
	const size_t root = text.find("\ndyn_o_mite:\n");

	ASSERT_NE(root, std::string::npos);
	size_t at = root + 13;
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		std::string expected =
			std::string(i ? "\n" : "") + "  # " + k.help +
			(k.flags & CONF_UNUSED ? " (nothing uses it yet)" : "") + "\n  # " +
			type_and_unit(k) + "; default: " + default_of(k) +
			"\n  # allowed: " + allowed(k) + "\n" +
			(has_default(k) ? "  " + std::string(k.name) + ": " + default_of(k) + "\n"
					: "  #" + std::string(k.name) + ":");
		ASSERT_EQ(text.substr(at, expected.size()), expected);
		at += expected.size();
		if (!has_default(k)) /* the example, of one line or more */
			at = std::min(text.find("\n\n", at) + 1, text.size());
	}
	EXPECT_EQ(text.substr(at), "") << "more than the table has";

	Loaded full = load_path(path), none = load_text("r: {}\n");
	ASSERT_EQ(full.errors, Lines());
	EXPECT_EQ(printed(full.conf.get()), printed(none.conf.get()));

	const std::string examples = support::replaced(text, "\n  #(?! )", "\n  ");
	Loaded with_examples = load_text(examples);
	EXPECT_EQ(with_examples.errors, Lines());
}

TEST(ConfDocuments, TheExampleLoads)
{
	Loaded l = load_path(support::source_file("conf/dynomite.yml"));

	ASSERT_EQ(l.errors, Lines());
	EXPECT_TRUE(l.conf->recon_enabled);
	for (const char *file : {l.conf->recon_key_file, l.conf->recon_iv_file})
		EXPECT_EQ(support::read_file(support::source_file(file)), "01234567890123456\n");
}

/* The text of a tagged list's items in an mdoc page, joined to one line, by the item's head. */
std::vector<std::pair<std::string, std::string>> mdoc_items(
	const std::string &page, const std::string &macro)
{
	std::vector<std::pair<std::string, std::string>> items;
	const std::string head = ".It " + macro + " ";
	bool inside = false;

	std::istringstream lines(page);

	for (std::string text; std::getline(lines, text);) {
		if (text.rfind(head, 0) == 0) {
			items.emplace_back(text.substr(head.size()), "");
			inside = true;
		} else if (text.rfind(".It", 0) == 0 || text.rfind(".El", 0) == 0) {
			inside = false;
		} else if (inside) {
			items.back().second += (items.back().second.empty() ? "" : " ") + text;
		}
	}
	return items;
}

TEST(ConfDocuments, TheManualPageIsTheTable)
{
	const auto items =
		mdoc_items(support::read_file(support::source_file("man/dynomite.yml.5")), "Ic");

	ASSERT_EQ(items.size(), size_t(CONF_N_KEYS));
	for (size_t i = 0; i < CONF_N_KEYS; i++) {
		const conf_key &k = conf_keys[i];
		std::string help = k.help, kind = type_and_unit(k);

		help[0] = char(toupper(help[0]));
		kind[0] = char(toupper(kind[0]));
		EXPECT_EQ(items[i].first, k.name);
		EXPECT_EQ(items[i].second,
			help + ". " + kind + "; default: " + default_of(k) +
				"; allowed: " + allowed(k) +
				(k.flags & CONF_UNUSED ? "; nothing uses it yet" : "") + ".");
	}
}

/* The options in "-c, --conf-file FILE", and in ".It Fl c Ar file , Fl -conf-file Ar file". */
std::set<std::string> options_in(const std::string &text, const std::string &pattern)
{
	std::set<std::string> options;

	for (const support::Match &m : support::matches_in(text, pattern))
		options.insert(m[1] + (m[3].empty() ? "" : " (takes a value)"));
	return options;
}

TEST(ConfDocuments, TheManualPageOfTheNodeHasItsOptions)
{
	std::string help;
	std::string page;

	ASSERT_EQ(support::run({support::dynomite_program(), "--help"}, &help), 0);
	for (const auto &item :
		mdoc_items(support::read_file(support::source_file("man/dynomite.8")), "Fl"))
		page += "Fl " + item.first + "\n";
	/* The short option, when there is one, and the long one: they belong on one line. */
	const auto told = options_in(help, "\n  ((-[a-zA-Z], |    )--[a-z-]+)( [A-Z]+)?(?= )");
	page = support::replaced(page, "Fl -", "--");
	page = support::replaced(page, "Fl ", "-");
	page = support::replaced(page, "( Ar [a-zA-Z]+)? , ", ", ");
	page = support::replaced("\n" + page, "\n--", "\n    --");
	const auto written =
		options_in(page, "\n((-[a-zA-Z], |    )--[a-z-]+)( Ar [a-zA-Z]+)?(?=\n)");
	EXPECT_EQ(told, written);
	EXPECT_EQ(told.size(), 10u) << help;
	EXPECT_EQ(told.count("-c, --conf-file (takes a value)"), 1u);
}

} // namespace
