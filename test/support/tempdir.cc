#include "support/tempdir.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>

namespace support
{

TempDir::TempDir()
{
	const char *base = getenv("TMPDIR");
	std::string name = std::string(base && *base ? base : "/tmp") + "/dynomite-test-XXXXXX";

	if (!mkdtemp(name.data()))
		throw std::runtime_error("mkdtemp " + name + ": " + strerror(errno));
	path_ = name;
}

TempDir::~TempDir()
{
	std::error_code ignored;
	std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::write(const std::string &name, const std::string &content, mode_t mode) const
{
	const std::string path = file(name);
	std::ofstream to(path, std::ios::binary | std::ios::trunc);

	to << content;
	to.close();
	if (!to)
		throw std::runtime_error("cannot write " + path);
	if (chmod(path.c_str(), mode) != 0)
		throw std::runtime_error("chmod " + path + ": " + strerror(errno));
	return path;
}

std::string read_file(const std::string &path)
{
	std::ifstream from(path, std::ios::binary);
	std::ostringstream content;

	if (!from)
		throw std::runtime_error("cannot open " + path + ": " + strerror(errno));
	content << from.rdbuf();
	return content.str();
}

std::string source_file(const std::string &name)
{
	namespace fs = std::filesystem;
	const char *top = getenv("SRCDIR");

	if (top && *top)
		return std::string(top) + "/" + name;
	for (fs::path dir = fs::canonical("/proc/self/exe").parent_path(); dir != dir.root_path();
		dir = dir.parent_path())
		if (fs::exists(dir / name))
			return (dir / name).string();
	return name;
}

} // namespace support
