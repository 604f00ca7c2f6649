#include "support/node.h"

#include "support/wait.h"

#include <csignal>
#include <filesystem>
#include <random>
#include <sstream>
#include <stdexcept>

namespace support
{
namespace
{

std::string random_text()
{
	static const char digits[] = "0123456789abcdef";
	std::random_device numbers;
	std::string text;

	for (int i = 0; i < 32; i++)
		text += digits[numbers() % 16];
	return text;
}

std::string file_or_empty(const std::string &path)
{
	return std::filesystem::exists(path) ? read_file(path) : std::string();
}

} // namespace

KeyFiles::KeyFiles() : key_(random_text()), iv_(random_text())
{
	dir_.write("key.pem", key_ + "\n");
	dir_.write("iv.pem", iv_ + "\n");
}

std::string yaml(const Settings &settings)
{
	std::string text = "dyn_o_mite:\n";

	for (const auto &[key, value] : settings) {
		text += "  " + key + ":";
		text += value[0] == '\n' ? value : " " + value;
		text += "\n";
	}
	return text;
}

std::string yaml_list(const std::vector<std::string> &items)
{
	std::string text;

	for (const std::string &item : items)
		text += "\n    - " + item;
	return items.empty() ? "[]" : text;
}

Node::Node(const std::string &redis, const KeyFiles *keys, uint16_t port)
    : port_(port ? port : node_port())
{
	settings_ = {
		{"servers", yaml_list({redis + ":1"})},
		{"recon_enabled", "true"},
		{"recon_listen", loopback(port_)},
		{"recon_peers", "[]"},
		{"recon_interval_seconds", "1"},
		{"recon_max_rate", "0"},
		{"recon_spool_dir", dir_.path()},
		{"recon_state_dir", dir_.file("state")},
		{"stats_listen", loopback(0)},
	};
	if (keys) {
		settings_["recon_key_file"] = keys->key_file();
		settings_["recon_iv_file"] = keys->iv_file();
	} else {
		settings_["recon_encrypt"] = "false";
	}
}

Node &Node::set(const std::string &key, const std::string &value)
{
	if (value.empty())
		settings_.erase(key);
	else
		settings_[key] = value;
	return *this;
}

Node &Node::peers(const std::vector<std::string> &addresses)
{
	return set("recon_peers", yaml_list(addresses));
}

Node &Node::arguments(std::vector<std::string> args)
{
	arguments_ = std::move(args);
	return *this;
}

Node &Node::by(std::vector<std::string> program)
{
	by_ = std::move(program);
	return *this;
}

void Node::launch()
{
	const std::vector<std::string> own = {dynomite_program(), "-c",
		dir_.write("dynomite.yml", yaml(settings_)), "-o", dir_.file("log"), "-p",
		dir_.file("pid"), "-v", "6"};
	std::vector<std::string> argv = by_;

	argv.insert(argv.end(), own.begin(), own.end());
	argv.insert(argv.end(), arguments_.begin(), arguments_.end());
	process_.reset();
	log_begin_ = file_or_empty(dir_.file("log")).size();
	process_ = std::make_unique<Process>(argv);
}

void Node::start()
{
	launch();
	wait_until(
		[&] { return !running() || logged("started, pid") > 0; }, std::chrono::seconds(30));
	if (!running() || logged("started, pid") == 0)
		throw std::runtime_error("dynomite does not start:\n" + log());
}

bool Node::running()
{
	return process_ && process_->running();
}

int Node::stop(int signo, std::chrono::milliseconds limit)
{
	if (!process_)
		throw std::runtime_error("the node was not started");
	process_->signal(signo);
	return process_->wait(limit);
}

void Node::kill9()
{
	stop(SIGKILL);
}

std::string Node::log() const
{
	const std::string all = file_or_empty(dir_.file("log"));
	const std::string printed = process_ ? process_->output() : std::string();

	return printed + (all.size() > log_begin_ ? all.substr(log_begin_) : std::string());
}

std::vector<std::string> Node::log_lines(const std::string &with) const
{
	std::istringstream all(log());
	std::vector<std::string> lines;
	std::string line;

	while (std::getline(all, line))
		if (line.find(with) != std::string::npos)
			lines.push_back(line);
	return lines;
}

bool Node::wait_log(const std::string &text, size_t n, std::chrono::milliseconds limit)
{
	wait_until([&] { return logged(text) >= n || !running(); }, limit);
	return logged(text) >= n;
}

uint64_t Node::counted(const std::string &name) const
{
	const std::vector<std::string> lines = log_lines("counted: ");

	if (lines.empty())
		throw std::runtime_error("it has not counted:\n" + log());
	const size_t at = lines.back().find(" " + name + " ");
	if (at == std::string::npos)
		throw std::runtime_error("no counter " + name + " in: " + lines.back());
	return std::stoull(lines.back().substr(at + name.size() + 2));
}

size_t Node::resident_kib() const
{
	std::istringstream status(
		read_file("/proc/" + std::to_string(process_->pid()) + "/status"));
	std::string line;

	while (std::getline(status, line))
		if (line.compare(0, 6, "VmRSS:") == 0)
			return std::stoul(line.substr(6));
	throw std::runtime_error("no VmRSS");
}

size_t Node::descriptors() const
{
	const std::filesystem::directory_iterator fds(
		"/proc/" + std::to_string(process_->pid()) + "/fd");

	return static_cast<size_t>(std::distance(begin(fds), end(fds)));
}

uint16_t stats_port(const Node &node)
{
	const std::vector<std::string> lines = node.log_lines("statistics on http://");

	if (lines.empty())
		throw std::runtime_error("no statistics:\n" + node.log());
	return static_cast<uint16_t>(std::stoi(lines[0].substr(lines[0].rfind(':') + 1)));
}

int compare(const RedisServer &a, const RedisServer &b, std::string *output,
	const std::string &password)
{
	Process process(
		{dyn_entropy_program(), "compare", a.address(), b.address(), "--limit", "20"},
		{"DYN_ENTROPY_REDIS_PASSWORD" + (password.empty() ? "" : "=" + password)});
	const int status = process.wait(std::chrono::seconds(120));

	if (output)
		*output = process.output();
	return status;
}

} // namespace support
