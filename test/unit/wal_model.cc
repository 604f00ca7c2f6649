#include "unit/wal_model.h"

#include "journal/stamp.h"

#include <algorithm>
#include <set>
#include <sstream>

namespace wal_model
{
namespace
{

constexpr uint64_t kSumSeed = 42;

void add_key(void *arg, const void *key, size_t len, const journal_chain *c)
{
	auto *lines = static_cast<std::set<std::string> *>(arg);
	std::ostringstream s;

	s << std::hex << std::string(static_cast<const char *>(key), len) << " repaired "
	  << c->repaired << " under way " << c->under_way;
	for (size_t i = 0; i < c->n; i++) {
		const journal_entry &e = c->entries[i];

		s << " [" << e.epoch << " " << e.newest << " " << e.overwrite << " " << e.sum << " "
		  << e.count << " " << e.mixed << "]";
	}
	lines->insert(s.str());
}

} // namespace

std::string dump(const journal *j)
{
	std::set<std::string> lines;
	std::ostringstream s;
	size_t n;
	const journal_epoch *epochs = journal_epochs(j, &n);

	journal_each(j, add_key, &lines);
	for (const std::string &line : lines)
		s << line << "\n";
	for (size_t i = 0; i < n; i++)
		s << "epoch " << epochs[i].epoch << " mixed " << epochs[i].n_mixed << " entries "
		  << epochs[i].n_entries << " sum " << epochs[i].sum << " settled "
		  << epochs[i].settled << " said " << epochs[i].said << " repairs "
		  << epochs[i].repairs << "\n";
	s << "forgotten " << journal_forgotten(j) << " closed " << journal_closed(j) << " horizon "
	  << journal_horizon(j) << "\n";
	return s.str();
}

Model::Model(const std::string &dir, uint64_t seed, uint64_t max_bytes, uint32_t lanes, int keys)
    : random(seed), dir_(dir), max_bytes_(max_bytes), lanes_(lanes), keys_(keys), under_way_(lanes)
{
	for (uint32_t i = 0; i < kShares; i++) {
		journals_.push_back(journal_new(kSumSeed));
		list_journals_.push_back(journal_new(kSumSeed));
	}
}

Model::~Model()
{
	close();
	for (journal *j : journals_)
		journal_free(j);
	for (journal *j : list_journals_)
		journal_free(j);
}

const journal *Model::journal_of(void *arg, uint32_t share)
{
	return static_cast<Model *>(arg)->journals_.at(share);
}

void Model::restart(void *arg)
{
	for (journal *&j : static_cast<Model *>(arg)->journals_) {
		journal_free(j);
		j = journal_new(kSumSeed);
	}
}

bool Model::apply(void *arg, uint32_t share, const journal_record *r)
{
	return journal_do(static_cast<Model *>(arg)->journals_.at(share), r);
}

bool Model::open()
{
	const wal_options o = {dir_.c_str(), max_bytes_, journal_of, this};
	char text[WAL_WHY_MAX] = "";

	restart(this);
	log = wal_open(&o, text);
	why = text;
	if (!log)
		return false;
	for (uint32_t i = 0; i < kShares; i++)
		if (wal_share(log, 1000 + i) != i)
			return false;
	return true;
}

void Model::close()
{
	flushed_ = list_.size();
	wal_close(log);
	log = nullptr;
}

void Model::lose()
{
	list_.resize(flushed_);
	for (auto &l : under_way_)
		l.clear();
}

bool Model::flush()
{
	flushed_ = list_.size();
	return wal_flush(log, now_ms_ += 10);
}

/* ---- Records ---- */

void Model::record(Record r)
{
	r.r.key = r.key.data();
	r.r.len = r.key.size();
	r.r.entries = r.entries.data();
	r.r.n_entries = r.entries.size();
	r.position = wal_append(log, r.share, r.lane, &r.r);
	journal_do(journals_[r.share], &r.r);
	list_.push_back(std::move(r));
	apply_to_list(list_.back());
}

void Model::apply_to_list(const Record &r)
{
	journal_record again = r.r;

	again.key = r.key.data();
	again.len = r.key.size();
	again.entries = r.entries.data();
	again.n_entries = r.entries.size();
	journal_do(list_journals_[r.share], &again);
}

uint64_t Model::draw()
{
	stamp_ms_ += static_cast<uint64_t>(below(300));
	return stamp_make(stamp_ms_ - static_cast<uint64_t>(below(20) == 0 ? below(20000) : 0),
		static_cast<uint32_t>(below(4)), static_cast<uint32_t>(below(4096)));
}

std::vector<journal_entry> Model::some_entries()
{
	std::vector<journal_entry> entries;
	uint64_t ms = stamp_ms_;

	for (int64_t n = below(4); n > 0; n--) {
		journal_entry e{};

		e.newest = stamp_make(ms, 3, static_cast<uint32_t>(below(4096)));
		e.epoch = stamp_epoch(e.newest);
		e.overwrite = below(3) == 0 ? e.newest : below(2) ? e.newest - 5 : 0;
		e.sum = random();
		e.count = static_cast<uint32_t>(below(1000) + 1);
		e.mixed = below(3) == 0;
		entries.push_back(e);
		ms -= 8192 * static_cast<uint64_t>(1 + below(3));
	}
	return entries;
}

void Model::send(bool is_repair)
{
	const int key = static_cast<int>(below(keys_));
	Record r;

	r.key = "key:" + std::to_string(key);
	r.share = static_cast<uint32_t>(key) % kShares;
	r.lane = static_cast<uint32_t>(key) % lanes_;
	r.is_command = true;
	r.r.kind = static_cast<journal_kind>(below(3));
	r.r.mixed = below(10) == 0;
	r.r.stamp = draw();
	r.r.action = JOURNAL_SENT;
	if (is_repair) {
		r.r.action = JOURNAL_REPAIR;
		r.entries = some_entries();
		r.r.stamp = r.entries.empty() ? 0 : r.entries[0].newest;
		r.r.epoch = stamp_epoch(draw()) - 2;
		r.r.mixed = false;
		r.r.kind = JOURNAL_UPDATE;
	}
	under_way_[r.lane].push_back(list_.size());
	record(std::move(r));
}

void Model::answer(uint32_t lane, bool plain)
{
	if (under_way_[lane].empty())
		return;
	const size_t at = under_way_[lane].front();
	const bool is_repair = list_[at].r.action == JOURNAL_REPAIR;
	Record r = list_[at];

	under_way_[lane].pop_front();
	r.is_command = false;
	r.answers = at;
	r.r.action = is_repair ? JOURNAL_REPAIRED : JOURNAL_TAKEN;
	if (!plain && below(10) == 0)
		r.r.action = JOURNAL_WITHDRAWN;
	else if (!plain && !is_repair && below(10) == 0)
		r.r.mixed = true;
	record(std::move(r));
}

void Model::answer_all()
{
	for (uint32_t l = 0; l < lanes_; l++)
		while (!under_way_[l].empty())
			answer(l, true);
}

/* What is agreed on with peers. */
void Model::agree()
{
	Record r;
	size_t n;

	r.share = static_cast<uint32_t>(below(kShares));
	const journal_epoch *epochs = journal_epochs(journals_[r.share], &n);
	const uint32_t now = stamp_epoch(stamp_make(stamp_ms_, 0, 0));
	r.r.peer = static_cast<uint32_t>(below(JOURNAL_PEERS_MAX));
	r.r.epoch = now - static_cast<uint32_t>(below(8));
	switch (below(8)) {
	case 0:
		r.r.action = JOURNAL_CLOSED;
		break;
	case 1:
		r.r.action = JOURNAL_FORGOT;
		r.r.epoch = now - 20 - static_cast<uint32_t>(below(20));
		break;
	case 2:
		r.r.action = JOURNAL_DROPPED;
		break;
	case 3:
		r.r.action = JOURNAL_REPUDIATED;
		break;
	default:
		if (n == 0)
			return;
		r.r.action = below(2) ? JOURNAL_SETTLED : JOURNAL_SAID;
		r.r.epoch = epochs[below(static_cast<int64_t>(n))].epoch;
		r.r.sum = journal_find_epoch(journals_[r.share], r.r.epoch)->sum;
	}
	record(std::move(r));
}

void Model::act()
{
	const int64_t dice = below(100);

	if (dice < 40) {
		send(dice < 4);
	} else if (dice < 82) {
		answer(static_cast<uint32_t>(below(lanes_)), false);
	} else if (dice < 92) {
		const int key = static_cast<int>(below(keys_));
		Record r;

		r.key = "key:" + std::to_string(key);
		r.share = static_cast<uint32_t>(key) % kShares;
		r.lane = static_cast<uint32_t>(key) % lanes_;
		r.r.stamp = draw();
		r.r.kind = static_cast<journal_kind>(below(3));
		r.r.mixed = below(2) == 0;
		r.r.action = dice < 86   ? JOURNAL_COUNTED
			     : dice < 89 ? JOURNAL_LEFT
					 : JOURNAL_ALIGNED;
		if (r.r.action == JOURNAL_ALIGNED)
			r.entries = some_entries();
		record(std::move(r));
	} else {
		agree();
	}
}

/* ---- The dataset came back ---- */

std::vector<size_t> Model::commands() const
{
	std::vector<size_t> n(lanes_);

	for (const Record &r : list_)
		n[r.lane] += r.is_command && !r.is_void;
	return n;
}

enum marker_verdict Model::rebuild(bool has_journals)
{
	return rebuild_to(commands(), has_journals);
}

enum marker_verdict Model::rebuild_to(const std::vector<size_t> &n, bool has_journals)
{
	const marker_host host = {restart, apply, this};
	std::vector<marker_found> found(WAL_LANES_MAX);
	std::vector<size_t> left = n;
	bool is_empty = true;

	for (const Record &r : list_) {
		if (!r.is_command || r.is_void || left[r.lane] == 0)
			continue;
		left[r.lane]--;
		found[r.lane].what = marker_found::MARKER_THERE;
		found[r.lane].marker = {wal_id(log), r.lane, r.position};
		is_empty = false;
	}
	return marker_rebuild(log, found.data(), is_empty, has_journals, &host);
}

enum marker_verdict Model::rebuild_with(const std::vector<marker_found> &found)
{
	const marker_host host = {restart, apply, this};

	return marker_rebuild(log, found.data(), false, false, &host);
}

/* As test/sim/log.cc. */
void Model::rebuild_list(const std::vector<size_t> &n, bool *lost)
{
	size_t first_void = SIZE_MAX;
	std::vector<size_t> left = n;
	std::set<size_t> answered;
	const size_t end = list_.size();

	for (size_t i = 0; i < end; i++) {
		Record &r = list_[i];

		if (!r.is_command || r.is_void)
			continue;
		if (left[r.lane] > 0) {
			left[r.lane]--;
			continue;
		}
		r.is_void = true;
		first_void = std::min(first_void, i);
	}
	for (size_t i = 0; i < end; i++) {
		Record &r = list_[i];

		if (r.is_command || r.is_void)
			continue;
		if (r.answers != SIZE_MAX)
			r.is_void = list_[r.answers].is_void;
		else
			r.is_void = i > first_void;
	}
	for (journal *&j : list_journals_) {
		journal_free(j);
		j = journal_new(kSumSeed);
	}
	for (const Record &r : list_) {
		if (r.is_void)
			continue;
		apply_to_list(r);
		if (r.answers != SIZE_MAX)
			answered.insert(r.answers);
	}
	for (size_t i = 0; i < end; i++) {
		if (list_[i].is_void || !list_[i].is_command || answered.count(i))
			continue;
		Record r = list_[i];

		r.is_command = false;
		r.answers = i;
		r.r.action = r.r.action == JOURNAL_REPAIR ? JOURNAL_REPAIRED : JOURNAL_TAKEN;
		if (r.r.action == JOURNAL_TAKEN)
			r.r.mixed = true;
		list_.push_back(r);
		apply_to_list(list_.back());
	}
	for (auto &l : under_way_)
		l.clear();
	*lost = first_void != SIZE_MAX;
}

std::string Model::dumped() const
{
	std::string all;

	for (const journal *j : journals_)
		all += dump(j);
	return all;
}

std::string Model::listed() const
{
	std::string all;

	for (const journal *j : list_journals_)
		all += dump(j);
	return all;
}

} // namespace wal_model
