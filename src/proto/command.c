#include "proto/command.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#define NAME_WORDS 4 /* of 8 bytes: a command, a blank and its subcommand */
#define NAME_MAX   (NAME_WORDS * sizeof(uint64_t) - 1)
#define SLOTS      1024
#define ROWS_MAX   (SLOTS / 2)

/* A name in capitals, padded with zeros; the first byte of a word is the lowest. */
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

/* Convert eight bytes to upper case. */
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

/* Append a word to a name.  False when it does not fit. */
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

/* The slot of a name, or the free slot for it. */
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
	const struct command *c, const uint8_t *sub, size_t sub_len)
{
	struct name name = find_by.names[c - command_table];
	const struct command *found;

	if (!name_add(&name, (const uint8_t *)" ", 1) || !name_add(&name, sub, sub_len))
		return c;
	name_capitals(&name);
	found = find(&name);
	return found ? found : c;
}

const struct command *command_find(
	const uint8_t *name, size_t len, const uint8_t *sub, size_t sub_len)
{
	const struct command *c;
	struct name wanted = {{0}, 0};

	pthread_once(&find_by_once, find_by_build);
	if (!name_add(&wanted, name, len))
		return NULL;
	name_capitals(&wanted);
	c = find(&wanted);
	/* A single argument cannot name a subcommand. */
	if (!c || find_by.is_subcommand[c - command_table])
		return NULL;
	return sub && is_container(c) ? find_subcommand(c, sub, sub_len) : c;
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
