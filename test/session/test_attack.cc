/*
 * A receiver that everybody can reach, and peers that do whatever they like.  Whatever they do, it
 * applies nothing of it, counts and tells it once, loses nothing, and serves the next good peer.
 */
#include "session/alloc.h"
#include "session/sound.h"
#include "support/wait.h"
#include "support/wire_bytes.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace
{

using session::End;
using session::expect_sound;
using session::Node;
using session::NodeOptions;
using session::Peer;
using support::aes;
using support::noise;
using support::u32;
using support::WireBytes;

constexpr uint32_t kMiB5 = 5 * 1024 * 1024;

/* What a peer does when it has sent what it had to send. */
enum class Then {
	HalfClose,
	Reset,
	Stay
};

struct Case {
	std::string what, bytes;
	Then then;
	enum dyn_entropy_status status;
	std::string words;
};

/* The headers of a session of 20 bytes, changed. */
std::string head(void (*change)(WireBytes *), const std::string &after = "")
{
	WireBytes w;

	w.total_len = 20;
	change(&w);
	return w.headers() + after;
}

std::vector<Case> breaches()
{
	const auto same = [](WireBytes *) {};
	const std::string whole = WireBytes().session("a whole session, and a good one");
	const std::string chunk = WireBytes::chunk(aes("sixteen bytes...")); /* of 20 */
	const auto protocol = DYN_ENTROPY_ERR_PROTOCOL;
	std::string bad_padding = noise(16);

	bad_padding[15] = 0;
	return {
		{"garbage", noise(100000), Then::HalfClose, protocol, "bad magic"},
		{"another protocol", "*1\r\n$4\r\nPING\r\n........", Then::Stay, protocol,
			"bad magic"},
		{"magic", head([](WireBytes *w) { w->magic = 0x64640002; }), Then::Stay, protocol,
			"bad magic 0x64640002"},
		{"command", head([](WireBytes *w) { w->command = 0; }), Then::Stay, protocol,
			"unknown command 0"},
		{"header_size", head([](WireBytes *w) { w->header_size = 0xFFFFFFFF; }), Then::Stay,
			protocol, "header_size 4294967295"},
		{"buffer_size", head([](WireBytes *w) { w->buffer_size = kMiB5 + 1; }), Then::Stay,
			protocol, "buffer_size 5242881"},
		{"cipher_size", head([](WireBytes *w) { w->cipher_size = 0; }), Then::Stay,
			protocol, "cipher_size 0"},
		{"total_len", head([](WireBytes *w) { w->total_len = 0xFFFFFFFF; }), Then::Stay,
			protocol, "total_len"},
		{"a snapshot too large", head([](WireBytes *w) { w->total_len = 100000001; }),
			Then::Stay, protocol, "takes 100000000 at the most"},
		{"encrypt_flag", head([](WireBytes *w) { w->encrypt_flag = 7; }), Then::Stay,
			protocol, "encrypt_flag 7"},
		{"plaintext", head([](WireBytes *w) { w->encrypt_flag = 0; }), Then::Stay, protocol,
			"configured to encrypt"},
		{"an empty chunk", head(same, u32(0)), Then::Stay, protocol, "zero bytes"},
		{"a chunk too large", head(same, u32(48)), Then::Stay, protocol, "cipher_size"},
		{"a broken block", head(same, u32(31)), Then::Stay, protocol, "multiple of 16"},
		{"bad padding", head(same, WireBytes::chunk(aes(bad_padding, false))), Then::Stay,
			DYN_ENTROPY_ERR_CRYPTO, "padding"},
		{"a chunk of nothing", head(same, WireBytes::chunk(aes(""))), Then::Stay, protocol,
			"nothing"},
		{"a chunk too many", head(same, chunk + chunk), Then::Stay, protocol, "beyond"},
		{"bytes behind the end", whole + "x", Then::Stay, protocol, "after the end"},
		{"a second session behind the first", whole + whole, Then::HalfClose, protocol,
			"after the end"},
		{"nothing at all", "", Then::HalfClose, protocol, "within the headers"},
		{"an end within the headers", whole.substr(0, 40), Then::HalfClose, protocol,
			"within the headers"},
		{"an end behind the headers", head(same), Then::HalfClose, protocol,
			"ended after 0"},
		{"an end within a chunk", whole.substr(0, 100), Then::HalfClose, protocol,
			"ended after 0"},
		{"an end between chunks", head(same, chunk), Then::HalfClose, protocol,
			"ended after 16 of the snapshot's 20 bytes"},
		{"a reset at once", "", Then::Reset, DYN_ENTROPY_ERR_IO, "reset by peer"},
		{"a reset within a chunk", whole.substr(0, 100), Then::Reset, DYN_ENTROPY_ERR_IO,
			"reset by peer"},
		{"a reset behind the last byte", whole, Then::Reset, DYN_ENTROPY_ERR_IO,
			"reset by peer"},
	};
}

/* Do as the case says; how the connection ended for the peer. */
End act(uint16_t port, const Case &c)
{
	Peer peer(port);

	peer.send(c.bytes); /* fails where the receiver has seen enough */
	if (c.then == Then::Reset) {
		peer.reset();
		return End::Reset;
	}
	if (c.then == Then::HalfClose)
		peer.half_close();
	return peer.end();
}

NodeOptions takes_100_mb()
{
	NodeOptions options;

	options.config = [](struct dyn_entropy_config *c) { c->max_snapshot_bytes = 100000000; };
	return options;
}

TEST(Attack, SaysWhichSettingRefuses)
{
	const std::string plain = head([](WireBytes *w) { w->encrypt_flag = 0; });
	const std::string large = head([](WireBytes *w) { w->total_len = 100000001; });
	const std::string foul = head([](WireBytes *w) { w->encrypt_flag = 7; });
	Node node(takes_100_mb());
	size_t n = 0;

	for (const auto &[bytes, setting] : {std::pair{plain, "encrypt"},
		     std::pair{large, "max_snapshot_bytes"}, std::pair{foul, ""}}) {
		EXPECT_EQ(act(node.port(), {"", bytes, Then::Stay, DYN_ENTROPY_ERR_PROTOCOL, ""}),
			End::Reset);
		ASSERT_TRUE(node.wait_ended(++n));
		EXPECT_EQ(node.ended().back().setting, setting);
	}
}

TEST(Attack, EveryBreachIsRefusedToldOnceAndForgotten)
{
	Node node(takes_100_mb());
	const size_t descriptors = session::open_descriptors();
	size_t n = 0;

	for (const Case &c : breaches()) {
		EXPECT_EQ(act(node.port(), c), End::Reset) << c.what << ": the sender must see it";
		ASSERT_TRUE(node.wait_ended(++n)) << c.what;
		const auto ended = node.ended().back();
		EXPECT_EQ(ended.status, c.status) << c.what << ": " << ended.message;
		EXPECT_NE(ended.message.find(c.words), std::string::npos)
			<< c.what << ": " << ended.message;
		EXPECT_EQ(ended.peer.rfind("127.0.0.1:", 0), 0u) << ended.peer;
	}
	EXPECT_TRUE(node.sink.applied().empty());
	expect_sound(node, n, 0);
	EXPECT_TRUE(
		support::wait_until([&] { return session::open_descriptors() == descriptors; }));
}

TEST(Attack, NothingGrowsWithTheirNumber)
{
	Node node(takes_100_mb());
	const auto cases = breaches();
	int64_t before = 0;
	size_t descriptors = 0, n = 0;

	for (int round = 0; round < 200 / static_cast<int>(cases.size()) + 2; round++) {
		for (const Case &c : cases) {
			act(node.port(), c);
			n++;
		}
		ASSERT_TRUE(node.wait_ended(n));
		ASSERT_TRUE(support::wait_until([&] { return node.counters().active == 0; }));
		if (round == 0) {
			before = alloc::live_bytes();
			descriptors = session::open_descriptors();
		}
	}
	EXPECT_EQ(alloc::live_bytes(), before);
	EXPECT_EQ(session::open_descriptors(), descriptors);
	EXPECT_EQ(node.ended().size(), n);
	expect_sound(node, n, 0);
}

TEST(Attack, CutAtEveryByteByAnEndAndByAReset)
{
	Node node;
	const std::string whole = WireBytes().session("a session in two chunks");
	size_t n = 0;

	for (size_t cut = 0; cut < whole.size(); cut++)
		for (Then then : {Then::HalfClose, Then::Reset}) {
			act(node.port(), {"", whole.substr(0, cut), then, DYN_ENTROPY_OK, ""});
			n++;
		}
	expect_sound(node, n, 0);
}

TEST(Attack, ClaimsCostNothing)
{
	WireBytes w;
	Node node;
	std::vector<Peer> peers;
	size_t n = 0;

	w.total_len = 0xFFFFFFFE;
	w.buffer_size = w.cipher_size = kMiB5;
	alloc::reset_peak();
	const int64_t before = alloc::live_bytes();
	for (; n < DYN_ENTROPY_DEFAULT_CONNECTIONS; n++) {
		peers.emplace_back(node.port());
		ASSERT_TRUE(peers.back().send(w.headers() + u32(kMiB5) + "little"));
	}
	ASSERT_TRUE(support::wait_until([&] { return node.counters().active == n; }));
	for (auto &p : peers)
		p.half_close();
	for (auto &p : peers)
		EXPECT_EQ(p.end(), End::Reset);
	/* A read buffer and the like for each, not 5 MiB, and not 4 GiB. */
	EXPECT_LT(alloc::peak_bytes() - before, static_cast<int64_t>(n) * 300 * 1024);
	expect_sound(node, n, 0);
}

} // namespace
