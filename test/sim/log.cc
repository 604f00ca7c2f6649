#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- The log and the journal ---- */

size_t World::append(
	Node &n, const journal_record &r, int key, int lane, bool is_command, size_t answers)
{
	LogRecord l;

	l.record = r;
	l.key = key >= 0 ? name_of(key) : "";
	if (r.n_entries > 0)
		l.entries.assign(r.entries, r.entries + r.n_entries);
	l.lane = lane;
	l.is_command = is_command;
	l.answers = answers;
	n.log.push_back(std::move(l));
	apply(n, n.log.back());
	return n.log.size() - 1;
}

void World::apply(Node &n, const LogRecord &l)
{
	journal_record r = l.record;

	r.key = l.key.data();
	r.len = l.key.size();
	r.entries = l.entries.data();
	r.n_entries = l.entries.size();
	if (!journal_do(n.j, &r))
		fail("no memory");
}

/* Which records the dataset has nothing of: *first_void is the first of them, or SIZE_MAX. */
void World::find_void(Node &n, size_t *first_void)
{
	std::vector<size_t> past(static_cast<size_t>(s.lanes), 0); /* the marker of each lane */

	*first_void = SIZE_MAX;
	for (const Command &c : n.redis.done)
		past[static_cast<size_t>(c.lane)] = c.record + 1;
	for (size_t i = 0; i < n.log.size(); i++) {
		LogRecord &l = n.log[i];

		if (l.is_void || !l.is_command || i < past[static_cast<size_t>(l.lane)])
			continue;
		l.is_void = true;
		*first_void = std::min(*first_void, i);
	}
	for (size_t i = 0; i < n.log.size(); i++) {
		LogRecord &l = n.log[i];

		if (l.is_command || l.is_void)
			continue;
		if (l.answers != SIZE_MAX)
			l.is_void = n.log[l.answers].is_void;
		else if (rules.void_marks && i > *first_void)
			l.is_void = true;
	}
}

/* What was carried out without our hearing of it is taken. */
void World::take_unheard(Node &n)
{
	std::set<size_t> answered;
	size_t end = n.log.size();

	for (const LogRecord &l : n.log)
		if (!l.is_void && l.answers != SIZE_MAX)
			answered.insert(l.answers);
	for (size_t i = 0; i < end; i++) {
		LogRecord l = n.log[i];
		journal_record r = l.record;

		if (l.is_void || !l.is_command || answered.count(i))
			continue;
		if (r.action == JOURNAL_SENT) {
			r.action = JOURNAL_TAKEN;
			r.mixed = rules.unheard_is_mixed; /* Redis may have refused it */
		} else {
			r.action = JOURNAL_REPAIRED;
		}
		r.entries = l.entries.data();
		r.n_entries = l.entries.size();
		append(n, r, key_of(l.key.data(), l.key.size()), l.lane, false, i);
	}
}

/*
 * The journal as it was when the dataset was what it is now: commands beyond their lane's marker
 * are void, and what was agreed on after the first of them does not count.
 */
void World::rebuild(Node &n)
{
	size_t first_void, n_epochs;
	const journal_epoch *epochs;

	find_void(n, &first_void);
	journal_free(n.j);
	n.j = journal_new(SUM_SEED);
	for (const LogRecord &l : n.log)
		if (!l.is_void)
			apply(n, l);
	take_unheard(n);
	if (n.log.empty() || (first_void == SIZE_MAX && !n.redis.done.empty()))
		return;
	n.incarnation++;
	n.standing = Standing::Lost;
	n.contacted = n.compared = 0;
	n.complete = journal_forgotten(n.j);
	epochs = journal_epochs(n.j, &n_epochs);
	for (size_t i = 0; i < n_epochs && settled_with_all(n, epochs[i]); i++)
		n.complete = epochs[i].epoch;
	note("node %d came back with less; complete up to %u, horizon %u", n.index, n.complete,
		journal_horizon(n.j));
}

} // namespace sim
