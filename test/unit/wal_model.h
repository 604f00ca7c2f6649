/*
 * wal_model - a log of writes beside a plain list of the same records, which does what the
 * simulator's log does; and random records for both.
 */
#ifndef TEST_UNIT_WAL_MODEL_H
#define TEST_UNIT_WAL_MODEL_H

#include "journal/journal.h"
#include "journal/marker.h"
#include "journal/wal.h"

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace wal_model
{

/* All that a journal says, as text. */
std::string dump(const journal *j);

struct Record {
	journal_record r{};
	std::string key;
	std::vector<journal_entry> entries;
	uint32_t share = 0, lane = 0;
	bool is_command = false, is_void = false;
	size_t answers = SIZE_MAX; /* the command that it is the answer of */
	uint64_t position = 0;
};

class Model
{
      public:
	Model(const std::string &dir, uint64_t seed, uint64_t max_bytes = UINT64_C(1) << 28,
		uint32_t lanes = 3, int keys = 40);
	~Model();
	Model(const Model &) = delete;
	Model &operator=(const Model &) = delete;

	/* Open the log, with empty journals; false with why set. */
	bool open();
	void close();
	/* As after a kill: what was not flushed is gone from both. */
	void lose();

	void act();        /* a random record */
	void answer_all(); /* every command is answered */
	bool flush();
	/* The dataset has all, or the first n[lane] commands that are not void of each lane. */
	enum marker_verdict rebuild(bool has_journals);
	enum marker_verdict rebuild_to(const std::vector<size_t> &n, bool has_journals);
	enum marker_verdict rebuild_with(const std::vector<marker_found> &found);
	/* The same by the list alone; *lost: something is void now that was not. */
	void rebuild_list(const std::vector<size_t> &n, bool *lost);
	std::vector<size_t> commands() const; /* of each lane, not void */

	/* Of all journals: those of the log, those of the list. */
	std::string dumped() const;
	std::string listed() const;

	wal *log = nullptr;
	std::string why;
	std::mt19937_64 random;

      private:
	static const journal *journal_of(void *arg, uint32_t share);
	static void restart(void *arg);
	static bool apply(void *arg, uint32_t share, const journal_record *r);
	void record(Record r);
	void apply_to_list(const Record &r);
	void send(bool is_repair);
	void answer(uint32_t lane, bool plain);
	void agree();
	uint64_t draw();
	std::vector<journal_entry> some_entries();
	int64_t below(int64_t n)
	{
		return static_cast<int64_t>(random() % static_cast<uint64_t>(n));
	}

	static constexpr uint32_t kShares = 2;
	std::string dir_;
	uint64_t max_bytes_;
	uint32_t lanes_;
	int keys_;
	std::vector<Record> list_;
	size_t flushed_ = 0; /* records of the list */
	std::vector<journal *> journals_, list_journals_;
	std::vector<std::deque<size_t>> under_way_; /* by lane */
	uint64_t stamp_ms_ = 100000000;
	int64_t now_ms_ = 1000;
};

} // namespace wal_model

#endif
