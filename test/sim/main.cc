/*
 * sim - whole rings of journals and sessions against every fault, each from one seed.
 *
 *   sim SEEDS [--show] [--without=RULE]     SEEDS: 7, or 1-1000
 *   sim SEEDS --mutants                     each rule left out must fail a seed
 *
 * Exit status: 0 no violation (with --mutants: every rule was missed), 1 otherwise, 2 usage.
 */
#include "sim/world.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace sim
{

Rules rules;
bool show = false;

namespace
{

#define SHOWN_MAX 10

struct Mutant {
	const char *name;
	bool Rules::*rule;
	bool is_needed; /* some seed fails without it; else another rule covers for it */
};

const Mutant mutants[] = {
	{"compare_and_set", &Rules::compare_and_set, true},
	{"sums", &Rules::sums, true},
	{"late_refusal", &Rules::late_refusal, true},
	{"mixed_for_older", &Rules::mixed_for_older, true},
	{"log_before_send", &Rules::log_before_send, true},
	{"forget_all", &Rules::forget_all, true},
	{"void_marks", &Rules::void_marks, true},
	{"full_comparison", &Rules::full_comparison, true},
	{"mixed_while_behind", &Rules::mixed_while_behind, true},
	{"forgotten_loses", &Rules::forgotten_loses, true},
	{"reopen", &Rules::reopen, true},
	{"reopen_content", &Rules::reopen_content, true},
	{"close_epochs", &Rules::close_epochs, true},
	{"wait", &Rules::wait, true},
	{"fence", &Rules::fence, true},
	{"fresh_keys", &Rules::fresh_keys, true},
	{"unheard_is_mixed", &Rules::unheard_is_mixed, true},
};

struct Sum {
	uint64_t steps = 0, faults = 0, acknowledged = 0, failed = 0, first_failed = 0;
};

Sum run_seeds(uint64_t first, uint64_t last, bool tell, bool one_is_enough)
{
	Sum sum;

	for (uint64_t seed = first; seed <= last; seed++) {
		World w(seed);
		bool ok = w.run();

		sum.steps += w.steps;
		sum.faults += w.faults;
		sum.acknowledged += w.acknowledged;
		if (ok)
			continue;
		if (sum.failed++ == 0)
			sum.first_failed = seed;
		if (tell && sum.failed <= SHOWN_MAX)
			printf("seed %" PRIu64 ": %s\n", seed, w.failure.c_str());
		if (one_is_enough)
			break;
	}
	return sum;
}

bool run_mutants(uint64_t first, uint64_t last)
{
	bool ok = true;

	for (const Mutant &m : mutants) {
		rules = Rules();
		rules.*m.rule = false;
		Sum sum = run_seeds(first, last, false, true);
		bool caught = sum.failed > 0;

		if (caught)
			printf("without %s: seed %" PRIu64 " fails\n", m.name, sum.first_failed);
		else
			printf("without %s: no seed fails%s\n", m.name,
				m.is_needed ? "" : ", as expected");
		ok = ok && caught == m.is_needed;
	}
	return ok;
}

int usage()
{
	fprintf(stderr, "usage: sim SEEDS [--show] [--without=RULE] | sim SEEDS --mutants\n");
	return 2;
}

bool leave_out(const char *name)
{
	for (const Mutant &m : mutants) {
		if (strcmp(name, m.name) == 0) {
			rules.*m.rule = false;
			return true;
		}
	}
	fprintf(stderr, "sim: there is no rule '%s'\n", name);
	return false;
}

int run(int argc, char **argv)
{
	uint64_t first, last;
	bool with_mutants = false;
	auto began = std::chrono::steady_clock::now();

	if (argc < 2)
		return usage();
	switch (sscanf(argv[1], "%" SCNu64 "-%" SCNu64, &first, &last)) {
	case 2:
		break;
	case 1:
		last = first;
		break;
	default:
		return usage();
	}
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--show") == 0)
			show = true;
		else if (strcmp(argv[i], "--mutants") == 0)
			with_mutants = true;
		else if (strncmp(argv[i], "--without=", 10) != 0)
			return usage();
		else if (!leave_out(argv[i] + 10))
			return 2;
	}
	if (with_mutants)
		return run_mutants(first, last) ? 0 : 1;
	Sum sum = run_seeds(first, last, true, false);
	std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
	printf("%" PRIu64 " seeds, %" PRIu64 " steps, %" PRIu64 " faults, %" PRIu64
	       " writes acknowledged, %.1f s: %" PRIu64 " failed\n",
		last - first + 1, sum.steps, sum.faults, sum.acknowledged, took.count(),
		sum.failed);
	return sum.failed > 0 ? 1 : 0;
}

} // namespace
} // namespace sim

int main(int argc, char **argv)
{
	return sim::run(argc, argv);
}
