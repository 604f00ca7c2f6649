#include "base/log.h"
#include "base/number.h"
#include "conf/conf_print.h"
#include "conf/conf_report.h"
#include "control/figures.h"
#include "node/daemon.h"
#include "node/engine.h"
#include "node/setup.h"

#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONF   "conf/dynomite.yml"
#define MMAP_THRESHOLD (256 * 1024)

enum {
	OPTION_HELP_CONF = 256,
};

struct invocation {
	const char *conf_file;
	const char *log_file;
	const char *pid_file;
	int level;
	bool test_conf;
	bool daemonize;
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{"test-conf", no_argument, NULL, 't'},
	{"daemonize", no_argument, NULL, 'd'},
	{"describe-stats", no_argument, NULL, 'D'},
	{"verbosity", required_argument, NULL, 'v'},
	{"output", required_argument, NULL, 'o'},
	{"conf-file", required_argument, NULL, 'c'},
	{"pid-file", required_argument, NULL, 'p'},
	{"help-conf", no_argument, NULL, OPTION_HELP_CONF},
	{NULL, 0, NULL, 0},
};

static void print_help(FILE *to)
{
	fprintf(to,
		"Usage: dynomite [-hVtdD] [-v N] [-o FILE] [-c FILE] [-p FILE]\n"
		"\n"
		"A proxy in front of a Redis, one node of a Dynomite-style ring: it serves clients,"
		"\n"
		"passes their writes on to the other racks and datacenters, and heals replicas "
		"that\n"
		"missed writes over the entropy channel.  dynomite.yml(5) says what it does.\n"
		"\n"
		"  -h, --help            this text\n"
		"  -V, --version         the version\n"
		"  -t, --test-conf       check the configuration, report all that is wrong, and "
		"exit\n"
		"  -d, --daemonize       run in the background once started; needs -o for a log\n"
		"  -D, --describe-stats  what the counters mean\n"
		"  -v, --verbosity N     log level, 0 (emerg) .. 11 (verbose); default %d "
		"(notice)\n"
		"  -o, --output FILE     log file; default standard error\n"
		"  -c, --conf-file FILE  configuration; default %s\n"
		"  -p, --pid-file FILE   write the process id there, and remove it at the end\n"
		"      --help-conf       every key of the configuration\n"
		"\n"
		"Signals: TERM and INT stop, HUP reopens the log, TTIN and TTOU raise and lower "
		"its level.\n",
		LOG_LEVEL_DEFAULT, DEFAULT_CONF);
}

static bool parse_level(const char *text, int *level)
{
	uint64_t value;

	if (number_read(text, strlen(text), LOG_LEVEL_MAX, &value) != NUMBER_OK) {
		fprintf(stderr, "dynomite: -v %s: the level must be 0..%d\n", text, LOG_LEVEL_MAX);
		return false;
	}
	*level = (int)value;
	return true;
}

/* Returns the exit status of an option such as --help that ends the program, or -1 to go on. */
static int parse_options(int argc, char **argv, struct invocation *inv)
{
	int option;

	while ((option = getopt_long(argc, argv, "hVtdDv:o:c:p:", long_options, NULL)) != -1) {
		switch (option) {
		case 'h':
			print_help(stdout);
			return EXIT_SUCCESS;
		case 'V':
			printf("dynomite %s\n", DYN_ENTROPY_VERSION);
			return EXIT_SUCCESS;
		case 'D':
			control_figures_describe(stdout);
			return EXIT_SUCCESS;
		case OPTION_HELP_CONF:
			conf_print_help(stdout);
			return EXIT_SUCCESS;
		case 't':
			inv->test_conf = true;
			break;
		case 'd':
			inv->daemonize = true;
			break;
		case 'v':
			if (!parse_level(optarg, &inv->level))
				return EXIT_FAILURE;
			break;
		case 'o':
			inv->log_file = optarg;
			break;
		case 'c':
			inv->conf_file = optarg;
			break;
		case 'p':
			inv->pid_file = optarg;
			break;
		default:
			fprintf(stderr, "Try 'dynomite --help'.\n");
			return EXIT_FAILURE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "dynomite: '%s' is not expected here.  Try 'dynomite --help'.\n",
			argv[optind]);
		return EXIT_FAILURE;
	}
	return -1;
}

/* A full disk or a closed pipe must not look like success. */
static int finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("dynomite: cannot write to standard output");
	return EXIT_FAILURE;
}

static void print_list(const char *what, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		fprintf(stderr, "dynomite: %s: %s\n", what, list->items[i]);
}

/* Return the memory of large values to the system.  By default glibc raises its mmap threshold when
 * the first one is freed, and then keeps the later ones in its heap. */
static void give_memory_back(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD);
#endif
}

/* Run the node with a checked configuration.  False when it could not start. */
static bool run(const struct invocation *inv, const struct engine_options *options)
{
	struct engine *e;
	char why[512];
	bool ok = false;

	if (inv->daemonize && !inv->log_file)
		fprintf(stderr, "dynomite: warning: -d without -o: once the node is up nothing is "
				"logged; give -o FILE\n");
	give_memory_back();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a spool file above the file size limit fails its snapshot, not
				     the node */
	if (inv->daemonize && !daemon_start()) {
		perror("dynomite: cannot go into the background");
		return false;
	}
	if (!log_open(inv->log_file, inv->level)) {
		fprintf(stderr, "dynomite: cannot open the log file %s: %m\n", inv->log_file);
		return false;
	}
	if (inv->pid_file && !daemon_pid_file(inv->pid_file, why, sizeof(why))) {
		log_error("cannot start: %s", why);
		goto done;
	}
	log_notice("dynomite %s, configuration %s", DYN_ENTROPY_VERSION, options->conf->path);
	e = engine_new(options);
	if (e)
		ok = engine_run(e);
	engine_free(e);
	if (ok)
		log_notice("stopped");
	daemon_pid_file_remove();
done:
	if (!ok && inv->log_file)
		fprintf(stderr, "dynomite: did not start: the log %s says why\n", inv->log_file);
	log_close();
	return ok;
}

int main(int argc, char **argv)
{
	struct invocation inv = {.conf_file = DEFAULT_CONF, .level = LOG_LEVEL_DEFAULT};
	struct conf_report report = {0};
	struct setup setup;
	dyn_entropy_cancel *cancel;
	int status = parse_options(argc, argv, &inv);
	bool ok;

	if (status >= 0)
		return finish_output(status);
	cancel = dyn_entropy_cancel_new();
	if (!cancel) {
		fprintf(stderr, "dynomite: error: no memory or descriptor is left\n");
		return EXIT_FAILURE;
	}
	setup_load(&setup, inv.conf_file, NULL, cancel, &report);
	ok = conf_report_is_good(&report);
	print_list("warning", &report.warnings);
	print_list("error", &report.errors);
	if (report.no_memory)
		fprintf(stderr, "dynomite: error: out of memory\n");
	conf_report_fini(&report);
	if (inv.test_conf) {
		fprintf(stderr, "dynomite: configuration file '%s' %s\n", inv.conf_file,
			ok ? "is good" : "has errors");
	} else if (ok) {
		const struct engine_options options = {
			.conf = setup.conf,
			.ring = setup.ring,
			.heal = setup.conf->recon_enabled ? &setup.heal : NULL,
			.targets = &setup.targets,
			.cancel = cancel,
		};

		ok = run(&inv, &options);
	}
	setup_fini(&setup);
	dyn_entropy_cancel_free(cancel);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
