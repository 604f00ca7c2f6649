#include "support/redis_server.h"

#include "support/net.h"
#include "support/wait.h"

#include <csignal>
#include <cstring>
#include <sstream>

namespace support
{
namespace
{

/* What keys begin with by which a node marks its Redis. */
const std::string kMarkers = "\001dynomite:marker:";

} // namespace

namespace
{

constexpr int kConnectSeconds = 10;
constexpr int kReplySeconds = 60;

std::string reply_text(const redisReply &r)
{
	switch (r.type) {
	case REDIS_REPLY_INTEGER:
		return std::to_string(r.integer);
	case REDIS_REPLY_NIL:
		return "(nil)";
	default:
		return std::string(r.str, r.len);
	}
}

void flatten(const redisReply &r, std::vector<std::string> &to)
{
	if (r.type != REDIS_REPLY_ARRAY) {
		to.push_back(reply_text(r));
		return;
	}
	for (size_t i = 0; i < r.elements; i++)
		flatten(*r.element[i], to);
}

[[noreturn]] void unexpected(const std::string &command, const redisReply &r)
{
	const std::string what = r.type == REDIS_REPLY_ERROR
					 ? reply_text(r)
					 : "a reply of type " + std::to_string(r.type);
	throw RedisError(command + ": " + what);
}

} // namespace

RedisClient::RedisClient(const std::string &host, uint16_t port, const std::string &password)
{
	const struct timeval limit = {kConnectSeconds, 0};
	begin(redisConnectWithTimeout(host.c_str(), port, limit), host + ":" + std::to_string(port),
		password);
}

RedisClient::RedisClient(const std::string &socket_path, const std::string &password)
{
	const struct timeval limit = {kConnectSeconds, 0};
	begin(redisConnectUnixWithTimeout(socket_path.c_str(), limit), socket_path, password);
}

void RedisClient::begin(redisContext *c, const std::string &where, const std::string &password)
{
	const struct timeval limit = {kReplySeconds, 0};

	context_.reset(c);
	if (!c || c->err)
		throw std::runtime_error(where + ": " + (c ? c->errstr : "no memory"));
	redisSetTimeout(c, limit);
	if (!password.empty())
		cmd("AUTH", password);
}

void RedisClient::append(const Args &args)
{
	std::vector<const char *> argv;
	std::vector<size_t> len;

	for (const std::string &a : args) {
		argv.push_back(a.data());
		len.push_back(a.size());
	}
	if (redisAppendCommandArgv(context_.get(), static_cast<int>(argv.size()), argv.data(),
		    len.data()) != REDIS_OK)
		throw std::runtime_error(args[0] + ": " + context_->errstr);
}

RedisReply RedisClient::next_reply(const std::string &command)
{
	void *reply = nullptr;

	if (redisGetReply(context_.get(), &reply) != REDIS_OK || !reply)
		throw std::runtime_error(command + ": " + context_->errstr);
	return RedisReply(static_cast<redisReply *>(reply));
}

RedisReply RedisClient::call(const Args &args)
{
	append(args);
	return next_reply(args[0]);
}

std::string RedisClient::text(const Args &args)
{
	const RedisReply r = call(args);

	if (r->type == REDIS_REPLY_ERROR || r->type == REDIS_REPLY_ARRAY)
		unexpected(args[0], *r);
	return reply_text(*r);
}

int64_t RedisClient::number(const Args &args)
{
	const RedisReply r = call(args);

	if (r->type != REDIS_REPLY_INTEGER)
		unexpected(args[0], *r);
	return r->integer;
}

std::vector<std::string> RedisClient::texts(const Args &args)
{
	const RedisReply r = call(args);
	std::vector<std::string> all;

	if (r->type != REDIS_REPLY_ARRAY)
		unexpected(args[0], *r);
	flatten(*r, all);
	return all;
}

std::string RedisClient::error_words(const Args &args)
{
	const RedisReply r = call(args);

	if (r->type != REDIS_REPLY_ERROR)
		throw RedisError(args[0] + ": succeeded where an error was expected");
	return reply_text(*r);
}

void RedisClient::pipeline(const std::vector<Args> &commands)
{
	/* In batches, so that neither side has to hold more than a bit of it. */
	constexpr size_t kBatch = 1000;
	std::string first_error;

	for (size_t begin = 0; begin < commands.size(); begin += kBatch) {
		const size_t end = std::min(begin + kBatch, commands.size());
		for (size_t i = begin; i < end; i++)
			append(commands[i]);
		for (size_t i = begin; i < end; i++) {
			const RedisReply r = next_reply(commands[i][0]);
			if (r->type == REDIS_REPLY_ERROR && first_error.empty())
				first_error = commands[i][0] + ": " + reply_text(*r);
		}
	}
	if (!first_error.empty())
		throw RedisError(first_error);
}

void RedisClient::set(const std::string &key, const std::string &value)
{
	cmd("SET", key, value);
}

std::string RedisClient::get(const std::string &key)
{
	return cmd("GET", key);
}

bool RedisClient::exists(const std::string &key)
{
	return integer("EXISTS", key) == 1;
}

int64_t RedisClient::dbsize()
{
	Args markers = {"EXISTS"};

	for (int lane = 0; lane < 8; lane++)
		markers.push_back(kMarkers + std::to_string(lane));
	return integer("DBSIZE") - number(markers);
}

std::vector<std::string> RedisClient::keys()
{
	std::vector<std::string> all;

	for (const std::string &key : list("KEYS", "*"))
		if (key.compare(0, kMarkers.size(), kMarkers) != 0)
			all.push_back(key);
	return all;
}

std::string RedisClient::info(const std::string &field)
{
	std::istringstream lines(cmd("INFO", "everything"));
	std::string line;

	while (std::getline(lines, line)) {
		if (!line.empty() && line.back() == '\r')
			line.pop_back();
		if (line.compare(0, field.size() + 1, field + ":") == 0)
			return line.substr(field.size() + 1);
	}
	return "";
}

RedisServer::RedisServer(std::vector<std::string> extra_args) : extra_args_(std::move(extra_args))
{
	constexpr int kTries = 20;

	for (int i = 0; i < kTries; i++)
		if (launch(free_port(), true))
			return;
	throw std::runtime_error("redis-server found no free port:\n" + log_);
}

RedisServer::~RedisServer() = default;

/* False when the port was taken by another process. */
bool RedisServer::launch(uint16_t port, bool ready)
{
	std::vector<std::string> argv = {"redis-server", "--port", std::to_string(port), "--bind",
		"127.0.0.1", "--unixsocket", socket_path(), "--unixsocketperm", "700", "--save", "",
		"--appendonly", "no", "--dir", dir(), "--daemonize", "no", "--logfile", "",
		"--enable-debug-command", "local"};

	argv.insert(argv.end(), extra_args_.begin(), extra_args_.end());
	port_ = port;
	process_ = std::make_unique<Process>(argv);
	/* Asked over the socket in its own directory: on the port another Redis could answer. */
	const bool up = wait_until(
		[&] { return !process_->running() || answers(ready); }, std::chrono::seconds(60));
	if (up && process_->running())
		return true;
	log_ = process_->output();
	process_.reset();
	if (log_.find("Address already in use") == std::string::npos)
		throw std::runtime_error("redis-server does not start:\n" + log_);
	return false;
}

bool RedisServer::answers(bool ready) const
{
	try {
		RedisClient client(socket_path());
		const RedisReply r = client.call({"PING"});
		const std::string words = reply_text(*r);
		return r->type == REDIS_REPLY_STATUS || !ready ||
		       words.compare(0, 6, "NOAUTH") == 0;
	} catch (const std::runtime_error &) {
		return false;
	}
}

std::string RedisServer::password() const
{
	for (size_t i = 0; i + 1 < extra_args_.size(); i++)
		if (extra_args_[i] == "--requirepass")
			return extra_args_[i + 1];
	return "";
}

void RedisServer::end(int signo)
{
	if (!process_)
		return;
	process_->signal(signo);
	if (process_->wait() == Process::kRunning)
		throw std::runtime_error("redis-server does not end:\n" + process_->output());
	log_ = process_->output();
	process_.reset();
}

void RedisServer::stop()
{
	end(SIGTERM);
}

void RedisServer::kill9()
{
	end(SIGKILL);
}

void RedisServer::pause()
{
	process_->signal(SIGSTOP);
}

void RedisServer::resume()
{
	process_->signal(SIGCONT);
}

void RedisServer::start_again(bool ready)
{
	/* Connections of the previous one may linger on the port for a moment. */
	if (!wait_until([&] { return launch(port_, ready); }, std::chrono::seconds(10)))
		throw std::runtime_error("redis-server cannot have its port again:\n" + log_);
}

void RedisServer::start_again(std::vector<std::string> extra_args, bool ready)
{
	extra_args_ = std::move(extra_args);
	start_again(ready);
}

RedisClient RedisServer::connect() const
{
	return RedisClient("127.0.0.1", port_, password());
}

} // namespace support
