/*
 * node - a dynomite of its own for a test: its dynomite.yml, its key files, its process, its log.
 */
#ifndef TEST_SUPPORT_NODE_H
#define TEST_SUPPORT_NODE_H

#include "support/net.h"
#include "support/process.h"
#include "support/redis_server.h"
#include "support/tempdir.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace support
{

/* A random key and IV, in files that only we can read; the nodes of a ring share them. */
class KeyFiles
{
      public:
	KeyFiles();

	std::string key_file() const
	{
		return dir_.file("key.pem");
	}
	std::string iv_file() const
	{
		return dir_.file("iv.pem");
	}
	/* What the files say; the first 16 bytes count. */
	const std::string &key() const
	{
		return key_;
	}
	const std::string &iv() const
	{
		return iv_;
	}

      private:
	TempDir dir_;
	std::string key_, iv_;
};

/* Keys of dynomite.yml and their values, as they are written there. */
using Settings = std::map<std::string, std::string>;

/* The text of a dynomite.yml.  A value that starts with a line break is a nested block. */
std::string yaml(const Settings &settings);
std::string yaml_list(const std::vector<std::string> &items);

class Node
{
      public:
	/*
	 * A node that heals redis ("host:port" or the path of a socket).  It listens on port
	 * (0: node_port()), knows no peer, and plays one round after the other, a second apart,
	 * unlimited.  keys may be NULL: plaintext.
	 */
	Node(const std::string &redis, const KeyFiles *keys, uint16_t port = 0);
	Node(const Node &) = delete;
	Node &operator=(const Node &) = delete;

	uint16_t port() const
	{
		return port_;
	}
	std::string address() const
	{
		return loopback(port_);
	}
	const TempDir &dir() const
	{
		return dir_;
	}
	std::string conf_file() const
	{
		return dir_.file("dynomite.yml");
	}

	/* Change dynomite.yml, for the next start.  An empty value takes the key out. */
	Node &set(const std::string &key, const std::string &value);
	Node &peers(const std::vector<std::string> &addresses);
	/* Further arguments of the next start. */
	Node &arguments(std::vector<std::string> args);

	/* Later starts run another program, with the node's command line as its arguments. */
	Node &by(std::vector<std::string> program);
	/* Start and wait until it logs that it is up; throws with its log when it does not. */
	void start();
	/* Start, whatever becomes of it. */
	void launch();

	bool running();
	bool started() const /* at any time before */
	{
		return process_ != nullptr;
	}
	Process &process()
	{
		return *process_;
	}

	/* Its exit status after the signal, or Process::kRunning when it does not end in time. */
	int stop(int signo = 15, std::chrono::milliseconds limit = std::chrono::seconds(20));
	void kill9();

	/* What it has logged and printed since the last start. */
	std::string log() const;
	std::vector<std::string> log_lines(const std::string &with) const;
	size_t logged(const std::string &text) const
	{
		return log_lines(text).size();
	}
	/* Wait until at least n lines hold text. */
	bool wait_log(const std::string &text, size_t n = 1,
		std::chrono::milliseconds limit = std::chrono::seconds(30));
	/* Rounds that have ended since the last start. */
	size_t rounds() const
	{
		return logged("entropy: round ");
	}
	bool wait_rounds(size_t n, std::chrono::milliseconds limit = std::chrono::seconds(60))
	{
		return wait_log("entropy: round ", n, limit);
	}

	/* A counter of the last line of its log; it must have been stopped in good order. */
	uint64_t counted(const std::string &name) const;

	/* Of the running process, from /proc. */
	size_t resident_kib() const;
	size_t descriptors() const;

      private:
	TempDir dir_;
	uint16_t port_;
	Settings settings_;
	std::vector<std::string> arguments_, by_;
	std::unique_ptr<Process> process_;
	size_t log_begin_ = 0;
};

/* The port of the statistics of a node that listens on one of the kernel's choice. */
uint16_t stats_port(const Node &node);

/* `dyn-entropy compare`: its exit status (0: equal), what it wrote in *output when not NULL. */
int compare(const RedisServer &a, const RedisServer &b, std::string *output = nullptr,
	const std::string &password = "");

} // namespace support

#endif
