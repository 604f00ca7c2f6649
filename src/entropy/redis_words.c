#include "entropy/redis_words.h"

#include "base/shown.h"

#include <ctype.h>
#include <string.h>

/* In a reply, the client's data follows these. */
static const char *const data_follows[] = {
	", with args beginning with",
	"invalid longitude,latitude pair",
};

/* Quoted words of Redis itself. */
static const char *const own_words[] = {"maxmemory", "requirepass", "PING", "NOMKSTREAM"};

static const struct {
	const char *word;
	const char *remedy;
} remedies[] = {
	{"BUSY", "it is busy running a script; try again when that has ended"},
	{"CLOSED", "its log may say why"},
	{"CLUSTERDOWN", "it is part of a Redis cluster, which is down"},
	{"LOADING", "it is still loading its data; try again when it is done"},
	{"MASTERDOWN", "it is a replica that has lost its master; name a Redis that serves"},
	{"MISCONF",
		"it takes no writes because it could not save to disk; see its log and its disk"},
	{"MOVED",
		"it is part of a Redis cluster and does not hold all keys; name a Redis that does"},
	{"NOAUTH", "it wants a password; set requirepass"},
	{"NOPERM", "its ACL does not allow that to this user; grant it"},
	{"NOREPLICAS", "it takes no writes without enough replicas (min-replicas-to-write)"},
	{"OOM", "it is full; raise its maxmemory or let it evict keys"},
	{"READONLY", "it is a replica; name its master instead"},
	{"WRONGPASS", "the password, or the user, is not the one that Redis has"},
	{"ERR invalid password", "the password is not the one that Redis has"},
	{"ERR AUTH", "it has no password; remove requirepass, or give Redis one"},
	{"ERR Client sent AUTH", "it has no password; remove requirepass, or give Redis one"},
	{"ERR max number of clients reached", "raise its maxclients, or close some connections"},
	{"ERR DUMP payload version or checksum are wrong",
		"the value was dumped by a newer Redis than this one; upgrade this one"},
	{"ERR Protocol error",
		"a value is larger than it takes in one piece; raise its proto-max-bulk-len"},
	{"ERR Bad data format", "the value is of a type that this Redis does not know"},
};

static bool is_own_word(const char *quoted, size_t len)
{
	for (size_t i = 0; i < sizeof(own_words) / sizeof(own_words[0]); i++) {
		if (strlen(own_words[i]) == len && memcmp(own_words[i], quoted, len) == 0)
			return true;
	}
	return false;
}

/*
 * The length of the quoted text at reply[at] if it is a command's name or a word of Redis itself; 0
 * if it may be data.
 */
static size_t harmless_len(const char *reply, size_t len, size_t at)
{
	static const char before[] = " command ", after[] = " command";
	size_t n_before = sizeof(before) - 1, n_after = sizeof(after) - 1;
	size_t from = at + 1, end = from;

	while (end < len && (isalnum((unsigned char)reply[end]) || strchr("_|.-", reply[end])))
		end++;
	if (end == len || end == from || reply[end] != reply[at])
		return 0;
	if (at >= n_before && memcmp(reply + at - n_before, before, n_before) == 0)
		return end - from;
	if (len - end > n_after && memcmp(reply + end + 1, after, n_after) == 0)
		return end - from;
	return is_own_word(reply + from, end - from) ? end - from : 0;
}

/* Where data may begin without a quote. */
static size_t own_len(const char *reply, size_t len)
{
	for (size_t i = 0; i < sizeof(data_follows) / sizeof(data_follows[0]); i++) {
		const char *found = memmem(reply, len, data_follows[i], strlen(data_follows[i]));

		if (found)
			len = (size_t)(found - reply);
	}
	return len;
}

static bool opens_quote(const char *reply, size_t at)
{
	if (reply[at] != '\'' && reply[at] != '"' && reply[at] != '`')
		return false;
	return at == 0 || !isalnum((unsigned char)reply[at - 1]); /* not the one of "can't" */
}

struct text {
	char *at;
	size_t len, cap;
};

static void put(struct text *t, const char *bytes, size_t len)
{
	size_t room = t->cap - t->len;

	shown_ascii(bytes, len, t->at + t->len, room);
	t->len += len < room ? len : room - 1;
}

const char *redis_words_clean(const char *reply, size_t len, char *text, size_t cap)
{
	struct text t = {text, 0, cap};
	size_t at = 0;

	len = own_len(reply, len);
	while (at < len) {
		const char *last;
		size_t n;

		if (!opens_quote(reply, at)) {
			put(&t, reply + at++, 1);
			continue;
		}
		n = harmless_len(reply, len, at);
		if (n > 0) {
			put(&t, reply + at, n + 2);
			at += n + 2;
			continue;
		}
		/* The data may hold quotes too, so drop everything up to the last one. */
		last = memrchr(reply + at + 1, reply[at], len - at - 1);
		put(&t, "...", 3);
		at = last ? (size_t)(last - reply) + 1 : len;
	}
	text[t.len] = '\0';
	return text;
}

bool redis_words_begin(const char *words, const char *word)
{
	size_t len = strlen(word);

	return strncmp(words, word, len) == 0 && !isalnum((unsigned char)words[len]);
}

const char *redis_words_remedy(const char *words)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		if (redis_words_begin(words, remedies[i].word))
			return remedies[i].remedy;
	}
	return "";
}
