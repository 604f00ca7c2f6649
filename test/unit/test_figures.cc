#include "base/json_view.h"
#include "control/figures.h"
#include "support/text.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace
{

constexpr size_t kFigures =
	(sizeof(struct figures_identity) + sizeof(struct figures_node) +
		sizeof(struct proxy_figures) + 2 * sizeof(struct replica_figures) +
		sizeof(struct heal_figures) + sizeof(struct heal_schedule_figures) +
		sizeof(struct heal_target_figures) + sizeof(struct heal_sender_figures) +
		sizeof(struct repair_figures) + sizeof(struct repair_peer_figures)) /
		sizeof(uint64_t) -
	1; /* what the datastore misses is no figure of its own */

/* What is written into a stream. */
template <typename Write> std::string written(Write write)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	write(to);
	fclose(to);
	const std::string all(text, len);
	free(text);
	return all;
}

/* Every counter has another value. */
template <typename Stats> Stats numbered()
{
	Stats s;
	uint64_t n = 1000;

	for (size_t at = 0; at < sizeof(s); at += sizeof(n), n++)
		memcpy(reinterpret_cast<char *>(&s) + at, &n, sizeof(n));
	return s;
}

std::string json_of(enum figures_scope scope, const void *values)
{
	return written([&](FILE *to) {
		struct json j;

		json_init(&j, to);
		json_open_object(&j, nullptr);
		control_figures_write_json(&j, scope, values);
		json_close_object(&j);
	});
}

std::string metrics_of(enum figures_scope scope, const std::vector<struct figures_sample> &samples)
{
	return written([&](FILE *to) {
		control_figures_write_metrics(to, scope, samples.data(), samples.size());
	});
}

/* Zeroes for any scope. */
const uint64_t kZeroes[64] = {};

/* ---- The tables ---- */

const struct {
	const struct figure_table *table;
	size_t fields;
} kTables[] = {
	{&proxy_figures_pool, sizeof(struct proxy_figures) / sizeof(uint64_t)},
	/* What the datastore misses is no figure of its own. */
	{&proxy_figures_datastore, sizeof(struct replica_figures) / sizeof(uint64_t) - 1},
	{&proxy_figures_peer, sizeof(struct replica_figures) / sizeof(uint64_t)},
	{&heal_figures_channel, sizeof(struct heal_figures) / sizeof(uint64_t)},
	{&heal_figures_schedule, sizeof(struct heal_schedule_figures) / sizeof(uint64_t)},
	{&heal_figures_target, sizeof(struct heal_target_figures) / sizeof(uint64_t)},
	{&heal_figures_sender, sizeof(struct heal_sender_figures) / sizeof(uint64_t)},
	{&repair_figures_all, sizeof(struct repair_figures) / sizeof(uint64_t)},
	{&repair_figures_peer, sizeof(struct repair_peer_figures) / sizeof(uint64_t)},
};

bool is_given(const char *text)
{
	return text != nullptr && text[0] != '\0';
}

TEST(Figures, EveryFieldHasOneRowWithNameUnitAndHelp)
{
	for (const auto &[table, fields] : kTables) {
		std::set<std::string> names;
		std::set<size_t> offsets;

		ASSERT_TRUE(is_given(table->title));
		EXPECT_EQ(table->n, fields) << table->title;
		for (size_t i = 0; i < table->n; i++) {
			const struct figure &f = table->figures[i];

			ASSERT_TRUE(is_given(f.name)) << table->title << " " << i;
			EXPECT_TRUE(is_given(f.unit)) << f.name;
			EXPECT_TRUE(is_given(f.help)) << f.name;
			EXPECT_TRUE(names.insert(f.name).second) << "twice: " << f.name;
			EXPECT_TRUE(offsets.insert(f.offset).second) << "twice: " << f.name;
			EXPECT_EQ(figure_at(table, f.offset), &f) << f.name;
		}
		EXPECT_EQ(figure_at(table, 1), nullptr);
	}
}

TEST(Figures, HasTheNameOfItsField)
{
	struct heal_sender_figures s = {};
	const struct figure *f = figure_at(
		&heal_figures_sender, offsetof(struct heal_sender_figures, last_connection));

	ASSERT_NE(f, nullptr);
	EXPECT_STREQ(f->name, FIGURE_NAME(heal_sender_figures, last_connection));
	s.last_connection = 2.5;
	EXPECT_EQ(figure_seconds(f, &s), 2.5);
	f = figure_at(&heal_figures_sender, offsetof(struct heal_sender_figures, kept));
	ASSERT_NE(f, nullptr);
	s.kept = 7;
	EXPECT_EQ(figure_whole(f, &s), 7u);
}

/* ---- For people ---- */

TEST(Figures, FormatsEveryCounterOnce)
{
	const auto s = numbered<struct heal_figures>();
	char text[4096];
	const std::string all =
		std::string(", ") + control_figures_format(&s, text, sizeof(text)) + ",";

	for (uint64_t i = 0; i < sizeof(s) / sizeof(uint64_t); i++) {
		const std::string value = " " + std::to_string(1000 + i) + ",";
		const size_t at = all.find(value);

		EXPECT_NE(at, std::string::npos) << "no counter for field " << i;
		EXPECT_EQ(all.find(value, at + 1), std::string::npos) << "two for field " << i;
	}
	EXPECT_NE(all.find(", rounds 1000,"), std::string::npos) << all;
	EXPECT_NE(all.find(", keys_kept 1016,"), std::string::npos) << all;
	EXPECT_NE(all.find(", keys_left_alone 1017,"), std::string::npos) << all;
}

TEST(Figures, CutsToTheSpaceThereIs)
{
	const auto s = numbered<struct heal_figures>();
	char all[4096], text[4096];

	control_figures_format(&s, all, sizeof(all));
	for (size_t cap = 1; cap <= strlen(all) + 1; cap++) {
		memset(text, '#', sizeof(text));
		control_figures_format(&s, text, cap);
		ASSERT_EQ(std::string(text), std::string(all).substr(0, cap - 1));
		ASSERT_EQ(text[cap], '#') << "cap " << cap;
	}
}

TEST(Figures, DescribesEveryFigure)
{
	std::istringstream lines(written([](FILE *to) { control_figures_describe(to); }));
	std::string line;
	size_t n = 0;

	while (std::getline(lines, line)) {
		if (line.rfind("  ", 0) != 0)
			continue; /* a heading */
		EXPECT_FALSE(support::match_of(line, "  ([a-z_]+) +([a-z]+) +(.{5,})").empty())
			<< line;
		EXPECT_LE(line.size(), 120u) << line;
		n++;
	}
	EXPECT_EQ(n, kFigures);
}

/* ---- For programs ---- */

TEST(Figures, EveryFigureHasItsFieldInJson)
{
	size_t n = 0;

	for (int scope = 0; scope < FIGURES_N_SCOPES; scope++) {
		const std::string text = json_of(static_cast<enum figures_scope>(scope), kZeroes);
		struct json_view v;

		ASSERT_TRUE(json_view_init(&v, text.data(), text.size())) << text;
		std::set<std::string> names;
		for (const support::Match &m : support::matches_in(text, "\"([a-z_]+)\":"))
			EXPECT_TRUE(names.insert(m[1]).second) << "twice: " << m[1];
		n += names.size();
	}
	EXPECT_EQ(n, kFigures);
}

TEST(Figures, JsonHasTheValuesUnderTheirNames)
{
	const auto pool = numbered<struct proxy_figures>();
	struct heal_schedule_figures schedule = {};

	EXPECT_NE(json_of(FIGURES_POOL, &pool).find("\"client_connections\":1000,"),
		std::string::npos);
	EXPECT_NE(
		json_of(FIGURES_POOL, &pool)
			.find("\"peer_missed_writes\":" + std::to_string(pool.peer_missed_writes)),
		std::string::npos);
	schedule.running = 1;
	schedule.next_round = 1.5;
	EXPECT_EQ(json_of(FIGURES_SCHEDULE, &schedule), "{\"running\":true,\"next_round\":1.500}");
	schedule.running = 0;
	schedule.next_round = NAN;
	EXPECT_EQ(json_of(FIGURES_SCHEDULE, &schedule), "{\"running\":false,\"next_round\":null}");
}

TEST(Figures, MetricsFollowTheTextFormat)
{
	const std::string help = "# HELP (dynomite_[a-z_]+) .{8,}";
	const std::string type = "# TYPE (dynomite_[a-z_]+) (counter|gauge)";
	const std::string sample = "(dynomite_[a-z_]+)(\\{.*\\})? [0-9]+(\\.[0-9]+)?";
	std::map<std::string, std::string> types;

	for (int scope = 0; scope < FIGURES_N_SCOPES; scope++) {
		std::istringstream lines(metrics_of(
			static_cast<enum figures_scope>(scope), {{nullptr, 0, kZeroes}}));
		std::string line;

		while (std::getline(lines, line)) {
			support::Match m = support::match_of(line, help);
			ASSERT_FALSE(m.empty()) << line;
			const std::string name = m[1];
			EXPECT_EQ(types.count(name), 0u) << "two metrics of one name: " << name;
			ASSERT_TRUE(std::getline(lines, line));
			m = support::match_of(line, type);
			ASSERT_FALSE(m.empty()) << line;
			EXPECT_EQ(m[1], name);
			types[name] = m[2];
			ASSERT_TRUE(std::getline(lines, line));
			m = support::match_of(line, sample);
			ASSERT_FALSE(m.empty()) << line;
			EXPECT_EQ(m[1], name);
		}
	}
	EXPECT_GT(types.size(), 60u);
	for (const auto &[name, type_of] : types) {
		const bool total = support::has_match(name, "_total$");

		EXPECT_EQ(total, type_of == "counter") << name;
	}
}

/* The name of a figure in bytes or seconds ends with its unit. */
TEST(Figures, MetricsNameTheirUnit)
{
	size_t n = 0;

	for (int scope = 0; scope < FIGURES_N_SCOPES; scope++) {
		const std::string text =
			metrics_of(static_cast<enum figures_scope>(scope), {{nullptr, 0, kZeroes}});

		for (const support::Match &m :
			support::matches_in(text, "# HELP (\\S+) [^:]*: (bytes|seconds) ")) {
			EXPECT_NE((m[1] + "_").find("_" + m[2] + "_"), std::string::npos) << m[1];
			n++;
		}
	}
	EXPECT_GT(n, 10u);
}

TEST(Figures, ASampleForEachWithItsLabels)
{
	const struct figures_label a[] = {{"peer", "a\"b\\c\nd"}, {"dc", "x"}},
				   b[] = {{"peer", "e"}};
	struct heal_target_figures first = {}, second = {};

	first.keys_sent = 7;
	second.keys_sent = 8;
	first.last_seconds = NAN;
	second.last_seconds = 0.25;
	const std::string text = metrics_of(FIGURES_TARGET, {{a, 2, &first}, {b, 1, &second}});

	EXPECT_NE(text.find("\ndynomite_entropy_peer_sent_keys_total{peer=\"a\\\"b\\\\c\\nd\",dc="
			    "\"x\"} 7\n"
			    "dynomite_entropy_peer_sent_keys_total{peer=\"e\"} 8\n"),
		std::string::npos)
		<< text;
	EXPECT_NE(text.find("gauge\ndynomite_entropy_peer_last_round_duration_seconds{peer=\"e\"} "
			    "0.250\n"),
		std::string::npos)
		<< "what is not known has no sample: " << text;
}

} // namespace
