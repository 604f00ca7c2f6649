#include "proxy/outq.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace
{

/* A queue that ends with the test, and the chunks that were kept. */
class Outq : public testing::Test
{
      protected:
	outq q = {}, other = {};

	void TearDown() override
	{
		outq_clear(&q);
		outq_clear(&other);
		outq_drain_pool();
	}
};

std::string content(const outq *q)
{
	buf b = {};

	EXPECT_TRUE(outq_copy(q, &b));
	std::string s(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b));
	buf_fini(&b);
	EXPECT_EQ(s.size(), q->bytes);
	return s;
}

bool append(outq *q, const std::string &s)
{
	return outq_append(q, s.data(), s.size());
}

/* Bytes of which every one tells where it is. */
std::string pattern(size_t len, unsigned seed = 1)
{
	std::mt19937 random(seed);
	std::string s(len, '\0');

	for (char &c : s)
		c = static_cast<char>(random());
	return s;
}

/* A connected pair: [0] is written to and does not block. */
class Pair
{
      public:
	Pair()
	{
		EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		EXPECT_EQ(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
		EXPECT_EQ(fcntl(fd[1], F_SETFL, O_NONBLOCK), 0);
	}
	~Pair()
	{
		close(fd[0]);
		close_reader();
	}
	Pair(const Pair &) = delete;
	Pair &operator=(const Pair &) = delete;

	void close_reader()
	{
		if (fd[1] >= 0)
			close(fd[1]);
		fd[1] = -1;
	}

	/* All that is there to read. */
	std::string read_all()
	{
		std::string s;
		std::vector<char> some(1 << 16);
		ssize_t n;

		while ((n = read(fd[1], some.data(), some.size())) > 0)
			s.append(some.data(), static_cast<size_t>(n));
		return s;
	}

	int fd[2] = {-1, -1};
};

TEST_F(Outq, BeginsEmpty)
{
	Pair pair;

	EXPECT_EQ(content(&q), "");
	EXPECT_EQ(outq_write(&q, pair.fd[0]), 0);
	EXPECT_TRUE(outq_append(&q, "", 0));
	EXPECT_EQ(q.bytes, 0u);
	EXPECT_EQ(outq_write(&q, pair.fd[0]), 0);
	outq_splice(&q, &other);
	EXPECT_EQ(SLIST_FIRST(&q.chunks), nullptr);
}

TEST_F(Outq, HoldsWhatWasAppendedInOrder)
{
	for (size_t len : std::vector<size_t>{
		     1, 100, 4000, 4063, 4064, 4065, 4096, 5000, 70000, 1 << 20, 3000000}) {
		std::string expected;

		for (unsigned i = 0; i < 5; i++) {
			const std::string piece = pattern(len + i, i);

			ASSERT_TRUE(append(&q, piece));
			expected += piece;
			ASSERT_EQ(q.bytes, expected.size());
		}
		EXPECT_TRUE(content(&q) == expected) << len;
		outq_clear(&q);
		EXPECT_EQ(q.bytes, 0u);
		EXPECT_EQ(content(&q), "");
	}
}

TEST_F(Outq, FillsAChunkByteByByte)
{
	const std::string all = pattern(20000);

	for (char c : all)
		ASSERT_TRUE(outq_append(&q, &c, 1));
	EXPECT_TRUE(content(&q) == all);
}

TEST_F(Outq, TakesAnotherQueueOver)
{
	const std::string a = pattern(5000, 1), b = pattern(9000, 2), c = pattern(10, 3);

	append(&q, a);
	append(&other, b);
	outq_splice(&q, &other);
	EXPECT_EQ(other.bytes, 0u);
	EXPECT_EQ(SLIST_FIRST(&other.chunks), nullptr);
	EXPECT_TRUE(content(&q) == a + b);
	append(&q, c); /* behind what was taken over */
	append(&other, c);
	EXPECT_TRUE(content(&q) == a + b + c);
	EXPECT_EQ(content(&other), c);
	outq_splice(&other, &q);
	EXPECT_TRUE(content(&other) == c + a + b + c);
	EXPECT_EQ(content(&q), "");
}

TEST_F(Outq, WritesAll)
{
	const std::string all = pattern(50000);
	Pair pair;

	append(&q, all);
	EXPECT_EQ(outq_write(&q, pair.fd[0]), static_cast<ssize_t>(all.size()));
	EXPECT_EQ(q.bytes, 0u);
	EXPECT_EQ(SLIST_FIRST(&q.chunks), nullptr);
	EXPECT_EQ(q.last, nullptr);
	EXPECT_TRUE(pair.read_all() == all);
	append(&q, "more");
	EXPECT_EQ(outq_write(&q, pair.fd[0]), 4);
	EXPECT_EQ(pair.read_all(), "more");
}

TEST_F(Outq, GoesOnWhereTheSocketWasFull)
{
	const std::string all = pattern(5 * 1024 * 1024);
	std::string got;
	Pair pair;
	size_t partial = 0;

	/* Many small chunks and a few large ones. */
	ASSERT_TRUE(append(&q, all.substr(0, 1024 * 1024)));
	for (size_t at = 1024 * 1024; at < 2 * 1024 * 1024; at += 1024)
		ASSERT_TRUE(append(&q, all.substr(at, 1024)));
	ASSERT_TRUE(append(&q, all.substr(2 * 1024 * 1024)));
	while (q.bytes > 0) {
		const size_t before = q.bytes;
		const ssize_t n = outq_write(&q, pair.fd[0]);

		ASSERT_GT(n, 0);
		ASSERT_EQ(before - q.bytes, static_cast<size_t>(n));
		if (q.bytes > 0) {
			ASSERT_EQ(outq_write(&q, pair.fd[0]), 0); /* full: nothing, and no error */
			partial++;
		}
		got += pair.read_all();
		ASSERT_TRUE(content(&q) == all.substr(got.size()));
	}
	EXPECT_TRUE(got == all);
	EXPECT_GT(partial, 3u);
}

TEST_F(Outq, TellsThatNobodyReads)
{
	Pair pair;

	append(&q, "lost");
	pair.close_reader();
	errno = 0;
	EXPECT_EQ(outq_write(&q, pair.fd[0]), -1); /* and no SIGPIPE */
	EXPECT_EQ(errno, EPIPE);
}

TEST_F(Outq, CopiesBehindWhatIsThere)
{
	buf b = {};

	append(&q, "queued");
	EXPECT_TRUE(buf_append(&b, "had ", 4));
	EXPECT_TRUE(outq_copy(&q, &b));
	EXPECT_EQ(std::string(reinterpret_cast<const char *>(buf_head(&b)), buf_len(&b)),
		"had queued");
	EXPECT_EQ(q.bytes, 6u);
	buf_fini(&b);
}

TEST_F(Outq, ReusesChunks)
{
	append(&q, "x");
	const outq_chunk *chunk = SLIST_FIRST(&q.chunks);

	outq_clear(&q);
	append(&other, "y");
	EXPECT_EQ(SLIST_FIRST(&other.chunks), chunk);
	EXPECT_EQ(content(&other), "y");
}

/* Any mixture of operations does what it would do to strings. */
TEST_F(Outq, IsAQueue)
{
	std::mt19937 random(7);
	std::string model, other_model, sent, got;
	Pair pair;

	for (int i = 0; i < 3000; i++) {
		const size_t len = random() % 3 ? random() % 300 : random() % 20000;
		const std::string piece = pattern(len, static_cast<unsigned>(random()));

		switch (random() % 5) {
		case 0:
		case 1:
			ASSERT_TRUE(append(&q, piece));
			model += piece;
			break;
		case 2:
			ASSERT_TRUE(append(&other, piece));
			other_model += piece;
			break;
		case 3:
			outq_splice(&q, &other);
			model += other_model;
			other_model.clear();
			break;
		case 4: {
			const ssize_t n = outq_write(&q, pair.fd[0]);

			ASSERT_GE(n, 0);
			sent += model.substr(0, static_cast<size_t>(n));
			model.erase(0, static_cast<size_t>(n));
			if (random() % 2)
				got += pair.read_all();
			break;
		}
		}
		ASSERT_EQ(q.bytes, model.size());
		ASSERT_EQ(other.bytes, other_model.size());
		if (i % 50 == 0) {
			ASSERT_TRUE(content(&q) == model);
		}
	}
	got += pair.read_all();
	EXPECT_TRUE(got == sent);
	EXPECT_GT(sent.size(), 1000000u);
	EXPECT_TRUE(content(&q) == model);
	EXPECT_TRUE(content(&other) == other_model);
}

} // namespace
