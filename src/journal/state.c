#include "journal/state.h"

#include "base/file.h"
#include "base/number.h"
#include "journal/ceiling.h"
#include "journal/siphash.h"
#include "journal/stamp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT   1
#define TEXT_MAX 256

struct state {
	char dir[PATH_MAX - 16]; /* room for a file's name */
	int lock_fd;
	char identity[STATE_IDENTITY_CHARS + 1];
	uint32_t number;
	uint64_t incarnation;
	struct ceiling *clock;
};

static const uint8_t check_key[SIPHASH_KEY_BYTES] = "node of a ring";

static const char *path_of(const struct state *s, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", s->dir, name);
	return path;
}

/* ---- The directory and its lock ---- */

/* Create the directory and its parents.  False with errno set. */
static bool make_directories(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s", dir);
	for (char *slash = path;;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST &&
			(stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
			return false;
		if (!slash)
			return true;
		*slash = '/';
	}
}

/* The process that has the lock, from its file; 0: unknown. */
static uint64_t holder_of(int fd)
{
	char text[32];
	uint64_t pid = 0;
	size_t used;
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n > 0)
		number_read_front(text, (size_t)n, INT32_MAX, &pid, &used);
	return pid;
}

static bool take_lock(struct state *s, char why[STATE_WHY_MAX])
{
	char path[PATH_MAX];

	s->lock_fd = open(path_of(s, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0) {
		snprintf(why, STATE_WHY_MAX, "cannot open %s: %s", path, strerror(errno));
		return false;
	}
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		snprintf(why, STATE_WHY_MAX,
			"%s is in use by the running node with pid %" PRIu64
			": give each node a recon_state_dir of its own",
			s->dir, holder_of(s->lock_fd));
		return false;
	}
	if (ftruncate(s->lock_fd, 0) != 0 || dprintf(s->lock_fd, "%ld\n", (long)getpid()) < 0) {
		snprintf(why, STATE_WHY_MAX, "cannot write %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* ---- The file of the node ---- */

static uint64_t check_of(const char *text, size_t len)
{
	return siphash(check_key, text, len);
}

static bool write_node(const struct state *s, char why[STATE_WHY_MAX])
{
	char path[PATH_MAX], text[TEXT_MAX];
	int len = snprintf(text, sizeof(text),
		"dynomite-state %d\nidentity %s\nnumber %" PRIu32 "\nincarnation %016" PRIx64 "\n",
		FORMAT, s->identity, s->number, s->incarnation);

	len += snprintf(text + len, sizeof(text) - (size_t)len, "check %016" PRIx64 "\n",
		check_of(text, (size_t)len));
	if (file_replace(path_of(s, "node", path), text, (size_t)len))
		return true;
	snprintf(why, STATE_WHY_MAX, "cannot write %s: %s", path, strerror(errno));
	return false;
}

/* Parse the text, which ends with a NUL.  False when it is not as write_node() makes it. */
static bool parse_node(struct state *s, const char *text, size_t len)
{
	const char *last = strstr(text, "\ncheck ");
	uint64_t check;
	int end = 0;

	if (sscanf(text,
		    "dynomite-state %*d identity %32[0-9a-f] number %" SCNu32
		    " incarnation %16" SCNx64 " check %16" SCNx64 "%n",
		    s->identity, &s->number, &s->incarnation, &check, &end) != 4)
		return false;
	return last && (size_t)end + 1 == len && text[end] == '\n' &&
	       strlen(s->identity) == STATE_IDENTITY_CHARS && s->number < STAMP_NODES_MAX &&
	       check == check_of(text, (size_t)(last + 1 - text));
}

static bool read_node(struct state *s, const struct file *f, char why[STATE_WHY_MAX])
{
	const char *text = (const char *)f->bytes;
	int format;

	if (sscanf(text, "dynomite-state %d", &format) == 1 && format > FORMAT) {
		snprintf(why, STATE_WHY_MAX,
			"%s/node was written by a newer dynomite (format %d, this one knows %d): "
			"run that one",
			s->dir, format, FORMAT);
		return false;
	}
	if (parse_node(s, text, f->len))
		return true;
	snprintf(why, STATE_WHY_MAX,
		"%s/node is damaged, so it is unknown which node this is: restore it, or remove "
		"the whole directory, which makes this a new node",
		s->dir);
	return false;
}

/* The first start here. */
static bool make_node(struct state *s, uint32_t number, char why[STATE_WHY_MAX])
{
	uint64_t random[3];

	if (getentropy(random, sizeof(random)) != 0) {
		snprintf(why, STATE_WHY_MAX, "no random numbers: %s", strerror(errno));
		return false;
	}
	snprintf(s->identity, sizeof(s->identity), "%016" PRIx64 "%016" PRIx64, random[0],
		random[1]);
	s->incarnation = random[2];
	s->number = number;
	return true;
}

/* Read all, or make it.  The file of the node is written last, so that a first start that was cut
 * off is begun again. */
static bool load(struct state *s, uint32_t number, char why[STATE_WHY_MAX])
{
	char path[PATH_MAX], other[PATH_MAX], problem[FILE_PROBLEM_MAX];
	struct file f;
	enum file_status status = file_read(path_of(s, "node", path), TEXT_MAX, &f);
	bool is_new = status == FILE_NOT_OPENED && errno == ENOENT, ok;

	if (is_new && access(path_of(s, "wal-whole", other), F_OK) == 0) {
		snprintf(why, STATE_WHY_MAX,
			"%s is missing, although there is a log of its writes: restore it, or "
			"remove the whole directory, which makes this a new node",
			path);
		return false;
	}
	if (status != FILE_OK && !is_new) {
		snprintf(why, STATE_WHY_MAX, "%s %s", path, file_problem(status, problem));
		return false;
	}
	ok = is_new ? make_node(s, number, why) : read_node(s, &f, why);
	file_fini(&f);
	if (!ok)
		return false;
	s->clock = ceiling_open(path_of(s, "clock", path), is_new, s->number, why, STATE_WHY_MAX);
	return s->clock && (!is_new || write_node(s, why));
}

struct state *state_open(const char *dir, uint32_t number, char why[STATE_WHY_MAX])
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s) {
		snprintf(why, STATE_WHY_MAX, "out of memory");
		return NULL;
	}
	s->lock_fd = -1;
	if (strlen(dir) >= sizeof(s->dir)) {
		snprintf(why, STATE_WHY_MAX, "the path of the state directory is too long");
		goto failed;
	}
	strcpy(s->dir, dir);
	if (!make_directories(dir)) {
		snprintf(why, STATE_WHY_MAX, "cannot create the state directory %s: %s", dir,
			strerror(errno));
		goto failed;
	}
	if (take_lock(s, why) && load(s, number, why))
		return s;
failed:
	state_close(s);
	return NULL;
}

void state_close(struct state *s)
{
	if (!s)
		return;
	ceiling_close(s->clock);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

/* ---- What is known ---- */

const char *state_dir(const struct state *s)
{
	return s->dir;
}

const char *state_identity(const struct state *s)
{
	return s->identity;
}

uint32_t state_number(const struct state *s)
{
	return s->number;
}

uint64_t state_incarnation(const struct state *s)
{
	return s->incarnation;
}

struct ceiling *state_clock(struct state *s)
{
	return s->clock;
}

bool state_renew(struct state *s, char why[STATE_WHY_MAX])
{
	uint64_t before = s->incarnation;

	if (getentropy(&s->incarnation, sizeof(s->incarnation)) != 0) {
		snprintf(why, STATE_WHY_MAX, "no random numbers: %s", strerror(errno));
		return false;
	}
	if (write_node(s, why))
		return true;
	s->incarnation = before;
	return false;
}

bool state_renumber(struct state *s, uint32_t number, char why[STATE_WHY_MAX])
{
	uint32_t before = s->number;

	s->number = number;
	if (!write_node(s, why)) {
		s->number = before;
		return false;
	}
	ceiling_set_node(s->clock, number);
	return true;
}
