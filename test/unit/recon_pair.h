/*
 * recon_pair - two nodes with a share, in memory: what is sent is delivered when the test says so.
 */
#ifndef TEST_UNIT_RECON_PAIR_H
#define TEST_UNIT_RECON_PAIR_H

#include "recon/session.h"
#include "support/owned.h"

#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace recon_pair
{

using Core = support::Owned<recon_core, recon_core_free>;
using Session = support::Owned<recon_session, recon_session_free>;

constexpr uint64_t start_ms = 200000000;
constexpr uint32_t max_delay_ms = 15000, close_ms = 6000;

/* A node: its Redis is a map, which answers at once unless it is told to hold back. */
struct Node {
	uint32_t bit;
	stamp_clock clock{};
	std::map<std::string, std::string> data;
	std::vector<journal_record> log;
	std::vector<std::pair<std::string, recon_unsettled>> unsettled;
	std::string refuses; /* a key */
	bool holds_back = false;
	std::deque<std::pair<std::string, uint64_t>> reads; /* held back */
	size_t n_reads = 0, n_applied = 0;
	recon_now now{start_ms, 1000};
	Core core;

	static Node &of(void *arg)
	{
		return *static_cast<Node *>(arg);
	}
	static const recon_host host;

	explicit Node(uint32_t index, recon_standing standing = RECON_INTACT, uint64_t share = 1)
	    : bit(index)
	{
		recon_options o{};

		clock.node = index;
		o.seed = 42;
		o.share = share;
		o.node = index;
		o.name = "node";
		o.incarnation = 1;
		o.peers = UINT64_C(3) & ~(UINT64_C(1) << index);
		o.standing = standing;
		o.max_delay_ms = max_delay_ms;
		o.close_ms = close_ms;
		o.clock = &clock;
		o.host = &host;
		o.arg = this;
		core.reset(recon_core_new(&o, now));
	}
	static uint64_t digest_of(const std::string &value)
	{
		uint64_t h = 1469598103934665603u;

		for (const char c : value)
			h = (h ^ static_cast<uint8_t>(c)) * 1099511628211u;
		return h ? h : 1;
	}
	void answer_read(const std::string &key, uint64_t ticket)
	{
		recon_content c{};
		auto it = data.find(key);

		if (it != data.end()) {
			c.exists = true;
			c.bytes = reinterpret_cast<const uint8_t *>(it->second.data());
			c.len = it->second.size();
			c.digest = digest_of(it->second);
		}
		recon_core_read_done(core.get(), ticket, &c, now);
	}
	void answer_reads()
	{
		while (!reads.empty()) {
			auto [key, ticket] = reads.front();

			reads.pop_front();
			answer_read(key, ticket);
		}
	}
	/* A write that arrives and is carried out: SET when there is a value, else DEL. */
	recon_verdict write(const std::string &key, uint64_t stamp, const char *value)
	{
		const recon_write w{key.data(), key.size(), stamp,
			value ? JOURNAL_OVERWRITE : JOURNAL_DELETE, false, 0};
		const recon_verdict verdict = recon_core_write(core.get(), &w, now);

		if (verdict != RECON_CARRY_OUT)
			return verdict;
		if (value)
			data[key] = value;
		else
			data.erase(key);
		recon_core_answered(core.get(), &w, RECON_TAKEN);
		return verdict;
	}
	uint64_t draw()
	{
		return stamp_draw(&clock, now.wall_ms);
	}
	size_t n_entries() const
	{
		return journal_n_entries(recon_core_journal(core.get()));
	}
};

inline const recon_host Node::host = {
	[](void *arg, const journal_record *r) { of(arg).log.push_back(*r); },
	[](void *, const recon_kept *) {},
	[](void *arg, const void *key, size_t len, uint64_t ticket) {
		Node &n = of(arg);
		const std::string name(static_cast<const char *>(key), len);

		n.n_reads++;
		if (n.holds_back)
			n.reads.emplace_back(name, ticket);
		else
			n.answer_read(name, ticket);
	},
	[](void *arg, const void *key, size_t len, const recon_content *c, uint64_t ticket) {
		Node &n = of(arg);
		const std::string name(static_cast<const char *>(key), len);

		if (name == n.refuses) {
			recon_core_applied(n.core.get(), ticket, RECON_WITHDRAWN, n.now);
			return;
		}
		n.n_applied++;
		if (c->exists)
			n.data[name].assign(reinterpret_cast<const char *>(c->bytes), c->len);
		else
			n.data.erase(name);
		recon_core_applied(n.core.get(), ticket, RECON_TAKEN, n.now);
	},
	[](void *arg, uint64_t ticket) {
		Node &n = of(arg);

		for (const auto &[key, value] : n.data)
			if (recon_core_scan_wants(n.core.get(), ticket, key.data(), key.size()))
				recon_core_scan_key(n.core.get(), ticket, key.data(), key.size(),
					digest_of(value));
		recon_core_scan_done(n.core.get(), ticket, true, n.now);
	},
	[](void *arg, uint64_t stamp) { return stamp_node(stamp) == of(arg).bit; },
	[](void *arg, uint32_t peer, const void *key, size_t len, recon_unsettled why) {
		EXPECT_NE(peer, of(arg).bit);
		of(arg).unsettled.emplace_back(
			std::string(static_cast<const char *>(key), len), why);
	},
};

/* A session of two nodes: a dials b. */
struct Pair {
	Node &a, &b;
	Session at_a, at_b;
	std::deque<std::string> to_a, to_b;
	std::string sent_by_a, sent_by_b; /* all of it */

	Pair(Node &dialer, Node &listener, recon_session_options o = {}) : a(dialer), b(listener)
	{
		o.total_ms = 9000;
		o.silence_ms = 3000;
		o.send = [](void *arg, const void *bytes, size_t len) {
			static_cast<std::deque<std::string> *>(arg)->emplace_back(
				static_cast<const char *>(bytes), len);
		};
		o.peer = b.bit;
		o.is_dialer = true;
		o.arg = &to_b;
		at_a.reset(recon_session_new(a.core.get(), &o, a.now));
		o.peer = a.bit;
		o.is_dialer = false;
		o.arg = &to_a;
		at_b.reset(recon_session_new(b.core.get(), &o, b.now));
		recon_session_start(at_a.get(), a.now);
	}
	/* Deliver what is under way, a few bytes at a time; false when there was nothing. */
	bool step(size_t piece = 7)
	{
		auto deliver = [piece](std::deque<std::string> &queue, recon_session *to,
				       recon_now now, std::string &all) {
			if (queue.empty())
				return false;
			const std::string bytes = std::move(queue.front());

			queue.pop_front();
			all += bytes;
			for (size_t i = 0; i < bytes.size(); i += piece)
				recon_session_take(to, bytes.data() + i,
					std::min(piece, bytes.size() - i), now);
			return true;
		};
		const bool one = deliver(to_b, at_b.get(), b.now, sent_by_a);
		const bool two = deliver(to_a, at_a.get(), a.now, sent_by_b);

		return one || two;
	}
	void run()
	{
		while (step())
			;
	}
	bool done() const
	{
		return recon_session_state(at_a.get()) == RECON_SESSION_DONE &&
		       recon_session_state(at_b.get()) == RECON_SESSION_DONE;
	}
	const recon_session_figures &counts() const
	{
		return *recon_session_counts(at_a.get());
	}
};

} // namespace recon_pair

#endif
