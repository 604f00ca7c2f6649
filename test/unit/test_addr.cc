#include "base/addr.h"
#include "base/clock.h"
#include "support/wait.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

namespace
{

/* A socket address of a literal and a port. */
struct Socket {
	struct sockaddr_storage sa = {};

	Socket(const char *literal, uint16_t port)
	{
		auto *in4 = reinterpret_cast<struct sockaddr_in *>(&sa);
		auto *in6 = reinterpret_cast<struct sockaddr_in6 *>(&sa);

		if (inet_pton(AF_INET, literal, &in4->sin_addr) == 1) {
			sa.ss_family = AF_INET;
			in4->sin_port = htons(port);
		} else {
			EXPECT_EQ(inet_pton(AF_INET6, literal, &in6->sin6_addr), 1) << literal;
			sa.ss_family = AF_INET6;
			in6->sin6_port = htons(port);
		}
	}
	const struct sockaddr *get() const
	{
		return reinterpret_cast<const struct sockaddr *>(&sa);
	}
};

TEST(Addr, ParsesHostAndPort)
{
	const struct {
		const char *text, *host;
		unsigned port;
	} cases[] = {
		{"127.0.0.1:8105", "127.0.0.1", 8105},
		{"node-1.example:1", "node-1.example", 1},
		{"h:0", "h", 0},
		{"h:65535", "h", 65535},
		{"h:00080", "h", 80},
		{"[::1]:8105", "::1", 8105},
		{"[fe80::1%eth0]:7", "fe80::1%eth0", 7},
	};

	for (const auto &c : cases) {
		struct addr a;

		ASSERT_TRUE(addr_parse(&a, c.text)) << c.text;
		EXPECT_STREQ(a.host, c.host);
		EXPECT_EQ(a.port, c.port) << c.text;
	}
}

TEST(Addr, RefusesWhatIsNoHostAndPort)
{
	const std::string too_long = std::string(ADDR_HOST_MAX, 'h') + ":1";
	const char *const texts[] = {"", ":", "host", "host:", ":80", "[]:80", "[::1]", "[::1]80",
		"[::1]x:80", "::1:80", "host:65536", "host:99999", "host:100000", "host:-1",
		"host:+1", "host: 1", "host:1 ", "host:1x", "a host:80", too_long.c_str()};
	struct addr a;

	for (const char *text : texts)
		EXPECT_FALSE(addr_parse(&a, text)) << "'" << text << "'";
	EXPECT_TRUE(addr_parse(&a, too_long.substr(1).c_str())) << "the longest host there is";
}

TEST(Addr, FormatsWhatItParsed)
{
	char text[ADDR_TEXT_MAX];
	struct addr a;

	for (const char *want : {"127.0.0.1:8105", "[::1]:1", "localhost:0"}) {
		ASSERT_TRUE(addr_parse(&a, want));
		EXPECT_STREQ(addr_format(&a, text, sizeof(text)), want);
	}
	EXPECT_STREQ(addr_format(&a, text, 6), "local") << "cut to the space there is";
}

TEST(Addr, FormatsSocketAddresses)
{
	char text[ADDR_TEXT_MAX];
	struct sockaddr_un un = {};

	un.sun_family = AF_UNIX;
	EXPECT_STREQ(addr_format_sockaddr(Socket("10.1.2.3", 99).get(), text, sizeof(text)),
		"10.1.2.3:99");
	EXPECT_STREQ(addr_format_sockaddr(Socket("2001:db8::5", 99).get(), text, sizeof(text)),
		"[2001:db8::5]:99");
	EXPECT_STREQ(addr_format_sockaddr(
			     reinterpret_cast<const struct sockaddr *>(&un), text, sizeof(text)),
		"unix");
}

TEST(Addr, KnowsLoopback)
{
	const struct {
		const char *host;
		bool loopback;
	} cases[] = {
		{"127.0.0.1", true},
		{"127.255.0.9", true},
		{"::1", true},
		{"::ffff:127.0.0.1", true},
		{"::ffff:10.0.0.1", false},
		{"localhost", true},
		{"LocalHost", true},
		{"128.0.0.1", false},
		{"0.0.0.0", false},
		{"::", false},
		{"10.0.0.1", false},
		{"localhost.example", false},
		{"127.0.0.1.example", false},
	};

	for (const auto &c : cases) {
		struct addr a = {};
		char text[ADDR_TEXT_MAX];

		snprintf(a.host, sizeof(a.host), "%s", c.host);
		EXPECT_EQ(addr_text_is_loopback(addr_format(&a, text, sizeof(text))), c.loopback)
			<< c.host;
	}
	EXPECT_TRUE(addr_sockaddr_is_loopback(Socket("127.9.9.9", 1).get()));
	EXPECT_TRUE(addr_sockaddr_is_loopback(Socket("::1", 1).get()));
	EXPECT_TRUE(addr_sockaddr_is_loopback(Socket("::ffff:127.0.0.1", 1).get()));
	EXPECT_FALSE(addr_sockaddr_is_loopback(Socket("::ffff:10.0.0.1", 1).get()));
	EXPECT_FALSE(addr_sockaddr_is_loopback(Socket("10.0.0.1", 1).get()));
}

TEST(Addr, ComparesHostsWithoutPorts)
{
	const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1", true},
		{"10.0.0.1", "10.0.0.2", false},
		{"10.0.0.1", "::ffff:10.0.0.1", true},
		{"::ffff:10.0.0.1", "10.0.0.1", true},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
		{"0.0.0.1", "::1", false},
		{"::1", "127.0.0.1", false},
	};

	for (const auto &c : cases)
		EXPECT_EQ(addr_same_host(Socket(c.a, 1).get(), Socket(c.b, 2).get()), c.same)
			<< c.a << " " << c.b;
}

TEST(Addr, ResolvesLiteralsAtOnceAndNamesInTime)
{
	struct addr_resolved out[ADDR_RESOLVED_MAX];
	const char *why = nullptr;
	struct addr a;

	ASSERT_TRUE(addr_parse(&a, "127.0.0.1:81"));
	/* A deadline that has passed is no hindrance to a literal. */
	ASSERT_EQ(addr_resolve(&a, 0, -1, out, &why), 1u);
	EXPECT_TRUE(addr_sockaddr_is_loopback(reinterpret_cast<struct sockaddr *>(&out[0].sa)));
	EXPECT_EQ(reinterpret_cast<struct sockaddr_in *>(&out[0].sa)->sin_port, htons(81));
	ASSERT_TRUE(addr_parse(&a, "[::1]:81"));
	EXPECT_EQ(addr_resolve(&a, 0, -1, out, &why), 1u);

	ASSERT_TRUE(addr_parse(&a, "localhost:81"));
	const size_t n = addr_resolve(&a, clock_deadline_ms(10000), -1, out, &why);
	ASSERT_GE(n, 1u) << why;
	for (size_t i = 0; i < n; i++)
		EXPECT_TRUE(
			addr_sockaddr_is_loopback(reinterpret_cast<struct sockaddr *>(&out[i].sa)));
}

TEST(Addr, GivesALookUpUpWhenItIsLateOrCancelled)
{
	struct addr_resolved out[ADDR_RESOLVED_MAX];
	const int cancel = eventfd(1, EFD_CLOEXEC); /* readable from the start */
	const char *why = nullptr;
	struct addr a;

	/* A name that is longer than a label may be needs no server to be refused, so that what is
	 * tested here is our waiting alone. */
	ASSERT_TRUE(addr_parse(&a, (std::string(64, 'x') + ".invalid:1").c_str()));
	const int64_t begin = clock_monotonic_ms();
	EXPECT_EQ(addr_resolve(&a, 0, -1, out, &why), 0u);
	EXPECT_NE(why, nullptr);
	why = nullptr;
	EXPECT_EQ(addr_resolve(&a, CLOCK_NEVER, cancel, out, &why), 0u);
	EXPECT_NE(why, nullptr);
	EXPECT_LT(clock_monotonic_ms() - begin, support::patient_ms(5000));
	close(cancel);
}

} // namespace
