#include "proto/command.h"

#include "base/number.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#define NAME_WORDS 4 /* of 8 bytes: a command, a blank and its subcommand */
#define NAME_MAX   (NAME_WORDS * sizeof(uint64_t) - 1)
#define SLOTS      1024
#define ROWS_MAX   (SLOTS / 2)

/* A name in capitals, with zeros behind it; of a word the first byte is the lowest. */
struct name {
	uint64_t words[NAME_WORDS];
	size_t len;
};

/* A hash table over command_table, by name. */
static struct {
	uint16_t row_after[SLOTS]; /* the row + 1; 0: none */
	struct name names[ROWS_MAX];
	bool is_container[ROWS_MAX]; /* has rows of subcommands */
	bool is_subcommand[ROWS_MAX];
} find_by;
static pthread_once_t find_by_once = PTHREAD_ONCE_INIT;

/* Eight bytes with small letters turned into capitals. */
static inline uint64_t capitals(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	/* The top bit of each byte: of an ASCII byte, of one from 'a' on, of one above 'z'. */
	uint64_t low = word & 0x7f * ones;
	uint64_t ascii = ~word & 0x80 * ones;
	uint64_t from_a = low + (0x80 - 'a') * ones;
	uint64_t above_z = low + (0x80 - 'z' - 1) * ones;

	return word ^ ((from_a & ~above_z & ascii) >> 2);
}

/* Put a word behind a name.  False when there is no room for it. */
static inline bool name_add(struct name *name, const uint8_t *word, size_t len)
{
	if (len > NAME_MAX - name->len)
		return false;
	for (size_t i = 0; i < len; i++, name->len++)
		name->words[name->len / 8] |= (uint64_t)word[i] << name->len % 8 * 8;
	return true;
}

static inline void name_capitals(struct name *name)
{
	for (size_t i = 0; i * 8 < name->len; i++)
		name->words[i] = capitals(name->words[i]);
}

static inline bool name_equal(const struct name *a, const struct name *b)
{
	uint64_t differ = (a->words[0] ^ b->words[0]) | (a->words[1] ^ b->words[1]) |
			  (a->words[2] ^ b->words[2]) | (a->words[3] ^ b->words[3]);

	return differ == 0 && a->len == b->len;
}

/* The slot of a name, or the free one where it would be. */
static inline size_t name_slot(const struct name *name)
{
	uint64_t hash = name->words[0] * UINT64_C(0x9E3779B97F4A7C15) ^
			name->words[1] * UINT64_C(0xC2B2AE3D27D4EB4F) ^
			name->words[2] * UINT64_C(0x165667B19E3779F9);
	size_t slot = hash >> 32;

	for (;; slot++) {
		size_t row = find_by.row_after[slot % SLOTS];

		if (row == 0 || name_equal(&find_by.names[row - 1], name))
			return slot % SLOTS;
	}
}

static void find_by_build(void)
{
	for (size_t i = 0; i < command_count && i < ROWS_MAX; i++) {
		struct name *name = &find_by.names[i];

		if (name_add(name, (const uint8_t *)command_table[i].name,
			    strlen(command_table[i].name)))
			find_by.row_after[name_slot(name)] = (uint16_t)(i + 1);
	}
	for (size_t i = 0; i < command_count && i < ROWS_MAX; i++) {
		const char *blank = strchr(command_table[i].name, ' ');
		struct name name = {{0}, 0};
		size_t row;

		if (!blank)
			continue;
		find_by.is_subcommand[i] = true;
		name_add(&name, (const uint8_t *)command_table[i].name,
			(size_t)(blank - command_table[i].name));
		row = find_by.row_after[name_slot(&name)];
		if (row)
			find_by.is_container[row - 1] = true;
	}
}

static inline const struct command *find(const struct name *name)
{
	size_t row = find_by.row_after[name_slot(name)];

	return row ? &command_table[row - 1] : NULL;
}

static bool is_container(const struct command *c)
{
	return find_by.is_container[c - command_table];
}

static const struct command *find_subcommand(
	const struct command *c, const uint8_t *bytes, const struct request_parser *r)
{
	struct name name = find_by.names[c - command_table];
	const struct command *sub;

	if (!name_add(&name, (const uint8_t *)" ", 1) ||
		!name_add(&name, request_arg(r, bytes, 1), r->args[1].len))
		return c;
	name_capitals(&name);
	sub = find(&name);
	return sub ? sub : c;
}

const struct command *command_find(const uint8_t *bytes, const struct request_parser *r)
{
	const struct command *c;
	struct name name = {{0}, 0};

	pthread_once(&find_by_once, find_by_build);
	if (r->argc == 0 || !name_add(&name, request_arg(r, bytes, 0), r->args[0].len))
		return NULL;
	name_capitals(&name);
	c = find(&name);
	/* A single argument is not a command and its subcommand. */
	if (!c || find_by.is_subcommand[c - command_table])
		return NULL;
	return is_container(c) && r->argc > 1 ? find_subcommand(c, bytes, r) : c;
}

const struct command *command_named(const char *text)
{
	struct name name = {{0}, 0};

	pthread_once(&find_by_once, find_by_build);
	if (!name_add(&name, (const uint8_t *)text, strlen(text)))
		return NULL;
	name_capitals(&name);
	return find(&name);
}

const char *command_lower_name(const struct command *c, char name[COMMAND_NAME_MAX])
{
	size_t i = 0;

	for (; c->name[i] && i + 1 < COMMAND_NAME_MAX; i++)
		name[i] = c->name[i] == ' ' ? '|' : (char)tolower((unsigned char)c->name[i]);
	name[i] = '\0';
	return name;
}

bool command_arity_ok(const struct command *c, uint32_t argc)
{
	int64_t n = argc, arity = c->arity;

	if (arity >= 0 ? n != arity : n < -arity)
		return false;
	/* Of keys with values, each has its own. */
	return c->keys != COMMAND_KEYS_RANGE || c->last != -1 || (n - c->first) % c->step == 0;
}

/* The options of XREAD and XREADGROUP: where STREAMS is, or 0. */
static uint32_t find_streams(const uint8_t *bytes, const struct request_parser *r, bool *blocks)
{
	*blocks = false;
	for (uint32_t i = 1; i < r->argc; i++) {
		if (request_arg_is(r, bytes, i, "STREAMS"))
			return i;
		if (request_arg_is(r, bytes, i, "BLOCK")) {
			*blocks = true;
			i++;
		} else if (request_arg_is(r, bytes, i, "COUNT")) {
			i++;
		} else if (request_arg_is(r, bytes, i, "GROUP")) {
			i += 2;
		} else if (!request_arg_is(r, bytes, i, "NOACK")) {
			break;
		}
	}
	return 0;
}

/* The options of SORT and GEORADIUS that have arguments, and how many. */
static const struct {
	const char *name;
	uint32_t args;
	bool stores;
	bool has_pattern;
} options[] = {
	{"STORE", 1, true, false},
	{"STOREDIST", 1, true, false},
	{"COUNT", 1, false, false},
	{"LIMIT", 2, false, false},
	{"BY", 1, false, true},
	{"GET", 1, false, true},
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* Which of the options argument i is; N_OPTIONS: none. */
static size_t option_at(const uint8_t *bytes, const struct request_parser *r, uint32_t i)
{
	size_t o = 0;

	while (o < N_OPTIONS && !request_arg_is(r, bytes, i, options[o].name))
		o++;
	return o;
}

/* Where the destination key is, or 0. */
static uint32_t find_store(
	const struct command *c, const uint8_t *bytes, const struct request_parser *r)
{
	uint32_t store = 0;

	for (uint32_t i = (uint32_t)c->first; i < r->argc; i++) {
		size_t o = option_at(bytes, r, i);

		if (o == N_OPTIONS)
			continue;
		if (options[o].stores && i + 1 < r->argc)
			store = i + 1;
		i += options[o].args;
	}
	return store;
}

bool command_reads_unnamed(
	const struct command *c, const uint8_t *bytes, const struct request_parser *r)
{
	if (c->id != COMMAND_ID_SORT)
		return false;
	for (uint32_t i = 2; i < r->argc; i++) {
		size_t o = option_at(bytes, r, i);

		if (o == N_OPTIONS)
			continue;
		if (options[o].has_pattern && i + 1 < r->argc && r->args[i + 1].len &&
			memchr(request_arg(r, bytes, i + 1), '*', r->args[i + 1].len))
			return true;
		i += options[o].args;
	}
	return false;
}

enum command_class command_class_of(const struct command *c, const uint8_t *bytes,
	const struct request_parser *r, const char **why)
{
	enum command_class kind = (enum command_class)c->kind;
	bool blocks;

	if (c->keys == COMMAND_KEYS_STREAMS) {
		find_streams(bytes, r, &blocks);
		if (blocks)
			kind = COMMAND_REFUSED;
	} else if (c->keys == COMMAND_KEYS_STORE_OPTION) {
		if (!find_store(c, bytes, r))
			kind = COMMAND_READ;
	} else if (r->argc > 1 && is_container(c)) {
		kind = COMMAND_REFUSED;
	}
	if (kind == COMMAND_REFUSED)
		*why = c->refusal;
	return kind;
}

struct finder {
	bool (*found)(void *arg, uint32_t index);
	void *arg;
};

/* The keys from first to before end.  Whether found() wants more. */
static bool tell(const struct finder *f, uint32_t first, uint32_t end, uint32_t step)
{
	for (uint32_t i = first; i < end; i += step) {
		if (!f->found(f->arg, i))
			return false;
	}
	return true;
}

/* The number of keys that argument at says, which follow it.  False when it does not. */
static bool read_numkeys(const struct command *c, const uint8_t *bytes,
	const struct request_parser *r, uint32_t *number)
{
	uint32_t at = (uint32_t)c->first;
	uint64_t n;

	if (at >= r->argc || number_read(request_arg(r, bytes, at), r->args[at].len,
				     r->argc - at - 1, &n) != NUMBER_OK)
		return false;
	*number = (uint32_t)n;
	return n >= (uint32_t)c->last;
}

bool command_each_key(const struct command *c, const uint8_t *bytes, const struct request_parser *r,
	bool (*found)(void *arg, uint32_t index), void *arg)
{
	struct finder f = {found, arg};
	uint32_t first = (uint32_t)c->first, n = 0;
	bool blocks;

	switch ((enum command_keys)c->keys) {
	case COMMAND_KEYS_NONE:
		break;
	case COMMAND_KEYS_RANGE:
		n = c->last < 0 ? r->argc - (uint32_t)-c->last : (uint32_t)c->last;
		if (n >= r->argc)
			return false;
		tell(&f, first, n + 1, (uint32_t)c->step);
		break;
	case COMMAND_KEYS_NUMKEYS:
	case COMMAND_KEYS_STORE_NUMKEYS:
		if (!read_numkeys(c, bytes, r, &n))
			return false;
		if (c->keys == COMMAND_KEYS_NUMKEYS || found(arg, 1))
			tell(&f, first + 1, first + 1 + n, 1);
		break;
	case COMMAND_KEYS_STREAMS:
		first = find_streams(bytes, r, &blocks) + 1;
		n = r->argc - first;
		if (first == 1 || n == 0 || n % 2 != 0)
			return false;
		tell(&f, first, first + n / 2, 1);
		break;
	case COMMAND_KEYS_STORE_OPTION:
		if (r->argc < 2)
			return false;
		n = find_store(c, bytes, r);
		if (found(arg, 1) && n)
			found(arg, n);
		break;
	}
	return true;
}
