#include "session/channel.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using session::Node;
using session::Source;
using support::Error;
using support::fails;
using support::succeeds;

/*
 * A struct as a program has it that was built with a header of fewer members, or of more: so many
 * bytes and no more, which the sanitizer watches, and a mark behind them.
 */
template <class T> class Sized
{
      public:
	Sized(size_t size, const T &from) : size_(size), bytes_(size + 8, char(0))
	{
		memcpy(bytes_.data(), &from, std::min(size, sizeof(T)));
		memcpy(bytes_.data(), &size, sizeof(size));
		memset(bytes_.data() + size, 0x5a, 8);
	}
	T *get()
	{
		return reinterpret_cast<T *>(bytes_.data());
	}
	char *at(size_t offset)
	{
		return bytes_.data() + offset;
	}
	bool intact() const
	{
		size_t size;

		memcpy(&size, bytes_.data(), sizeof(size));
		return size == size_ && std::string(bytes_.end() - 8, bytes_.end()) == "ZZZZZZZZ";
	}

      private:
	size_t size_;
	std::vector<char> bytes_;
};

#define UP_TO(type, member) offsetof(struct type, member)

struct dyn_entropy_config config_to(const std::string &address)
{
	struct dyn_entropy_config c;

	dyn_entropy_config_init(&c);
	c.peer_endpoint = address.c_str();
	return c;
}

TEST(OlderProgram, PushesWithTheMembersThatItKnows)
{
	Node node;
	Source source({"content"});
	Error err;
	const std::string address = node.address();
	Sized<struct dyn_entropy_config> config(
		UP_TO(dyn_entropy_config, max_connections), config_to(address));
	Sized<struct dyn_entropy_push_options> options(
		UP_TO(dyn_entropy_push_options, progress), {});
	Sized<struct dyn_entropy_push_result> result(UP_TO(dyn_entropy_push_result, bytes), {});
	Sized<struct dyn_entropy_source_ops> ops(
		UP_TO(dyn_entropy_source_ops, set_tick), *source.get()->ops);
	struct dyn_entropy_source older = {ops.get(), source.get()->self};

	ASSERT_TRUE(succeeds(dyn_entropy_config_validate(config.get(), err), err));
	ASSERT_TRUE(succeeds(dyn_entropy_push(config.get(), session::sample_material(), &older,
				     options.get(), result.get(), err),
		err));
	EXPECT_EQ(result.get()->outcome, DYN_ENTROPY_OUTCOME_CLOSED);
	EXPECT_EQ(result.get()->snapshots, 1u);
	EXPECT_TRUE(result.intact());
	EXPECT_TRUE(config.intact());
	EXPECT_EQ(node.sink.applied(), std::vector<std::string>{"content"});
}

TEST(OlderProgram, InitializesNoMoreThanItsConfig)
{
	Sized<struct dyn_entropy_config> config(UP_TO(dyn_entropy_config, max_rate), {});

	dyn_entropy_config_init_size(config.get(), UP_TO(dyn_entropy_config, max_rate));
	EXPECT_EQ(config.get()->header_size, DYN_ENTROPY_DEFAULT_HEADER_SIZE);
	EXPECT_TRUE(config.get()->encrypt);
	EXPECT_TRUE(config.intact());
}

TEST(OlderProgram, ReceivesAndCounts)
{
	session::Sink sink;
	Error err;
	struct dyn_entropy_config full;
	dyn_entropy_receiver *receiver = nullptr;

	dyn_entropy_config_init(&full);
	full.listen_addr = "127.0.0.1:0";
	Sized<struct dyn_entropy_config> config(UP_TO(dyn_entropy_config, timeout_ms), full);
	Sized<struct dyn_entropy_receiver_options> options(
		UP_TO(dyn_entropy_receiver_options, ended), {});
	Sized<struct dyn_entropy_sink_ops> ops(
		UP_TO(dyn_entropy_sink_ops, never_reads), *sink.get()->ops);
	Sized<struct dyn_entropy_receiver_counters> counters(
		UP_TO(dyn_entropy_receiver_counters, bytes), {});
	struct dyn_entropy_sink older = {ops.get(), sink.get()->self};

	ASSERT_TRUE(succeeds(dyn_entropy_receiver_new(config.get(), session::sample_material(),
				     &older, options.get(), &receiver, err),
		err));
	ASSERT_TRUE(succeeds(dyn_entropy_receiver_start(receiver, err), err));
	const auto p = session::push(
		"127.0.0.1:" + std::to_string(dyn_entropy_receiver_port(receiver)), "content");
	EXPECT_EQ(p.status, DYN_ENTROPY_OK) << p.err.text();
	dyn_entropy_receiver_count(receiver, counters.get());
	EXPECT_EQ(counters.get()->committed, 1u);
	EXPECT_TRUE(counters.intact());
	dyn_entropy_receiver_free(receiver);
	EXPECT_EQ(sink.applied(), std::vector<std::string>{"content"});
}

TEST(OlderProgram, RunsARoundOfADriver)
{
	Node node;
	Error err;
	const std::string address = node.address();
	const char *target = address.c_str();
	const struct dyn_entropy_config config = config_to(address);
	struct dyn_entropy_driver_options full = {};
	dyn_entropy_driver *driver = nullptr;

	full.targets = &target;
	full.n_targets = 1;
	full.open_source = [](void *, size_t, struct dyn_entropy_source *out,
				   struct dyn_entropy_error *e) {
		return dyn_entropy_source_static("content", 7, out, e);
	};
	Sized<struct dyn_entropy_driver_options> options(
		UP_TO(dyn_entropy_driver_options, knock), full);
	Sized<struct dyn_entropy_round> round(UP_TO(dyn_entropy_round, keys), {});

	ASSERT_TRUE(succeeds(dyn_entropy_driver_new(&config, session::sample_material(),
				     options.get(), &driver, err),
		err));
	ASSERT_TRUE(succeeds(dyn_entropy_driver_round(driver, round.get(), err), err));
	EXPECT_EQ(round.get()->exchanged, 1u);
	EXPECT_EQ(round.get()->snapshots, 1u);
	EXPECT_TRUE(round.intact());
	dyn_entropy_driver_free(driver);
}

/* What a newer program leaves at zero it does not ask for. */
TEST(NewerProgram, IsServedUnlessItAsksForWhatIsNotKnown)
{
	Node node;
	Source source({"content"});
	Error err;
	const std::string address = node.address();
	const struct dyn_entropy_config config = config_to(address);
	Sized<struct dyn_entropy_push_options> options(
		sizeof(struct dyn_entropy_push_options) + 16, {});
	Sized<struct dyn_entropy_push_result> result(
		sizeof(struct dyn_entropy_push_result) + 16, {});

	EXPECT_TRUE(succeeds(dyn_entropy_push(&config, session::sample_material(), source.get(),
				     options.get(), result.get(), err),
		err));
	EXPECT_EQ(result.get()->snapshots, 1u);
	EXPECT_TRUE(result.intact());
	*options.at(sizeof(struct dyn_entropy_push_options) + 3) = 1;
	EXPECT_TRUE(fails(dyn_entropy_push(&config, session::sample_material(), source.get(),
				  options.get(), result.get(), err),
		err, DYN_ENTROPY_ERR_CONFIG, "dyn_entropy_push_options has set what this version"));
}

TEST(AnyProgram, MustSayTheSizes)
{
	Error err;
	struct dyn_entropy_config config;
	struct dyn_entropy_source source = {};
	struct dyn_entropy_redis redis = {};
	struct dyn_entropy_source_options options = {};

	dyn_entropy_config_init(&config);
	for (const size_t size : {size_t(0), size_t(7), SIZE_MAX}) {
		config.struct_size = redis.struct_size = options.struct_size = size;
		EXPECT_TRUE(fails(dyn_entropy_config_validate(&config, err), err,
			DYN_ENTROPY_ERR_CONFIG, "struct_size of a struct dyn_entropy_config is"));
		EXPECT_TRUE(fails(dyn_entropy_source_scan(&redis, nullptr, &source, err), err,
			DYN_ENTROPY_ERR_CONFIG, "struct_size of a struct dyn_entropy_redis is"));
		redis.struct_size = sizeof(redis);
		EXPECT_TRUE(fails(dyn_entropy_source_sync(&redis, &options, &source, err), err,
			DYN_ENTROPY_ERR_CONFIG,
			"struct_size of a struct dyn_entropy_source_options is"));
	}
}

} // namespace
