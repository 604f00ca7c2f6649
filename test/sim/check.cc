#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* What no dataset holds any more, nor anything newer, nobody can bring back. */
void World::bury()
{
	for (auto &w : writes) {
		bool held = false;

		for (Node &n : nodes) {
			auto it = n.redis.data.find(w->key);

			held |= it != n.redis.data.end() &&
				(it->second.has(w->stamp) || it->second.newest() >= w->stamp);
		}
		w->gone |= w->acknowledged && !held;
	}
}

void World::check()
{
	for (int key = 0; key < s.keys; key++) {
		const Content *first = nullptr;
		Stamp newest = 0, newest_delete = 0;

		for (Node &n : nodes) {
			const Content &c = n.redis.data[key];

			if (!first)
				first = &c;
			else if (!(c == *first))
				fail("I1: key %d differs between node 0 and %d", key, n.index);
		}
		for (Stamp w : first->writes)
			newest = std::max(newest, w);
		for (const auto &w : writes)
			if (w->key == key && w->kind == JOURNAL_DELETE)
				newest_delete = std::max(newest_delete, w->stamp);
		for (const auto &w : writes) {
			if (w->key != key || !w->acknowledged || w->gone)
				continue;
			if (first->has(w->stamp))
				continue;
			if (first->writes.empty() ? newest_delete < w->stamp : newest < w->stamp)
				fail("%s: key %d: acknowledged %" PRIx64
				     " (kind %d) is lost: newest "
				     "there %" PRIx64 ", newest delete %" PRIx64,
					w->kind == JOURNAL_DELETE ? "I3" : "I2", key, w->stamp,
					w->kind, newest, newest_delete);
		}
	}
	for (Node &n : nodes)
		if (journal_n_entries(journal_of(n)) > 0)
			fail("I1: the journal of node %d is not empty: %zu entries", n.index,
				journal_n_entries(journal_of(n)));
}

} // namespace sim
