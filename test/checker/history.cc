#include "checker/history.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <stdexcept>

namespace checker
{
namespace
{

const char *const kNames[kKinds] = {
	"register", "once", "fleeting", "expiring", "counter", "set", "list", "hash", "queue"};

/* Writes through different nodes within it have no order: the clocks of stamps count in ms. */
constexpr int64_t kSlackUs = 5000;

using Operations = std::vector<const Operation *>;

bool is_after(const Operation &a, const Operation &b)
{
	return b.end_us != kNever && a.begin_us > b.end_us + kSlackUs;
}

/* The operations of one key, and what is known of them. */
class Key
{
      public:
	Key(const History &history, Operations all) : history_(history), all_(std::move(all))
	{
	}

	const Operations &all() const
	{
		return all_;
	}
	Operations with(Action action) const
	{
		Operations some;

		for (const Operation *o : all_)
			if (o->action == action)
				some.push_back(o);
		return some;
	}
	Operations overwrites() const
	{
		Operations some = with(Action::kPut);

		for (const Operation *o : with(Action::kDelete))
			some.push_back(o);
		return some;
	}

	/* Acknowledged, and not all that had it may have lost it. */
	bool is_certain(const Operation &o) const
	{
		std::set<size_t> lost;

		for (const Loss &l : history_.losses)
			if (l.at_us >= o.begin_us)
				lost.insert(l.node);
		return o.answer == Answer::kAcknowledged && lost.size() < history_.copies;
	}
	bool any_certain(const Operations &some) const
	{
		return std::any_of(some.begin(), some.end(),
			[&](const Operation *o) { return is_certain(*o); });
	}
	/* One of these is certain, and began after o ended. */
	bool is_overwritten(const Operation &o, const Operations &by) const
	{
		return std::any_of(by.begin(), by.end(), [&](const Operation *w) {
			return w != &o && is_certain(*w) && is_after(*w, o);
		});
	}
	bool quiet() const
	{
		return history_.quiet;
	}

      private:
	const History &history_;
	Operations all_;
};

bool deadline_fits(const Operation &o, int64_t deadline_ms)
{
	if (o.ttl_ms == 0)
		return deadline_ms == 0;
	const int64_t earliest = o.begin_us / 1000 + o.ttl_ms - kDeadlineSlackMs;
	const int64_t latest =
		o.end_us == kNever ? kNever : o.end_us / 1000 + o.ttl_ms + kDeadlineSlackMs;

	return deadline_ms >= earliest && deadline_ms <= latest;
}

bool may_have_expired(const Operation &o, int64_t read_us)
{
	return o.action == Action::kPut && o.ttl_ms > 0 &&
	       o.begin_us / 1000 + o.ttl_ms <= read_us / 1000 + kDeadlineSlackMs;
}

/* ---- Keys that are overwritten and deleted only ---- */

std::string check_absent(const Key &k, int64_t read_us)
{
	const Operations writes = k.overwrites();
	bool possible = !k.any_certain(k.with(Action::kPut));

	for (const Operation *o : writes)
		if ((o->action == Action::kDelete || may_have_expired(*o, read_us)) &&
			!k.is_overwritten(*o, writes))
			possible = true;
	return possible ? "" : "I2: it is nowhere, though a write of it was acknowledged last";
}

std::string check_value(const Key &k, const Content &c)
{
	const Operations writes = k.overwrites();
	const auto found = std::find_if(writes.begin(), writes.end(), [&](const Operation *o) {
		return o->action == Action::kPut && o->value == c.elements.at(0);
	});

	if (c.type != "string" || found == writes.end())
		return "it holds what was never written";
	const Operation &o = **found;
	for (const Operation *w : writes)
		if (w != &o && k.is_certain(*w) && is_after(*w, o))
			return w->action == Action::kDelete
				       ? "I3: it is back: its delete was acknowledged later"
				       : "I2: an acknowledged newer write of it was undone";
	return deadline_fits(o, c.deadline_ms) ? "" : "its deadline is not that of its write";
}

std::string check_overwrites(const Key &k, const Content *c, int64_t read_us)
{
	return c ? check_value(k, *c) : check_absent(k, read_us);
}

/* ---- Keys with updates ---- */

/* A newer update may win over a write that its side has not; what comes last may not. */
std::string check_deleted_last(const Key &k, const Content *c)
{
	for (const Operation *d : k.with(Action::kDelete)) {
		const bool is_last = std::all_of(k.all().begin(), k.all().end(),
			[&](const Operation *o) { return o == d || is_after(*d, *o); });

		if (c && is_last && k.is_certain(*d))
			return "I3: it is back: its delete was acknowledged last";
	}
	return "";
}

std::string check_expiring(const Key &k, const Content *c, int64_t read_us)
{
	if (!c)
		return k.quiet() ? check_absent(k, read_us) : "";
	Content plain = *c;
	bool fits = c->deadline_ms == 0;

	for (const Operation *o : k.with(Action::kExpire))
		fits = fits || deadline_fits(*o, c->deadline_ms);
	plain.deadline_ms = 0;
	if (!fits)
		return "its deadline was never given to it";
	if (k.quiet())
		return check_value(k, plain);
	for (const Operation *o : k.with(Action::kPut))
		if (o->value == c->elements.at(0))
			return check_deleted_last(k, c);
	return "it holds what was never written";
}

std::string check_counter(const Key &k, const Content *c)
{
	const Operations all = k.with(Action::kAdd);
	const auto acknowledged = std::count_if(all.begin(), all.end(),
		[](const Operation *o) { return o->answer == Answer::kAcknowledged; });
	const long most = static_cast<long>(all.size());
	const long least = k.quiet() ? static_cast<long>(acknowledged) : k.any_certain(all);
	const long n = c ? std::stol(c->elements.at(0)) : 0;
	std::ostringstream out;

	if (n < least || n > most)
		out << "it is " << n << ", of at least " << least << " and at most " << most;
	return out.str();
}

std::string field_of(const std::string &element)
{
	return element.substr(0, element.find('='));
}

/* What takes an element away or writes over it. */
Operations enders(const Key &k, const Operation &add, bool is_hash)
{
	Operations some = k.with(Action::kDelete);

	for (const Operation *o : k.with(Action::kRemove))
		if (o->value == (is_hash ? field_of(add.value) : add.value))
			some.push_back(o);
	for (const Operation *o : k.with(Action::kAdd))
		if (is_hash && o != &add && field_of(o->value) == field_of(add.value))
			some.push_back(o);
	return some;
}

/* Nothing happened to the ring: each element that must be there is, no other. */
std::string check_exact(const Key &k, const std::set<std::string> &held, bool is_hash)
{
	for (const Operation *o : k.with(Action::kAdd)) {
		const Operations end = enders(k, *o, is_hash);
		const bool is_there = held.count(o->value) > 0;
		const bool must = k.is_certain(*o) &&
				  std::all_of(end.begin(), end.end(),
					  [&](const Operation *e) { return is_after(*o, *e); });

		if (is_there && k.is_overwritten(*o, end))
			return o->value + " is back: its end was acknowledged later";
		if (!is_there && must)
			return o->value + " was acknowledged, and is not there";
	}
	return "";
}

std::string check_elements(const Key &k, const Content *c, bool is_hash)
{
	const Operations adds = k.with(Action::kAdd);
	std::set<std::string> written, held;

	for (const Operation *o : adds)
		written.insert(o->value);
	if (c)
		for (const std::string &e : c->elements) {
			if (!written.count(e))
				return "it holds what was never written: " + e;
			if (!held.insert(e).second)
				return "it holds twice what was written once: " + e;
		}
	if (!c && adds.size() == k.all().size() && k.any_certain(adds))
		return "it is nowhere, though updates of it were acknowledged";
	if (k.quiet())
		return check_exact(k, held, is_hash);
	return check_deleted_last(k, c);
}

std::string check_key(const std::string &key, const Key &k, const Content *c, int64_t read_us)
{
	switch (kind_of(key)) {
	case Kind::kRegister:
	case Kind::kOnce:
	case Kind::kFleeting:
		return check_overwrites(k, c, read_us);
	case Kind::kExpiring:
		return check_expiring(k, c, read_us);
	case Kind::kCounter:
		return check_counter(k, c);
	case Kind::kSet:
	case Kind::kList:
	case Kind::kQueue:
		return check_elements(k, c, false);
	case Kind::kHash:
		return check_elements(k, c, true);
	}
	return "";
}

const Content *find(const Dataset &d, const std::string &key)
{
	const auto found = d.find(key);

	return found == d.end() ? nullptr : &found->second;
}

std::string compare_key(const Content *a, const Content *b)
{
	if (!a || !b)
		return a ? "is on the first only" : "is on the second only";
	if (a->type != b->type || a->elements != b->elements)
		return "differs";
	const bool both = a->deadline_ms && b->deadline_ms;
	const int64_t apart = a->deadline_ms - b->deadline_ms;

	if (both ? std::abs(apart) > kDeadlineSlackMs : apart != 0)
		return "has deadlines that are " + std::to_string(apart) + " ms apart";
	return "";
}

const char *action_name(Action a)
{
	switch (a) {
	case Action::kPut:
		return "put";
	case Action::kDelete:
		return "delete";
	case Action::kAdd:
		return "add";
	case Action::kRemove:
		return "remove";
	case Action::kExpire:
		return "expire";
	}
	return "";
}

} // namespace

const char *kind_name(Kind kind)
{
	return kNames[static_cast<int>(kind)];
}

Kind kind_of(const std::string &key)
{
	const std::string name = key.substr(0, key.find(':'));

	for (int i = 0; i < kKinds; i++)
		if (name == kNames[i])
			return static_cast<Kind>(i);
	throw std::runtime_error("a key of no kind: " + key);
}

std::vector<std::string> differences(const Dataset &a, const Dataset &b)
{
	std::vector<std::string> all;
	std::set<std::string> keys;

	for (const auto *d : {&a, &b})
		for (const auto &k : *d)
			keys.insert(k.first);
	for (const std::string &key : keys) {
		const std::string what = compare_key(find(a, key), find(b, key));

		if (!what.empty())
			all.push_back("I1: " + key + " " + what);
	}
	return all;
}

std::vector<std::string> violations(
	const History &history, const Dataset &final_state, int64_t read_us)
{
	std::map<std::string, Operations> by_key;
	std::vector<std::string> all;

	for (const Operation &o : history.operations)
		by_key[o.key].push_back(&o);
	for (const auto &k : by_key) {
		const std::string what = check_key(
			k.first, Key(history, k.second), find(final_state, k.first), read_us);

		if (!what.empty())
			all.push_back(k.first + ": " + what);
	}
	for (const auto &k : final_state)
		if (!by_key.count(k.first))
			all.push_back(k.first + ": nobody has ever written it");
	return all;
}

std::string story(const History &history, const std::string &key)
{
	std::ostringstream out;
	Operations all;

	for (const Operation &o : history.operations)
		if (o.key == key)
			all.push_back(&o);
	std::sort(all.begin(), all.end(),
		[](const Operation *a, const Operation *b) { return a->begin_us < b->begin_us; });
	for (const Operation *o : all) {
		out << "  " << o->begin_us << " ";
		if (o->end_us == kNever)
			out << "never";
		else
			out << "+" << o->end_us - o->begin_us << " us";
		out << " node " << o->node << " " << action_name(o->action) << " " << o->value;
		if (o->ttl_ms)
			out << " for " << o->ttl_ms << " ms";
		out << (o->answer == Answer::kAcknowledged ? ": acknowledged" : ": unknown")
		    << "\n";
	}
	return out.str();
}

} // namespace checker
