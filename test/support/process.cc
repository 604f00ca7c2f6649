#include "support/process.h"

#include "support/wait.h"

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char **environ;

namespace support
{
namespace
{

/* Runs jobs, one at a time, on a thread that ends with the program. */
class Spawner
{
      public:
	static Spawner &instance()
	{
		static Spawner *one = new Spawner(); /* never destroyed: its thread never ends */
		return *one;
	}

	void run(const std::function<void()> &job)
	{
		const std::lock_guard<std::mutex> turn(turn_);
		std::unique_lock<std::mutex> lock(mutex_);

		job_ = &job;
		changed_.notify_all();
		changed_.wait(lock, [this] { return job_ == nullptr; });
	}

      private:
	std::mutex turn_, mutex_;
	std::condition_variable changed_;
	const std::function<void()> *job_ = nullptr;

	Spawner()
	{
		std::thread([this] { loop(); }).detach();
	}

	void loop()
	{
		std::unique_lock<std::mutex> lock(mutex_);

		for (;;) {
			changed_.wait(lock, [this] { return job_ != nullptr; });
			(*job_)();
			job_ = nullptr;
			changed_.notify_all();
		}
	}
};

std::vector<std::string> environment(const std::vector<std::string> &changes)
{
	std::vector<std::string> env;

	for (char **e = environ; *e; e++) {
		const std::string name = std::string(*e).substr(0, strcspn(*e, "="));
		bool changed = false;
		for (const std::string &c : changes)
			changed = changed || c.substr(0, c.find('=')) == name;
		if (!changed)
			env.emplace_back(*e);
	}
	for (const std::string &c : changes)
		if (c.find('=') != std::string::npos)
			env.push_back(c);
	return env;
}

std::vector<char *> pointers(std::vector<std::string> &strings)
{
	std::vector<char *> p;

	for (std::string &s : strings)
		p.push_back(s.data());
	p.push_back(nullptr);
	return p;
}

struct Launch {
	char *const *argv;
	char *const *env;
	const char *out_path;
	const char *err_path;
	int error_fd; /* told errno when the program cannot be run; closed by exec */
	pid_t parent;
};

void redirect(const char *path, int flags, int to)
{
	const int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0 && fd != to)
		dup2(fd, to);
	else if (fd >= 0)
		fcntl(fd, F_SETFD, 0);
}

/* In the child: async-signal-safe calls alone. */
[[noreturn]] void child(const Launch &l)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != l.parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	std::signal(SIGPIPE, SIG_DFL);
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	redirect(l.out_path, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
	redirect(l.err_path, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execvpe(l.argv[0], l.argv, l.env);
	const int why = errno;
	(void)!write(l.error_fd, &why, sizeof(why));
	_exit(127);
}

std::string read_or_empty(const std::string &path)
{
	return std::filesystem::exists(path) ? read_file(path) : std::string();
}

std::string program(const char *variable, const char *name)
{
	namespace fs = std::filesystem;
	const char *value = getenv(variable);

	if (value && *value)
		return value;
	for (fs::path dir = fs::canonical("/proc/self/exe").parent_path(); dir != dir.root_path();
		dir = dir.parent_path())
		if (fs::is_regular_file(dir / name))
			return (dir / name).string();
	throw std::runtime_error(
		std::string(name) + " is not built and " + variable + " does not say where it is");
}

} // namespace

Process::Process(std::vector<std::string> argv, std::vector<std::string> env)
{
	std::vector<std::string> full_env = environment(env);
	const std::vector<char *> argv_p = pointers(argv), env_p = pointers(full_env);
	const std::string out_path = dir_.file("stdout"), err_path = dir_.file("stderr");
	int pipe_fd[2], why = 0;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0)
		throw std::runtime_error(std::string("pipe: ") + strerror(errno));
	const Launch launch = {argv_p.data(), env_p.data(), out_path.c_str(), err_path.c_str(),
		pipe_fd[1], getpid()};
	Spawner::instance().run([&] {
		pid_ = fork();
		if (pid_ == 0)
			child(launch);
		if (pid_ < 0)
			why = errno;
	});
	close(pipe_fd[1]);
	if (pid_ > 0 && read(pipe_fd[0], &why, sizeof(why)) > 0)
		reap(0);
	close(pipe_fd[0]);
	if (why != 0)
		throw std::runtime_error("cannot start " + argv[0] + ": " + strerror(why));
}

Process::~Process()
{
	if (running()) {
		kill(pid_, SIGKILL);
		reap(0);
	}
}

bool Process::reap(int flags)
{
	int raw;
	pid_t got;

	do {
		got = waitpid(pid_, &raw, flags);
	} while (got < 0 && errno == EINTR);
	if (got != pid_)
		return false;
	status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
	return true;
}

bool Process::running()
{
	return status_ == kRunning && !reap(WNOHANG);
}

void Process::signal(int signo)
{
	if (running())
		kill(pid_, signo);
}

int Process::wait(std::chrono::milliseconds limit)
{
	wait_until([this] { return !running(); }, limit);
	return status_;
}

std::string Process::out() const
{
	return read_or_empty(dir_.file("stdout"));
}

std::string Process::err() const
{
	return read_or_empty(dir_.file("stderr"));
}

std::string Process::output() const
{
	return out() + err();
}

bool Process::wait_output(const std::string &text, std::chrono::milliseconds limit)
{
	wait_until([&] { return output().find(text) != std::string::npos || !running(); }, limit);
	return output().find(text) != std::string::npos;
}

int run(const std::vector<std::string> &argv, std::string *output, std::chrono::milliseconds limit)
{
	Process process(argv);
	const int status = process.wait(limit);

	if (output)
		*output = process.output();
	return status;
}

std::string dynomite_program()
{
	return program("DYNOMITE", "dynomite");
}

std::string dyn_entropy_program()
{
	return program("DYN_ENTROPY", "dyn-entropy");
}

} // namespace support
