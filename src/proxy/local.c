#include "proxy/local.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/number.h"
#include "proto/resp_write.h"
#include "proxy/describe.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The largest name of a client or its library. */
#define CLIENT_TEXT_MAX 256

#define SECTIONS_MAX     32
#define SECTION_NAME_MAX 32

/* A command that is being answered. */
struct local {
	const struct local_context *context;
	struct local_client *client;
	const struct request *r;
	struct resp_writer w;
};

void local_client_fini(struct local_client *c)
{
	free(c->name);
	free(c->lib_name);
	free(c->lib_ver);
	memset(c, 0, sizeof(*c));
}

/* ---- Arguments and replies ---- */

static bool say_ok(const struct local *l)
{
	return resp_write_status(&l->w, "OK");
}

/* Reply with an error; text begins with its code, such as ERR. */
static bool say_error(const struct local *l, const char *text)
{
	return resp_write_error(&l->w, "%s", text);
}

static bool arg_is(const struct local *l, uint32_t i, const char *word)
{
	return request_arg_is(l->r, i, word);
}

/* Read argument i as a decimal number. */
static bool arg_number(const struct local *l, uint32_t i, int64_t *value)
{
	return number_read_signed(request_arg(l->r, i), l->r->args[i].len, value) == NUMBER_OK;
}

/* ---- Authentication ---- */

/* Compare in constant time. */
static bool same_secret(const char *secret, const uint8_t *given, size_t len)
{
	size_t secret_len = strlen(secret);
	volatile uint8_t different = secret_len != len;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = secret_len ? (uint8_t)secret[i % secret_len] : 0;

		different = (uint8_t)(different | (c ^ given[i]));
	}
	return !different;
}

/* Authenticate with the password in argument i.  Without a requirepass any is accepted, as by
 * Redis. */
static bool log_in(struct local *l, uint32_t user, uint32_t i)
{
	static const char name[] = "default";
	const char *secret = l->context->requirepass;
	size_t len = sizeof(name) - 1;

	if (user &&
		(l->r->args[user].len != len || memcmp(request_arg(l->r, user), name, len) != 0))
		return false;
	if (secret && !same_secret(secret, request_arg(l->r, i), l->r->args[i].len))
		return false;
	l->client->authenticated = true;
	return true;
}

static const char wrong_password[] =
	"WRONGPASS invalid username-password pair or user is disabled.";

static bool do_auth(struct local *l)
{
	uint32_t argc = l->r->argc;

	if (argc > 3)
		return say_error(l, "ERR syntax error");
	if (argc == 2 && !l->context->requirepass)
		return say_error(l,
			"ERR AUTH <password> called without any password configured for the "
			"default user. Are you sure your configuration is correct?");
	return log_in(l, argc == 3 ? 1 : 0, argc - 1) ? say_ok(l) : say_error(l, wrong_password);
}

static bool is_plain(const struct local *l, uint32_t i)
{
	const uint8_t *text = request_arg(l->r, i);

	for (size_t n = 0; n < l->r->args[i].len; n++)
		if (text[n] < '!' || text[n] > '~')
			return false;
	return true;
}

/* Why argument i cannot be the name of a client, or NULL. */
static const char *name_fault(const struct local *l, uint32_t i)
{
	if (l->r->args[i].len > CLIENT_TEXT_MAX)
		return "ERR Client names and library names are at most 256 bytes long";
	if (!is_plain(l, i))
		return "ERR Client names cannot contain spaces, newlines or special characters.";
	return NULL;
}

/* Replace *to by a copy of argument i; NULL if that is empty. */
static bool keep(const struct local *l, uint32_t i, char **to)
{
	size_t len = l->r->args[i].len;
	char *text = NULL;

	if (len > 0) {
		text = strndup((const char *)request_arg(l->r, i), len);
		if (!text)
			return false;
	}
	free(*to);
	*to = text;
	return true;
}

struct hello {
	uint32_t user, name; /* indices of arguments; 0: none.  The password follows the user */
};

/* The error in the arguments of HELLO, or NULL. */
static const char *parse_hello(const struct local *l, struct hello *h)
{
	int64_t version = 2;

	if (l->r->argc > 1 && !arg_number(l, 1, &version))
		return "ERR Protocol version is not an integer or out of range";
	if (version != 2)
		return "NOPROTO unsupported protocol version";
	for (uint32_t i = 2; i < l->r->argc; i++) {
		uint32_t more = l->r->argc - i - 1;

		if (arg_is(l, i, "AUTH") && more >= 2) {
			h->user = i + 1;
			i += 2;
		} else if (arg_is(l, i, "SETNAME") && more >= 1) {
			h->name = i + 1;
			i++;
		} else {
			/* Not quoted: it may be a password in the wrong place. */
			return "ERR Syntax error in HELLO option";
		}
	}
	return h->name ? name_fault(l, h->name) : NULL;
}

static bool say_hello(const struct local *l)
{
	const struct resp_writer *w = &l->w;

	return resp_write_map(w, 7) && resp_write_text(w, "server") &&
	       resp_write_text(w, "redis") && resp_write_text(w, "version") &&
	       resp_write_text(w, LOCAL_REDIS_VERSION) && resp_write_text(w, "proto") &&
	       resp_write_integer(w, w->version) && resp_write_text(w, "id") &&
	       resp_write_integer(w, (int64_t)l->client->id) && resp_write_text(w, "mode") &&
	       resp_write_text(w, "standalone") && resp_write_text(w, "role") &&
	       resp_write_text(w, "master") && resp_write_text(w, "modules") &&
	       resp_write_array(w, 0);
}

static bool do_hello(struct local *l)
{
	struct hello h = {0};
	const char *fault = parse_hello(l, &h);

	if (fault)
		return say_error(l, fault);
	if (h.user && !log_in(l, h.user, h.user + 1))
		return say_error(l, wrong_password);
	if (!l->client->authenticated)
		return say_error(l,
			"NOAUTH HELLO must be called with the client already authenticated, "
			"otherwise the HELLO <proto> AUTH <user> <pass> option can be used to "
			"authenticate the client and select the RESP protocol version at the same "
			"time");
	if (h.name && !keep(l, h.name, &l->client->name))
		return false;
	return say_hello(l);
}

static bool do_reset(struct local *l)
{
	free(l->client->name);
	l->client->name = NULL;
	l->client->authenticated = l->context->requirepass == NULL;
	return resp_write_status(&l->w, "RESET");
}

/* ---- CLIENT ---- */

static bool do_setname(struct local *l)
{
	const char *fault = name_fault(l, 2);

	if (fault)
		return say_error(l, fault);
	return keep(l, 2, &l->client->name) && say_ok(l);
}

static bool do_getname(struct local *l)
{
	const char *name = l->client->name;

	return name ? resp_write_text(&l->w, name) : resp_write_null(&l->w);
}

static bool do_setinfo(struct local *l)
{
	const char *fault;
	char **to;

	if (arg_is(l, 2, "LIB-NAME"))
		to = &l->client->lib_name;
	else if (arg_is(l, 2, "LIB-VER"))
		to = &l->client->lib_ver;
	else
		return say_error(
			l, "ERR Unrecognized option: CLIENT SETINFO takes LIB-NAME or LIB-VER");
	fault = name_fault(l, 3);
	if (fault)
		return say_error(l, fault);
	return keep(l, 3, to) && say_ok(l);
}

static const char *text_or_none(const char *text)
{
	return text ? text : "";
}

/* The line of CLIENT LIST for this connection. */
static bool write_client(struct local *l, struct buf *line)
{
	struct sockaddr_storage there = {0}, here = {0};
	socklen_t there_len = sizeof(there), here_len = sizeof(here);
	char addr[ADDR_TEXT_MAX] = "", laddr[ADDR_TEXT_MAX] = "";
	const struct local_client *c = l->client;

	if (getpeername(c->fd, (struct sockaddr *)&there, &there_len) == 0)
		addr_format_sockaddr((struct sockaddr *)&there, addr, sizeof(addr));
	if (getsockname(c->fd, (struct sockaddr *)&here, &here_len) == 0)
		addr_format_sockaddr((struct sockaddr *)&here, laddr, sizeof(laddr));
	/* Clients expect every field; those that a proxy does not have are 0. */
	return buf_printf(line,
		"id=%" PRIu64 " addr=%s laddr=%s fd=%d name=%s age=%" PRId64 " idle=0 flags=N db=0 "
		"sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 "
		"rbp=0 obl=0 oll=0 omem=0 tot-mem=0 events=r cmd=client user=default redir=-1 "
		"resp=2 lib-name=%s lib-ver=%s\n",
		c->id, addr, laddr, c->fd, text_or_none(c->name),
		(clock_monotonic_ms() - c->since_ms) / 1000, text_or_none(c->lib_name),
		text_or_none(c->lib_ver));
}

static bool say_client(struct local *l, bool is_wanted)
{
	struct buf line = {0};
	bool ok = (!is_wanted || write_client(l, &line)) &&
		  resp_write_verbatim(&l->w, "txt", buf_head(&line), buf_len(&line));

	buf_fini(&line);
	return ok;
}

static bool do_client_info(struct local *l)
{
	return say_client(l, true);
}

/* CLIENT LIST [TYPE type | ID id ...]: only this connection, if it matches. */
static bool do_client_list(struct local *l)
{
	bool wanted = l->r->argc == 2;
	int64_t id;

	if (l->r->argc == 4 && arg_is(l, 2, "TYPE")) {
		wanted = arg_is(l, 3, "NORMAL");
		if (!wanted && !arg_is(l, 3, "MASTER") && !arg_is(l, 3, "REPLICA") &&
			!arg_is(l, 3, "SLAVE") && !arg_is(l, 3, "PUBSUB"))
			return say_error(l, "ERR Unknown client type");
	} else if (l->r->argc >= 4 && arg_is(l, 2, "ID")) {
		for (uint32_t i = 3; i < l->r->argc; i++) {
			if (!arg_number(l, i, &id))
				return say_error(l, "ERR Invalid client ID");
			wanted = wanted || (uint64_t)id == l->client->id;
		}
	} else if (!wanted) {
		return say_error(l, "ERR syntax error");
	}
	return say_client(l, wanted);
}

static bool do_client_id(struct local *l)
{
	return resp_write_integer(&l->w, (int64_t)l->client->id);
}

/* ---- The rest ---- */

static bool do_ping(struct local *l)
{
	if (l->r->argc > 2)
		return say_error(l, "ERR wrong number of arguments for 'ping' command");
	if (l->r->argc == 1)
		return resp_write_status(&l->w, "PONG");
	return resp_write_bulk(&l->w, request_arg(l->r, 1), l->r->args[1].len);
}

static bool do_echo(struct local *l)
{
	return resp_write_bulk(&l->w, request_arg(l->r, 1), l->r->args[1].len);
}

static bool do_quit(struct local *l)
{
	return say_ok(l);
}

static bool do_select(struct local *l)
{
	int64_t db;

	if (!arg_number(l, 1, &db))
		return say_error(l, "ERR value is not an integer or out of range");
	if (db != 0)
		return say_error(l, "ERR DB index is out of range: there is only database 0");
	return say_ok(l);
}

/* The text of one section of INFO, or of all. */
static bool add_section(struct local *l, uint32_t i, struct buf *text)
{
	char name[SECTION_NAME_MAX] = "";
	size_t len = l->r->args[i].len;
	bool all = arg_is(l, i, "ALL") || arg_is(l, i, "EVERYTHING") || arg_is(l, i, "DEFAULT");

	if (len >= sizeof(name))
		return true; /* no section has such a long name */
	memcpy(name, request_arg(l->r, i), len);
	for (size_t n = 0; n < len; n++)
		name[n] = (char)tolower((unsigned char)name[n]);
	return l->context->info(l->context->info_arg, all ? NULL : name, text);
}

static bool do_info(struct local *l)
{
	struct buf text = {0};
	bool ok = true;

	if (l->r->argc > SECTIONS_MAX)
		return say_error(l, "ERR too many sections");
	if (l->r->argc == 1)
		ok = l->context->info(l->context->info_arg, NULL, &text);
	for (uint32_t i = 1; ok && i < l->r->argc; i++)
		ok = add_section(l, i, &text);
	ok = ok && resp_write_verbatim(&l->w, "txt", buf_head(&text), buf_len(&text));
	buf_fini(&text);
	return ok;
}

static bool do_command(struct local *l)
{
	return describe_info(&l->w, l->r);
}

static bool do_command_count(struct local *l)
{
	return describe_count(&l->w);
}

static bool do_command_docs(struct local *l)
{
	return describe_docs(&l->w, l->r);
}

static bool (*const answers[])(struct local *l) = {
	[COMMAND_ID_AUTH] = do_auth,
	[COMMAND_ID_CLIENT_GETNAME] = do_getname,
	[COMMAND_ID_CLIENT_ID] = do_client_id,
	[COMMAND_ID_CLIENT_INFO] = do_client_info,
	[COMMAND_ID_CLIENT_LIST] = do_client_list,
	[COMMAND_ID_CLIENT_SETINFO] = do_setinfo,
	[COMMAND_ID_CLIENT_SETNAME] = do_setname,
	[COMMAND_ID_COMMAND] = do_command,
	[COMMAND_ID_COMMAND_COUNT] = do_command_count,
	[COMMAND_ID_COMMAND_DOCS] = do_command_docs,
	[COMMAND_ID_COMMAND_INFO] = do_command,
	[COMMAND_ID_ECHO] = do_echo,
	[COMMAND_ID_HELLO] = do_hello,
	[COMMAND_ID_INFO] = do_info,
	[COMMAND_ID_PING] = do_ping,
	[COMMAND_ID_QUIT] = do_quit,
	[COMMAND_ID_RESET] = do_reset,
	[COMMAND_ID_SELECT] = do_select,
};

enum local_result local_answer(const struct local_context *context, struct local_client *client,
	const struct request *r, struct buf *out)
{
	struct local l = {.context = context, .client = client, .r = r, .w = resp_writer_2(out)};
	uint8_t id = r->command->id;
	size_t had = buf_len(out);

	if (id >= sizeof(answers) / sizeof(answers[0]) || !answers[id]) {
		if (!say_error(&l, "ERR dynomite: the proxy has no answer to this command"))
			return LOCAL_NO_MEMORY;
	} else if (!answers[id](&l)) {
		out->end = out->pos + had;
		return LOCAL_NO_MEMORY;
	}
	return id == COMMAND_ID_QUIT ? LOCAL_QUIT : LOCAL_ANSWERED;
}
