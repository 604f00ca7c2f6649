#include "base/clock.h"
#include "proto/command.h"
#include "proto/reply.h"
#include "proxy/local.h"
#include "support/owned.h"
#include "support/request.h"
#include "support/resp.h"

#include <gtest/gtest.h>
#include <hiredis.h>
#include <memory>
#include <netinet/in.h>
#include <set>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

using Args = std::vector<std::string>;

const char kPassword[] = "correct horse battery";

/* The sections that were asked for, each a line; "all" for all of them. */
bool fake_info(void *arg, const char *section, buf *text)
{
	auto *calls = static_cast<int *>(arg);

	++*calls;
	return buf_printf(text, "%s\r\n", section ? section : "all");
}

struct Answer {
	local_result result;
	std::string reply;
};

/* A client that is served alone. */
class Client
{
      public:
	explicit Client(const char *password = nullptr)
	{
		context_.requirepass = password;
		context_.info = fake_info;
		context_.info_arg = &info_calls;
		state.id = 42;
		state.authenticated = password == nullptr;
		state.since_ms = clock_monotonic_ms() - 5500;
		state.fd = -1;
	}
	~Client()
	{
		local_client_fini(&state);
	}
	Client(const Client &) = delete;
	Client &operator=(const Client &) = delete;

	Answer answer(const Args &args)
	{
		const support::Request r(args);
		buf out = {};
		Answer a = {LOCAL_ANSWERED, ""};

		if (r->kind != COMMAND_LOCAL)
			ADD_FAILURE() << args[0] << " is not the proxy's to answer";
		else
			a.result = local_answer(&context_, &state, r, &out);
		a.reply.assign(reinterpret_cast<const char *>(buf_head(&out)), buf_len(&out));
		expect_whole(a.reply);
		buf_fini(&out);
		return a;
	}

	std::string say(const Args &args)
	{
		return answer(args).reply;
	}

	local_client state = {};
	int info_calls = 0;

      private:
	local_context context_ = {};

	static void expect_whole(const std::string &reply)
	{
		reply_scanner scanner = {};
		size_t used = 0;

		EXPECT_EQ(reply_scan(&scanner, reinterpret_cast<const uint8_t *>(reply.data()),
				  reply.size(), &used),
			REPLY_DONE)
			<< reply;
		EXPECT_EQ(used, reply.size()) << reply;
	}
};

using Reply = support::Owned<redisReply, freeReplyObject>;

/* As a client understands it. */
Reply understood(const std::string &reply)
{
	const support::Owned<redisReader, redisReaderFree> reader(redisReaderCreate());
	void *r = nullptr;

	EXPECT_EQ(redisReaderFeed(reader.get(), reply.data(), reply.size()), REDIS_OK);
	EXPECT_EQ(redisReaderGetReply(reader.get(), &r), REDIS_OK) << reader->errstr;
	return Reply(static_cast<redisReply *>(r));
}

std::string text(const redisReply *r)
{
	return r && r->str ? std::string(r->str, r->len) : "";
}

const char kHello[] = "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n"
		      "$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:42\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n"
		      "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
const char kWrongPass[] = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const char kDbRange[] = "-ERR DB index is out of range: there is only database 0\r\n";
const char kNotInteger[] = "-ERR value is not an integer or out of range\r\n";
const char kHelloSyntax[] = "-ERR Syntax error in HELLO option\r\n";
const char kBadName[] =
	"-ERR Client names cannot contain spaces, newlines or special characters.\r\n";

struct Case {
	Args args;
	std::string reply;
};

const Case kCases[] = {
	{{"PING"}, "+PONG\r\n"},
	{{"ping"}, "+PONG\r\n"},
	{{"PING", "hi"}, "$2\r\nhi\r\n"},
	{{"PING", ""}, "$0\r\n\r\n"},
	{{"PING", "a", "b"}, "-ERR wrong number of arguments for 'ping' command\r\n"},
	{{"ECHO", "a\r\nb"}, "$4\r\na\r\nb\r\n"},
	{{"ECHO", std::string("\0x", 2)}, std::string("$2\r\n\0x\r\n", 8)},

	{{"SELECT", "0"}, "+OK\r\n"},
	{{"SELECT", "1"}, kDbRange},
	{{"SELECT", "-1"}, kDbRange},
	{{"SELECT", "99999999999"}, kDbRange},
	{{"SELECT", "99999999999999999999999999"}, kNotInteger},
	{{"SELECT", ""}, kNotInteger},
	{{"SELECT", " 0"}, kNotInteger},
	{{"SELECT", "0 "}, kNotInteger},
	{{"SELECT", "zero"}, kNotInteger},
	{{"SELECT", std::string("0\0", 2)}, kNotInteger},

	{{"HELLO"}, kHello},
	{{"HELLO", "2"}, kHello},
	{{"hello", "2", "setname", "me"}, kHello},
	{{"HELLO", "2", "AUTH", "default", "x"}, kHello},
	{{"HELLO", "3"}, "-NOPROTO unsupported protocol version\r\n"},
	{{"HELLO", "1"}, "-NOPROTO unsupported protocol version\r\n"},
	{{"HELLO", "3", "AUTH", "default", "x", "SETNAME", "me"},
		"-NOPROTO unsupported protocol version\r\n"},
	{{"HELLO", "two"}, "-ERR Protocol version is not an integer or out of range\r\n"},
	{{"HELLO", "2", "AUTH", "default"}, kHelloSyntax},
	{{"HELLO", "2", "SETNAME"}, kHelloSyntax},
	{{"HELLO", "2", "SETNAME", "a b"}, kBadName},
	{{"HELLO", "2", "what"}, kHelloSyntax},
	{{"HELLO", "2", "AUTH", "bob", "x"}, kWrongPass},

	{{"AUTH", "x"},
		"-ERR AUTH <password> called without any password configured for the default "
		"user. Are you sure your configuration is correct?\r\n"},
	{{"AUTH", "default", "x"}, "+OK\r\n"},
	{{"AUTH", "bob", "x"}, kWrongPass},
	{{"AUTH", "a", "b", "c"}, "-ERR syntax error\r\n"},

	{{"CLIENT", "ID"}, ":42\r\n"},
	{{"CLIENT", "GETNAME"}, "$-1\r\n"},
	{{"CLIENT", "SETNAME", "me"}, "+OK\r\n"},
	{{"client", "setname", "a\nb"}, kBadName},
	{{"CLIENT", "SETNAME", "caf\xc3\xa9"}, kBadName},
	{{"CLIENT", "SETNAME", std::string(257, 'n')},
		"-ERR Client names and library names are at most 256 bytes long\r\n"},
	{{"CLIENT", "SETINFO", "lib-name", "redis-py"}, "+OK\r\n"},
	{{"CLIENT", "SETINFO", "LIB-VER", "5.0.1"}, "+OK\r\n"},
	{{"CLIENT", "SETINFO", "LIB-VER", "5 0"}, kBadName},
	{{"CLIENT", "SETINFO", "colour", "red"},
		"-ERR Unrecognized option: CLIENT SETINFO takes LIB-NAME or LIB-VER\r\n"},
	{{"CLIENT", "LIST", "TYPE", "pubsub"}, "$0\r\n\r\n"},
	{{"CLIENT", "LIST", "TYPE", "x"}, "-ERR Unknown client type\r\n"},
	{{"CLIENT", "LIST", "ID", "7", "43"}, "$0\r\n\r\n"},
	{{"CLIENT", "LIST", "ID", "x"}, "-ERR Invalid client ID\r\n"},
	{{"CLIENT", "LIST", "x"}, "-ERR syntax error\r\n"},
	{{"CLIENT", "LIST", "ID"}, "-ERR syntax error\r\n"},

	{{"INFO"}, support::bulk("all\r\n")},
	{{"INFO", "Server"}, support::bulk("server\r\n")},
	{{"INFO", "everything"}, support::bulk("all\r\n")},
	{{"INFO", "stats", "peers"}, support::bulk("stats\r\npeers\r\n")},
	{{"INFO", std::string(1000, 's')}, support::bulk("")},
	{Args(33, "INFO"), "-ERR too many sections\r\n"},

	{{"RESET"}, "+RESET\r\n"},
	{{"COMMAND", "INFO", "nosuch"}, "*1\r\n*-1\r\n"},
	{{"COMMAND", "INFO", "multi", "client|nosuch", "", std::string(500, 'x')},
		"*4\r\n*-1\r\n*-1\r\n*-1\r\n*-1\r\n"},
	{{"COMMAND", "INFO", "get"},
		"*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n*0\r\n*0\r\n"
		"*0\r\n*0\r\n"},
	{{"COMMAND", "INFO", "MSET"},
		"*1\r\n*10\r\n$4\r\nmset\r\n:-3\r\n*1\r\n+write\r\n:1\r\n:-1\r\n:2\r\n*0\r\n*0\r\n"
		"*0\r\n*0\r\n"},
	{{"COMMAND", "INFO", "eval"}, "*1\r\n*10\r\n$4\r\neval\r\n:-3\r\n*2\r\n+write\r\n+"
				      "movablekeys\r\n:0\r\n:0\r\n:0\r\n"
				      "*0\r\n*0\r\n*0\r\n*0\r\n"},
	{{"COMMAND", "DOCS", "nosuch"}, "*0\r\n"},
};

TEST(Local, AnswersWhatClientsSay)
{
	for (const Case &c : kCases) {
		SCOPED_TRACE(c.args[0] + (c.args.size() > 1 ? " " + c.args[1].substr(0, 40) : ""));
		Client client;
		const Answer a = client.answer(c.args);

		EXPECT_EQ(a.reply, c.reply);
		EXPECT_EQ(a.result, LOCAL_ANSWERED);
	}
}

TEST(Local, SaysGoodbye)
{
	Client client;
	const Answer a = client.answer({"QUIT"});

	EXPECT_EQ(a.reply, "+OK\r\n");
	EXPECT_EQ(a.result, LOCAL_QUIT);
}

/* No command that the table calls local is without an answer, however many arguments it has. */
TEST(Local, AnswersEveryCommandOfTheTable)
{
	size_t n = 0;

	for (size_t i = 0; i < command_count; i++) {
		const command &c = command_table[i];
		const std::string name = c.name;
		const size_t blank = name.find(' ');
		Args args = {name.substr(0, blank)};

		if (c.kind != COMMAND_LOCAL)
			continue;
		if (blank != std::string::npos)
			args.push_back(name.substr(blank + 1));
		for (int more = 0; more < 6; more++, args.push_back("0")) {
			Client client;

			if (!command_arity_ok(&c, static_cast<uint32_t>(args.size())))
				continue;
			if (name == "COMMAND" && args.size() > 1)
				continue; /* an unknown subcommand is refused before */
			EXPECT_EQ(client.say(args).find("no answer"), std::string::npos) << name;
			n++;
		}
	}
	EXPECT_GT(n, 20u);
}

TEST(Local, KeepsTheNameOfAClient)
{
	Client client;

	EXPECT_EQ(client.say({"HELLO", "2", "SETNAME", "one"}), kHello);
	EXPECT_EQ(client.say({"CLIENT", "GETNAME"}), support::bulk("one"));
	EXPECT_EQ(client.say({"CLIENT", "SETNAME", "two"}), "+OK\r\n");
	EXPECT_EQ(client.say({"CLIENT", "GETNAME"}), support::bulk("two"));
	EXPECT_EQ(client.say({"HELLO", "2", "SETNAME", "th ree"}), kBadName);
	EXPECT_EQ(client.say({"CLIENT", "GETNAME"}), support::bulk("two"));
	EXPECT_EQ(client.say({"CLIENT", "SETNAME", ""}), "+OK\r\n");
	EXPECT_EQ(client.say({"CLIENT", "GETNAME"}), "$-1\r\n");
	EXPECT_EQ(client.say({"CLIENT", "SETNAME", "three"}), "+OK\r\n");
	EXPECT_EQ(client.say({"RESET"}), "+RESET\r\n");
	EXPECT_EQ(client.say({"CLIENT", "GETNAME"}), "$-1\r\n");
}

TEST(Local, ListsThisClient)
{
	Client client;
	sockaddr_in sa = {};
	socklen_t len = sizeof(sa);
	const int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

	sa.sin_family = AF_INET;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
	ASSERT_EQ(listen(listener, 1), 0);
	ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr *>(&sa), &len), 0);
	ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&sa), sizeof(sa)), 0);
	client.state.fd = fd;
	client.say({"CLIENT", "SETNAME", "me"});
	client.say({"CLIENT", "SETINFO", "LIB-NAME", "lib"});
	client.say({"CLIENT", "SETINFO", "LIB-VER", "1.2"});

	const std::string line = text(understood(client.say({"CLIENT", "LIST"})).get());
	for (const std::string &field : {std::string("id=42 "),
		     " addr=127.0.0.1:" + std::to_string(ntohs(sa.sin_port)) + " ",
		     std::string(" laddr=127.0.0.1:"), std::string(" name=me "),
		     std::string(" age=5 "), std::string(" db=0 "), std::string(" user=default "),
		     std::string(" resp=2 "), std::string(" lib-name=lib "),
		     std::string(" lib-ver=1.2\n")})
		EXPECT_NE(line.find(field), std::string::npos) << field << "in " << line;
	EXPECT_EQ(client.say({"CLIENT", "INFO"}), support::bulk(line));
	EXPECT_EQ(client.say({"CLIENT", "LIST", "TYPE", "Normal"}), support::bulk(line));
	EXPECT_EQ(client.say({"CLIENT", "LIST", "ID", "7", "42"}), support::bulk(line));
	close(fd);
	close(listener);
}

TEST(Local, LetsInWithThePassword)
{
	const std::string good = kPassword;
	const struct {
		Args args;
		std::string reply;
		bool is_in;
	} logins[] = {
		{{"AUTH", good}, "+OK\r\n", true},
		{{"AUTH", "default", good}, "+OK\r\n", true},
		{{"HELLO", "2", "AUTH", "default", good}, kHello, true},
		{{"HELLO", "2", "SETNAME", "x", "AUTH", "default", good}, kHello, true},
		{{"AUTH", ""}, kWrongPass, false},
		{{"AUTH", "x"}, kWrongPass, false},
		{{"AUTH", good.substr(0, good.size() - 1)}, kWrongPass, false},
		{{"AUTH", good + good[0]}, kWrongPass, false},
		{{"AUTH", good + good}, kWrongPass, false},
		{{"AUTH", good + std::string(1, '\0')}, kWrongPass, false},
		{{"AUTH", "Correct horse battery"}, kWrongPass, false},
		{{"AUTH", "correct horse batterz"}, kWrongPass, false},
		{{"AUTH", "Default", good}, kWrongPass, false},
		{{"AUTH", "", good}, kWrongPass, false},
		{{"AUTH", "root", good}, kWrongPass, false},
		{{"HELLO", "2", "AUTH", "default", "x"}, kWrongPass, false},
		{{"HELLO", "2", "AUTH", "root", good}, kWrongPass, false},
		{{"HELLO", "3", "AUTH", "default", good},
			"-NOPROTO unsupported protocol version\r\n", false},
		{{"HELLO", "2", "AUTH", "default", good, "SETNAME", "a b"}, kBadName, false},
	};

	for (const auto &l : logins) {
		Client client(kPassword);

		EXPECT_EQ(client.say(l.args), l.reply);
		EXPECT_EQ(client.state.authenticated, l.is_in) << l.args.back();
	}
}

TEST(Local, AsksForThePassword)
{
	Client client(kPassword);

	EXPECT_EQ(client.say({"HELLO", "2"}).substr(0, 8), "-NOAUTH ");
	EXPECT_EQ(client.say({"HELLO", "2", "SETNAME", "x"}).substr(0, 8), "-NOAUTH ");
	EXPECT_EQ(client.state.name, nullptr);
	EXPECT_EQ(client.say({"AUTH", kPassword}), "+OK\r\n");
	EXPECT_EQ(client.say({"HELLO", "2"}), kHello);
	EXPECT_EQ(client.say({"AUTH", "wrong"}), kWrongPass);
	EXPECT_TRUE(client.state.authenticated); /* as with Redis */
	EXPECT_EQ(client.say({"RESET"}), "+RESET\r\n");
	EXPECT_FALSE(client.state.authenticated);
}

TEST(Local, RepeatsNoPassword)
{
	const std::string secret = "hunter2";
	Client client(kPassword);

	for (const Args &args : {Args{"AUTH", secret}, Args{"AUTH", secret, secret},
		     Args{"AUTH", "a", "b", secret}, Args{"HELLO", secret},
		     Args{"HELLO", "2", secret}, Args{"HELLO", "2", "AUTH", secret},
		     Args{"HELLO", "2", "AUTH", secret, secret},
		     Args{"HELLO", "2", "AUTH", "default", secret, secret}}) {
		const std::string reply = client.say(args);

		EXPECT_EQ(reply[0], '-');
		EXPECT_EQ(reply.find(secret), std::string::npos) << reply;
		EXPECT_EQ(reply.find(kPassword), std::string::npos) << reply;
	}
}

/* What COMMAND lists is all that the table serves, each with what is true of it. */
TEST(Local, DescribesTheTable)
{
	Client client;
	Reply all = understood(client.say({"COMMAND"}));
	std::set<std::string> listed;

	ASSERT_EQ(all->type, REDIS_REPLY_ARRAY);
	EXPECT_EQ(client.say({"COMMAND", "COUNT"}), ":" + std::to_string(all->elements) + "\r\n");
	EXPECT_EQ(client.say({"COMMAND", "INFO"}), client.say({"COMMAND"}));
	for (size_t i = 0; i < all->elements; i++) {
		const redisReply *e = all->element[i];

		ASSERT_EQ(e->type, REDIS_REPLY_ARRAY);
		ASSERT_EQ(e->elements, 10u);
		EXPECT_EQ(text(e->element[0]).find('|'), std::string::npos);
		EXPECT_TRUE(listed.insert(text(e->element[0])).second) << text(e->element[0]);
		for (size_t s = 0; s < e->element[9]->elements; s++) {
			ASSERT_EQ(e->element[9]->element[s]->elements, 10u);
			listed.insert(text(e->element[9]->element[s]->element[0]));
		}
	}
	for (size_t i = 0; i < command_count; i++) {
		std::string name = command_table[i].name;

		for (char &c : name)
			c = c == ' ' ? '|' : static_cast<char>(tolower(c));
		if (command_table[i].kind == COMMAND_REFUSED) {
			EXPECT_EQ(listed.count(name),
				name == "client" || name == "function" || name == "memory" ||
						name == "object" || name == "script" ||
						name == "xgroup" || name == "xinfo"
					? 1u
					: 0u)
				<< name;
			continue;
		}
		EXPECT_EQ(listed.count(name), 1u) << name;
		Reply one = understood(client.say({"COMMAND", "INFO", name}));
		ASSERT_EQ(one->element[0]->type, REDIS_REPLY_ARRAY) << name;
		EXPECT_EQ(text(one->element[0]->element[0]), name);
		EXPECT_EQ(one->element[0]->element[1]->integer, command_table[i].arity);
	}
}

TEST(Local, DocumentsTheTable)
{
	Client client;
	Reply all = understood(client.say({"COMMAND", "DOCS"}));
	Reply command = understood(client.say({"COMMAND"}));

	ASSERT_EQ(all->elements, command->elements * 2);
	for (size_t i = 0; i < all->elements; i += 2) {
		const redisReply *doc = all->element[i + 1];

		EXPECT_EQ(all->element[i]->type, REDIS_REPLY_STRING);
		ASSERT_GE(doc->elements, 4u);
		EXPECT_EQ(text(doc->element[0]), "summary");
		EXPECT_NE(text(doc->element[1]), "");
		EXPECT_EQ(text(doc->element[2]), "group");
		EXPECT_NE(text(doc->element[3]), "");
	}
	Reply some = understood(client.say({"COMMAND", "DOCS", "get", "nosuch", "client"}));
	ASSERT_EQ(some->elements, 4u);
	EXPECT_EQ(text(some->element[0]), "get");
	EXPECT_EQ(text(some->element[2]), "client");
	ASSERT_EQ(some->element[3]->elements, 6u);
	EXPECT_EQ(text(some->element[3]->element[4]), "subcommands");
	EXPECT_EQ(some->element[3]->element[5]->elements, 12u);
}

TEST(Local, RefusesMoreNamesThanThereAre)
{
	for (const char *what : {"INFO", "DOCS"}) {
		Client client;
		Args args = {"COMMAND", what};

		args.resize(2 + command_count, "command");
		EXPECT_EQ(client.say(args)[0], '*');
		args.push_back("command");
		EXPECT_EQ(client.say(args).substr(0, 5), "-ERR ");
	}
}

TEST(Local, EchoesLargeArguments)
{
	Client client;
	const std::string large(5 * 1024 * 1024, 'x');

	EXPECT_TRUE(client.say({"ECHO", large}) == support::bulk(large));
	EXPECT_TRUE(client.say({"PING", large}) == support::bulk(large));
}

} // namespace
