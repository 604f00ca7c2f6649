/*
 * Replays inputs through a fuzz target without a fuzzer: the files named, and all files in the
 * directories named.  Arguments that begin with '-' are a fuzzer's, and are passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static int replay_file(const char *path, size_t size)
{
	/* Exactly its size, so that a sanitizer sees a read past its end. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *from = fopen(path, "rb");
	int rc = -1;

	if (!data || !from || fread(data, 1, size, from) != size) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		goto done;
	}
	LLVMFuzzerTestOneInput(data, size);
	replayed++;
	rc = 0;
done:
	if (from)
		fclose(from);
	free(data);
	return rc;
}

static int replay_path(const char *path);

static int replay_directory(const char *path)
{
	struct dirent **entries;
	const int n = scandir(path, &entries, NULL, alphasort);
	int rc = 0;

	if (n < 0) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char below[PATH_MAX];
		const char *name = entries[i]->d_name;
		if (name[0] != '.' && (snprintf(below, sizeof(below), "%s/%s", path, name) >=
						      (int)sizeof(below) ||
					      replay_path(below) != 0))
			rc = -1;
		free(entries[i]);
	}
	free(entries);
	return rc;
}

static int replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		return replay_directory(path);
	return replay_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	int rc = EXIT_SUCCESS;

	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-' && replay_path(argv[i]) != 0)
			rc = EXIT_FAILURE;
	if (replayed == 0) {
		fprintf(stderr, "replay: no input\n");
		rc = EXIT_FAILURE;
	}
	printf("replayed %lu inputs\n", replayed);
	return rc;
}
