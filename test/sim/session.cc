#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- Sessions ---- */

bool World::settled_with_all(const Node &n, const journal_epoch &e) const
{
	return (e.settled & others(n)) == others(n);
}

/* What it says to be complete, by h.all, it takes no more writes of. */
World::Hello World::hello(Node &n)
{
	Hello h{n.incarnation, journal_forgotten(n.j), journal_horizon(n.j), 0, n.standing, {}, {}};
	size_t count;
	const journal_epoch *epochs = journal_epochs(n.j, &count);
	journal_record r{};

	h.closed = epoch_before(n, s.close_ms);
	h.epochs.assign(epochs, epochs + count);
	for (const journal_epoch &e : h.epochs) {
		bool all = n.standing == Standing::Intact && settled_with_all(n, e) &&
			   e.epoch < epoch_before(n, s.max_delay_ms);

		h.all.push_back(all);
		if (all)
			r.epoch = std::max(r.epoch, e.epoch);
	}
	r.action = JOURNAL_CLOSED;
	if (r.epoch > journal_closed(n.j))
		append(n, r, -1, -1, false);
	return h;
}

/* The epoch of so long ago, by its clock. */
uint32_t World::epoch_before(const Node &n, Ms ago) const
{
	return stamp_epoch(stamp_make(wall(n) - static_cast<uint64_t>(ago), 0, 0));
}

void World::hear(Node &n, int peer, const Hello &h)
{
	Pair &p = n.pairs[static_cast<size_t>(peer)];
	journal_record r{};

	r.peer = static_cast<uint32_t>(peer);
	if (p.incarnation != h.incarnation) {
		r.action = JOURNAL_REPUDIATED;
		append(n, r, -1, -1, false);
		p.incarnation = h.incarnation;
	}
	p.forgotten = h.forgotten;
	if (n.standing == Standing::Lost) {
		n.contacted |= UINT64_C(1) << peer;
		if (h.horizon > n.complete && rules.full_comparison) {
			n.standing = Standing::Behind;
			n.compared = 0;
			note("node %d is behind", n.index);
		} else if (n.contacted == others(n)) {
			n.standing = Standing::Intact;
		}
	}
	r.action = JOURNAL_SAID;
	for (size_t i = 0; i < h.epochs.size(); i++) {
		const journal_epoch *e = journal_find_epoch(n.j, h.epochs[i].epoch);

		if (!h.all[i] || !e || e->sum != h.epochs[i].sum || e->said >> peer & 1)
			continue;
		r.epoch = e->epoch;
		r.sum = e->sum;
		append(n, r, -1, -1, false);
	}
}

bool World::broken(const SessionPtr &x)
{
	Node &a = nodes[static_cast<size_t>(x->a)], &b = nodes[static_cast<size_t>(x->b)];

	return x->ended || a.life != x->life_a || b.life != x->life_b ||
	       a.incarnation != x->inc_a || b.incarnation != x->inc_b || !a.connected ||
	       !b.connected;
}

void World::end_session(const SessionPtr &x)
{
	if (x->ended)
		return;
	x->ended = true;
	nodes[static_cast<size_t>(x->a)].pairs[static_cast<size_t>(x->b)].in_session = false;
}

void World::begin_session(int a, int b)
{
	Node &na = nodes[static_cast<size_t>(a)], &nb = nodes[static_cast<size_t>(b)];
	auto x = std::make_shared<Session>();

	if (!na.up || !na.connected || na.pairs[static_cast<size_t>(b)].in_session)
		return;
	na.pairs[static_cast<size_t>(b)].in_session = true;
	x->a = a;
	x->b = b;
	x->life_a = na.life;
	x->life_b = nb.life;
	x->inc_a = na.incarnation;
	x->inc_b = nb.incarnation;
	Hello ha = hello(na);
	/* What it has read must not outlive what is known of it: epochs are forgotten later. */
	after(rules.short_sessions ? s.max_delay_ms - s.close_ms : 30000,
		[this, x] { end_session(x); });
	send(a, b, [this, x, ha, &nb] {
		if (broken(x))
			return;
		Hello hb = hello(nb);
		hear(nb, x->a, ha);
		send(x->b, x->a, [this, x, ha, hb] {
			if (broken(x))
				return;
			hear(nodes[static_cast<size_t>(x->a)], x->b, hb);
			choose(x, ha, hb);
		});
	});
}

/* Whether two lists of a key's entries say the same, and leave no doubt. */
static bool agree(const std::vector<journal_entry> &a, const std::vector<journal_entry> &b)
{
	if (a.size() != b.size())
		return false;
	for (size_t i = 0; i < a.size(); i++)
		if (a[i].mixed || b[i].mixed || a[i].epoch != b[i].epoch ||
			a[i].newest != b[i].newest || (rules.sums && a[i].sum != b[i].sum))
			return false;
	return true;
}

/* The epochs that the two have not settled, or that differ, or leave doubt. */
void World::choose_epochs(const SessionPtr &x, const Hello &ha, const Hello &hb)
{
	uint32_t closed = std::min(ha.closed, hb.closed);
	std::map<uint32_t, std::pair<const journal_epoch *, const journal_epoch *>> all;

	for (const journal_epoch &e : ha.epochs)
		all[e.epoch].first = &e;
	for (const journal_epoch &e : hb.epochs)
		all[e.epoch].second = &e;
	for (auto &[epoch, two] : all) {
		const journal_epoch *ea = two.first, *eb = two.second;
		bool differs = !ea || !eb || ea->sum != eb->sum;
		bool settled = ea && eb && (ea->settled >> x->b & 1) && (eb->settled >> x->a & 1);
		bool mixed = (ea && ea->n_mixed) || (eb && eb->n_mixed);

		if (epoch < closed && (x->full || !settled || mixed || (differs && rules.reopen)))
			x->epochs.insert(epoch);
	}
}

void World::choose(const SessionPtr &x, const Hello &ha, const Hello &hb)
{
	Node &a = nodes[static_cast<size_t>(x->a)];

	x->standing_a = a.standing;
	x->standing_b = nodes[static_cast<size_t>(x->b)].standing;
	x->hello_a = ha;
	x->hello_b = hb;
	x->full = x->standing_a == Standing::Behind || x->standing_b == Standing::Behind;
	choose_epochs(x, ha, hb);
	if (x->epochs.empty() && !x->full) {
		end_session(x);
		return;
	}
	x->repairs_a = repairs(a, x->epochs);
	send(x->a, x->b, [this, x, la = list(a, x->epochs)] {
		if (!broken(x))
			choose_keys(x, la);
	});
}

/* At the second node, with what the first has. */
void World::choose_keys(const SessionPtr &x, const Entries &la)
{
	Node &b = nodes[static_cast<size_t>(x->b)];
	const Entries lb = list(b, x->epochs);

	x->repairs_b = repairs(b, x->epochs);
	for (const Entries *l : {&la, &lb})
		for (const auto &[key, entries] : *l) {
			auto ia = la.find(key), ib = lb.find(key);

			if (ia == la.end() || ib == lb.end() || !agree(ia->second, ib->second))
				x->keys.insert(key);
		}
	for (int key = 0; x->full && key < s.keys; key++)
		x->keys.insert(key);
	send(x->b, x->a, [this, x] {
		if (broken(x))
			return;
		x->left = x->keys.size();
		if (x->left == 0)
			settle(x);
		for (int key : x->keys)
			compare_key(x, key);
	});
}

std::map<uint32_t, uint32_t> World::repairs(const Node &n, const std::set<uint32_t> &epochs)
{
	std::map<uint32_t, uint32_t> found;

	for (uint32_t e : epochs) {
		const journal_epoch *epoch = journal_find_epoch(n.j, e);

		found[e] = epoch ? epoch->repairs : 0;
	}
	return found;
}

/* It has all that a node has which was not behind. */
void World::caught_up(const SessionPtr &x, Node &n, Standing other, int peer, const Hello &h)
{
	journal_record r{};

	if (n.standing != Standing::Behind || !x->all_well || !x->full)
		return;
	n.compared |= UINT64_C(1) << peer;
	if (other != Standing::Intact && n.compared != others(n))
		return;
	n.standing = Standing::Intact;
	r.action = JOURNAL_FORGOT;
	r.epoch = std::max(h.forgotten, journal_forgotten(n.j));
	append(n, r, -1, -1, false);
	r.action = JOURNAL_DROPPED;
	r.epoch = h.horizon;
	append(n, r, -1, -1, false);
	note("node %d has caught up", n.index);
}

/* Note which of the sums are a node's own too, and not of contents that others have replaced. */
World::Sums World::agree_on(
	Node &n, int peer, const Sums &sums, const std::map<uint32_t, uint32_t> &seen)
{
	Sums agreed;

	for (auto [epoch, sum] : sums) {
		const journal_epoch *e = journal_find_epoch(n.j, epoch);
		journal_record r{};

		if (!e || e->sum != sum || (rules.reopen_content && e->repairs != seen.at(epoch)))
			continue;
		r.action = JOURNAL_SETTLED;
		r.peer = static_cast<uint32_t>(peer);
		r.epoch = epoch;
		r.sum = sum;
		append(n, r, -1, -1, false);
		agreed[epoch] = sum;
	}
	return agreed;
}

/* What the peer has forgotten, and all keys of which were compared, is settled with it. */
void World::settle_forgotten(const SessionPtr &x, Node &n, int peer, const Hello &h,
	const std::map<uint32_t, uint32_t> &seen)
{
	Sums sums;

	for (uint32_t epoch : x->epochs) {
		const journal_epoch *e = journal_find_epoch(n.j, epoch);

		if (e && epoch <= h.forgotten && !x->failed.count(epoch))
			sums[epoch] = e->sum;
	}
	agree_on(n, peer, sums, seen);
}

void World::settle(const SessionPtr &x)
{
	Node &a = nodes[static_cast<size_t>(x->a)], &b = nodes[static_cast<size_t>(x->b)];
	Sums sums;

	for (uint32_t epoch : x->epochs) {
		const journal_epoch *e = journal_find_epoch(a.j, epoch);

		if (e && !x->failed.count(epoch) &&
			(!rules.reopen_content || e->repairs == x->repairs_a[epoch]))
			sums[epoch] = e->sum;
	}
	send(x->a, x->b, [this, x, sums, &a, &b] {
		if (broken(x))
			return;
		Sums agreed = agree_on(b, x->a, sums, x->repairs_b);
		settle_forgotten(x, b, x->a, x->hello_a, x->repairs_b);
		caught_up(x, b, x->standing_a, x->a, x->hello_a);
		send(x->b, x->a, [this, x, agreed, &a] {
			if (broken(x))
				return;
			agree_on(a, x->b, agreed, x->repairs_a);
			settle_forgotten(x, a, x->b, x->hello_b, x->repairs_a);
			caught_up(x, a, x->standing_b, x->b, x->hello_b);
			end_session(x);
		});
	});
}

void World::forget(Node &n)
{
	uint32_t limit = epoch_before(n, s.max_delay_ms);

	if (n.standing != Standing::Intact)
		return;
	for (;;) {
		size_t count;
		const journal_epoch *e = journal_epochs(n.j, &count);
		uint64_t said;

		if (count == 0 || e->epoch >= limit)
			return;
		said = e->said;
		for (size_t i = 0; i < nodes.size(); i++)
			if (static_cast<int>(i) != n.index && n.pairs[i].forgotten >= e->epoch)
				said |= UINT64_C(1) << i;
		if (rules.forget_all ? !settled_with_all(n, *e) || (said & others(n)) != others(n)
				     : e->settled == 0)
			return;
		journal_record r{};

		r.action = JOURNAL_FORGOT;
		r.epoch = e->epoch;
		note("node %d forgets %u", n.index, e->epoch);
		append(n, r, -1, -1, false);
	}
}

} // namespace sim
