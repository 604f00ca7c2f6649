/*
 * tempdir - a directory for one test, removed with all it holds, and a few words on files.
 */
#ifndef TEST_SUPPORT_TEMPDIR_H
#define TEST_SUPPORT_TEMPDIR_H

#include <string>
#include <sys/types.h>

namespace support
{

class TempDir
{
      public:
	TempDir(); /* below TMPDIR, else /tmp; throws std::runtime_error */
	~TempDir();
	TempDir(const TempDir &) = delete;
	TempDir &operator=(const TempDir &) = delete;

	const std::string &path() const
	{
		return path_;
	}

	/* The path of a file in it, which need not exist. */
	std::string file(const std::string &name) const
	{
		return path_ + "/" + name;
	}

	/* Write a file in it; returns its path. */
	std::string write(
		const std::string &name, const std::string &content, mode_t mode = 0600) const;

      private:
	std::string path_;
};

/* The content of a file; throws std::runtime_error when it cannot be read. */
std::string read_file(const std::string &path);

/* A file of the source tree, such as "test/corpus/x"; uses SRCDIR, else looks above the binary. */
std::string source_file(const std::string &name);

} // namespace support

#endif
