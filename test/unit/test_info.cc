#include "conf_loading.h"
#include "node/setup.h"
#include "proxy/proxy.h"
#include "proxy/proxy_internal.h"
#include "support/owned.h"
#include "support/text.h"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>

namespace
{

using conf_loading::Loaded;

const char kPassword[] = "correct-horse-battery";

/* A proxy of a ring of three that neither listens nor runs. */
class Info : public testing::Test
{
      protected:
	Loaded loaded;
	support::Owned<ring, ring_free> nodes;
	support::Owned<event_base, event_base_free> base{event_base_new()};
	support::Owned<proxy, proxy_free> node;

	void SetUp() override
	{
		conf_report report = {};

		loaded = conf_loading::load_keys("  servers: [127.0.0.1:6379:1]\n"
						 "  dyn_listen: 127.0.0.1:8101\n"
						 "  listen: 127.0.0.1:8102\n"
						 "  datacenter: here\n"
						 "  rack: r1\n"
						 "  tokens: '1'\n"
						 "  write_consistency: dc_quorum\n"
						 "  requirepass: correct-horse-battery\n"
						 "  dyn_seeds:\n"
						 "  - 127.0.0.2:8101:r2:here:1\n"
						 "  - 127.0.0.3:8101:r1:there:1\n");
		ASSERT_TRUE(loaded.errors.empty()) << loaded.errors[0];
		nodes.reset(setup_ring(loaded.conf.get(), &report));
		conf_report_fini(&report);
		ASSERT_NE(nodes, nullptr);
		proxy_options options = setup_proxy_options(loaded.conf.get());

		/* No test wants these ports. */
		options.listen = options.dyn_listen = nullptr;
		node.reset(proxy_new(base.get(), nodes.get(), &options));
		ASSERT_NE(node, nullptr);
	}

	std::string info(const char *section)
	{
		buf text = {};

		EXPECT_TRUE(proxy_info(node.get(), section, &text));
		std::string s(reinterpret_cast<const char *>(buf_head(&text)), buf_len(&text));
		buf_fini(&text);
		return s;
	}

	/* The value of a field, "(none)" when there is none. */
	std::string field(const std::string &name)
	{
		const std::string text = "\n" + info(nullptr);
		const size_t at = text.find("\n" + name + ":");

		if (at == std::string::npos)
			return "(none)";
		const size_t from = at + name.size() + 2;
		return text.substr(from, text.find('\r', from) - from);
	}
};

TEST_F(Info, ReadsAsTheInfoOfRedis)
{
	const std::string text = info(nullptr);
	std::set<std::string> names;
	size_t sections = 0;

	for (size_t at = 0, end; at < text.size(); at = end + 2) {
		end = text.find("\r\n", at);
		ASSERT_NE(end, std::string::npos) << text.substr(at);
		const std::string line = text.substr(at, end - at);

		if (line.empty())
			continue;
		if (line[0] == '#') {
			sections++;
			continue;
		}
		const size_t colon = line.find(':');

		ASSERT_NE(colon, std::string::npos) << line;
		EXPECT_TRUE(names.insert(line.substr(0, colon)).second) << line;
	}
	EXPECT_EQ(sections, 8u);
	EXPECT_GT(names.size(), 40u);
}

TEST_F(Info, TellsASectionAlone)
{
	std::string joined;

	for (const char *section :
		{"server", "clients", "memory", "stats", "proxy", "datastore", "peers"}) {
		const std::string text = info(section);

		EXPECT_EQ(text.substr(0, 2), "# ") << section;
		EXPECT_EQ(text.find("\n# "), std::string::npos) << section;
		EXPECT_NE(info(nullptr).find(text.substr(0, text.find('\r'))), std::string::npos);
	}
	EXPECT_EQ(info("nosuch"), "");
	EXPECT_EQ(info("PROXY"), info("proxy"));
}

TEST_F(Info, TellsWhatIs)
{
	node->state = PROXY_STANDBY;
	node->clients.n = 7;
	node->figures.client_requests = 12345678901;
	node->clients.calls.timeouts = 3;
	EXPECT_EQ(field("redis_version"), LOCAL_REDIS_VERSION);
	EXPECT_EQ(field("process_id"), std::to_string(getpid()));
	EXPECT_EQ(field("proxy_state"), "standby");
	EXPECT_EQ(field("read_consistency"), "DC_ONE");
	EXPECT_EQ(field("write_consistency"), "DC_QUORUM");
	EXPECT_EQ(field("connected_clients"), "7");
	EXPECT_EQ(field("total_commands_processed"), "12345678901");
	EXPECT_EQ(field("total_timeouts"), "3");
	EXPECT_EQ(field("datacenter"), "here");
	EXPECT_EQ(field("datacenters"), "2");
	EXPECT_EQ(field("racks"), "3");
	EXPECT_EQ(field("nodes"), "3");
	EXPECT_EQ(field("datastore_address"), "127.0.0.1:6379");
	EXPECT_EQ(field("datastore_state"), "down");
	EXPECT_EQ(field("peers"), "2");
	EXPECT_EQ(field("peer1").substr(0, 36), "name=127.0.0.2:8101,rack=r2,dc=here,");
	EXPECT_EQ(field("peer2").substr(0, 37), "name=127.0.0.3:8101,rack=r1,dc=there,");
	for (const char *part : {",state=", ",up=0", ",missed_writes=0", ",queued=0"})
		EXPECT_NE(field("peer1").find(part), std::string::npos) << part;
}

/* The names of the table that are in INFO. */
std::set<std::string> names_of(const figure_table &table)
{
	std::set<std::string> names;

	for (size_t i = 0; i < table.n; i++)
		if (table.figures[i].info) {
			EXPECT_TRUE(names.insert(table.figures[i].info).second)
				<< table.figures[i].info;
		}
	return names;
}

/* The names of the text's fields that are not in others; each ends with ':' or '=', which is mark.
 */
std::set<std::string> names_in(
	const std::string &text, char mark, const std::set<std::string> &others)
{
	std::set<std::string> names;

	for (const support::Match &m : support::matches_in(text, std::string("([a-z_]+)") + mark))
		if (others.count(m[1]) == 0)
			names.insert(m[1]);
	return names;
}

TEST_F(Info, HasEveryFigureOfTheTablesAndNoOther)
{
	EXPECT_EQ(names_in(info("clients") + info("stats") + "peers:", ':',
			  {"maxclients", "blocked_clients"}),
		names_of(proxy_figures_pool));
	EXPECT_EQ(info("peers").find("# Peers\r\npeers:2\r\n"), 0u);
	EXPECT_EQ(names_in(info("datastore"), ':', {"datastore_address", "datastore_state"}),
		names_of(proxy_figures_datastore));
	EXPECT_EQ(names_in(field("peer2"), '=', {"name", "rack", "dc", "state"}),
		names_of(proxy_figures_peer));
}

const auto kStart = std::chrono::steady_clock::now(); /* of this process, or soon after */

TEST_F(Info, MeasuresTheProcess)
{
	const long long uptime = atoll(field("uptime_in_seconds").c_str());
	const long long rss = atoll(field("used_memory_rss").c_str());

	const auto run = std::chrono::duration_cast<std::chrono::seconds>(
		std::chrono::steady_clock::now() - kStart);

	EXPECT_GE(uptime, run.count() - 1); /* the kernel counts in ticks */
	EXPECT_LE(uptime, run.count() + 10);
	EXPECT_GT(rss, 1 << 20);
	EXPECT_LT(rss, 1LL << 40);
}

TEST_F(Info, KeepsThePassword)
{
	EXPECT_STREQ(loaded.conf->requirepass, kPassword);
	EXPECT_EQ(info(nullptr).find(kPassword), std::string::npos);
}

} // namespace
