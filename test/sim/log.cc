#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- The log and the journal ---- */

/* The command that a record is the answer of, or SIZE_MAX. */
size_t World::command_of(const Node &n, const LogRecord &l)
{
	const journal_action action = l.record.action;

	if (action != JOURNAL_TAKEN && action != JOURNAL_WITHDRAWN && action != JOURNAL_REPAIRED)
		return SIZE_MAX;
	for (size_t i = n.log.size(); i-- > 0;) {
		const LogRecord &c = n.log[i];

		if (c.is_void || !c.is_command || c.record.stamp != l.record.stamp ||
			c.key != l.key)
			continue;
		if (action == JOURNAL_WITHDRAWN ||
			(action == JOURNAL_TAKEN) == (c.record.action == JOURNAL_SENT))
			return i;
	}
	return SIZE_MAX;
}

void World::append(Node &n, const journal_record &r)
{
	LogRecord l;

	l.record = r;
	if (r.len > 0) {
		l.key.assign(static_cast<const char *>(r.key), r.len);
		l.lane = lane_of(key_of(r.key, r.len));
	}
	if (r.n_entries > 0)
		l.entries.assign(r.entries, r.entries + r.n_entries);
	l.is_command = r.action == JOURNAL_SENT || r.action == JOURNAL_REPAIR;
	l.answers = command_of(n, l);
	if (r.action == JOURNAL_FORGOT)
		note("node %d forgets %u", n.index, r.epoch);
	n.log.push_back(std::move(l));
}

/* The record, with what it borrows. */
static journal_record whole(const LogRecord &l)
{
	journal_record r = l.record;

	r.key = l.key.data();
	r.len = l.key.size();
	r.entries = l.entries.data();
	r.n_entries = l.entries.size();
	return r;
}

void World::replay(Node &n, const LogRecord &l)
{
	const journal_record r = whole(l);

	if (!recon_core_replay(n.core, &r))
		fail("no memory");
}

/* Append the answer of a command. */
void World::record_as(Node &n, size_t at, journal_action action, bool mixed)
{
	const LogRecord l = n.log[at];
	journal_record r = whole(l);

	r.action = action;
	r.mixed |= mixed;
	if (!recon_core_record(n.core, &r))
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
		const LogRecord &l = n.log[i];

		if (l.is_void || !l.is_command || answered.count(i))
			continue;
		/* Redis may have refused a write. */
		if (l.record.action == JOURNAL_SENT)
			record_as(n, i, JOURNAL_TAKEN, rules.unheard_is_mixed);
		else
			record_as(n, i, JOURNAL_REPAIRED, false);
	}
}

/*
 * The journal as it was when the dataset was what it is now: commands beyond their lane's marker
 * are void, and what was agreed on after the first of them does not count.
 */
void World::rebuild(Node &n)
{
	size_t first_void;

	find_void(n, &first_void);
	if (!recon_core_restart(n.core, nullptr)) {
		fail("no memory");
		return;
	}
	for (const LogRecord &l : n.log)
		if (!l.is_void)
			replay(n, l);
	take_unheard(n);
	if (n.log.empty() || (first_void == SIZE_MAX && !n.redis.done.empty()))
		return;
	recon_core_came_back(n.core, recon_core_kept(n.core)->incarnation + 1);
	note("node %d came back with less; complete up to %u, horizon %u", n.index,
		recon_core_kept(n.core)->complete, journal_horizon(journal_of(n)));
}

} // namespace sim
