/*
 * dyn-entropy - the operator's command for the entropy channel.
 */
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

static const struct subcommand *const commands[] = {
	&cmd_push,
	&cmd_receive,
	&cmd_compare,
	&cmd_keygen,
	&cmd_conf,
	&cmd_status,
	&cmd_reconcile,
	&cmd_conflicts,
	&cmd_pause,
	&cmd_resume,
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
	fputs("Usage: dyn-entropy COMMAND [OPTION]...\n"
	      "The operator's side of the entropy channel, which heals Redis replicas that missed "
	      "writes.\n\nCommands:\n",
		to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nOptions:\n"
	      "  -h, --help     print this and exit\n"
	      "  -V, --version  print the version and exit\n"
	      "\n'dyn-entropy COMMAND --help' lists the options of a command.\n",
		to);
}

static int unknown(const char *text)
{
	const char *names[N_COMMANDS];
	const char *near;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	near = options_nearest(text, names, N_COMMANDS, sizeof(names[0]));
	if (near != NULL)
		tool_error("unknown command '%s'; did you mean %s?", text, near);
	else
		tool_error("unknown command '%s'", text);
	tool_error("'dyn-entropy --help' lists the commands");
	return TOOL_EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		tool_error("needs a command");
		tool_error("'dyn-entropy --help' lists the commands");
		return TOOL_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return TOOL_EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("dyn-entropy %s\n", dyn_entropy_version());
		return TOOL_EXIT_OK;
	}
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[1], commands[i]->name) == 0)
			return options_run(commands[i], argc - 1, argv + 1);
	}
	return unknown(argv[1]);
}

int main(int argc, char **argv)
{
	int code = dispatch(argc, argv);

	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		tool_error("cannot write to standard output: %m");
		return code == TOOL_EXIT_OK ? TOOL_EXIT_FAILED : code;
	}
	return code;
}
