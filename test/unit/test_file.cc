#include "base/file.h"
#include "support/joining_thread.h"
#include "support/tempdir.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace
{

using Reader = enum file_status (*)(const char *, size_t, struct file *);

struct Content {
	enum file_status status;
	std::string text;
};

Content read(Reader reader, const std::string &path, size_t max)
{
	struct file f;
	Content c;

	c.status = reader(path.c_str(), max, &f);
	if (c.status == FILE_OK) {
		c.text.assign(reinterpret_cast<const char *>(f.bytes), f.len);
		EXPECT_EQ(f.bytes[f.len], '\0') << "a NUL follows";
	} else {
		EXPECT_EQ(f.bytes, nullptr);
	}
	file_fini(&f);
	EXPECT_EQ(f.bytes, nullptr);
	return c;
}

std::string problem(enum file_status status)
{
	char text[FILE_PROBLEM_MAX];

	return file_problem(status, text);
}

TEST(File, IsReadUpToItsLimit)
{
	support::TempDir dir;
	std::string path = dir.write("five", "12345");

	EXPECT_EQ(read(file_read, path, 5).text, "12345");
	EXPECT_EQ(read(file_read, path, 6).text, "12345");
	EXPECT_EQ(read(file_read, path, 4).status, FILE_TOO_LARGE);
	EXPECT_EQ(read(file_read, dir.write("none", ""), 4).status, FILE_OK);
	EXPECT_EQ(read(file_read, dir.write("lines", "a\nb\n"), 9).text, "a\nb\n");
}

TEST(File, HasToBeRegular)
{
	support::TempDir dir;
	std::string fifo = dir.file("fifo");

	ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
	EXPECT_EQ(read(file_read, fifo, 9).status, FILE_NOT_REGULAR); /* nor waited for */
	EXPECT_EQ(read(file_read, "/dev/zero", 9).status, FILE_NOT_REGULAR);
	EXPECT_EQ(read(file_read, dir.path(), 9).status, FILE_DIRECTORY);
	EXPECT_EQ(read(file_read, dir.file("absent"), 9).status, FILE_NOT_OPENED);
	EXPECT_EQ(errno, ENOENT);
	EXPECT_EQ(problem(FILE_NOT_OPENED), "cannot be opened: No such file or directory");
	EXPECT_EQ(problem(FILE_DIRECTORY), "is a directory, not a regular file");
}

TEST(File, IsOpenedWithItsSize)
{
	support::TempDir dir;
	uint64_t size = 0;
	int fd = -1;

	ASSERT_EQ(file_open(dir.write("five", "12345").c_str(), &fd, &size), FILE_OK);
	EXPECT_EQ(size, 5u);
	EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(fd);
	EXPECT_EQ(file_open("/dev/null", &fd, &size), FILE_NOT_REGULAR);
	EXPECT_EQ(fd, -1);
}

TEST(File, GivesItsFirstLine)
{
	const struct {
		const char *content, *line;
	} all[] = {
		{"secret\n", "secret"},
		{"secret", "secret"},
		{"secret\r\n", "secret"},
		{"secret\r", "secret"},
		{"secret\nmore\n", "secret"},
		{"\nsecret\n", ""},
		{"", ""},
	};
	support::TempDir dir;

	for (const auto &a : all) {
		Content c = read(file_read_line, dir.write("file", a.content), 6);

		EXPECT_EQ(c.status, FILE_OK) << a.content;
		EXPECT_EQ(c.text, a.line) << a.content;
	}
	for (const char *content :
		{"secret7\n", "secret7", "secret7\r\n", "secret78", "secret789\n"})
		EXPECT_EQ(
			read(file_read_line, dir.write("file", content), 6).status, FILE_TOO_LARGE)
			<< content;
	EXPECT_EQ(read(file_read_line, dir.path(), 6).status, FILE_NOT_READ);
	EXPECT_EQ(read(file_read_line, dir.file("absent"), 6).status, FILE_NOT_OPENED);
}

/* As from "<(command)" of a shell; does not wait for anything after the line. */
TEST(File, GivesTheFirstLineOfAPipe)
{
	support::TempDir dir;
	std::string fifo = dir.file("fifo");

	ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
	int keep = open(fifo.c_str(), O_RDWR | O_CLOEXEC);
	ASSERT_GE(keep, 0);
	ASSERT_EQ(write(keep, "sec", 3), 3);
	support::JoiningThread later([keep] { EXPECT_EQ(write(keep, "ret\n", 4), 4); });
	EXPECT_EQ(read(file_read_line, fifo, 6).text, "secret");
	later.join();
	close(keep);
}

TEST(File, IsReplacedAsAWhole)
{
	support::TempDir dir;
	const std::string path = dir.write("file", "old");

	ASSERT_TRUE(file_replace(path.c_str(), "newer", 5));
	EXPECT_EQ(support::read_file(path), "newer");
	EXPECT_NE(access((path + ".new").c_str(), F_OK), 0);
	EXPECT_FALSE(file_replace(dir.file("none/file").c_str(), "x", 1));
	EXPECT_EQ(errno, ENOENT);
	/* Where it cannot be, the new one is not left. */
	ASSERT_EQ(mkdir(dir.file("dir").c_str(), 0700), 0);
	EXPECT_FALSE(file_replace(dir.file("dir").c_str(), "x", 1));
	EXPECT_EQ(errno, EISDIR);
	EXPECT_NE(access(dir.file("dir.new").c_str(), F_OK), 0);
}

TEST(File, MayBeForgottenTwice)
{
	struct file f = {};

	file_fini(&f);
	EXPECT_EQ(f.bytes, nullptr);
}

} // namespace
