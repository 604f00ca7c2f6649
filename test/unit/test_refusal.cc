#include "proxy/refusal.h"
#include "proxy/replica.h"

#include <cstring>
#include <gtest/gtest.h>
#include <string>

namespace
{

refusal in(const std::string &reply)
{
	return refusal_in(reinterpret_cast<const uint8_t *>(reply.data()), reply.size());
}

TEST(Refusal, IsToldFromAnAnswerByItsFirstWords)
{
	for (const char *reply : {"-ERR dynomite: a peer is down\r\n", "-ERR Dynomite: x\r\n",
		     "-ERR Storage: Connection refused\r\n", "-ERR Peer: Peer is not connected\r\n",
		     "-LOADING Redis is loading the dataset in memory\r\n"})
		EXPECT_EQ(in(reply), REFUSAL_NO_ANSWER) << reply;
	for (const char *reply : {"-OOM command not allowed\r\n", "-READONLY You can't\r\n",
		     "-BUSY Redis is busy\r\n", "-MISCONF Redis is configured\r\n",
		     "-NOAUTH Authentication required.\r\n", "-MASTERDOWN Link\r\n"})
		EXPECT_EQ(in(reply), REFUSAL_NOT_DONE) << reply;
	for (const char *reply :
		{"", "-", "-ERR\r\n", "-ERR dynomite\r\n", "-LOADINGS\r\n", "+OK\r\n",
			"$9\r\n-LOADING \r\n", "-WRONGTYPE Operation\r\n", "-BUSYKEY Target\r\n"})
		EXPECT_EQ(in(reply), REFUSAL_NONE) << reply;
}

TEST(Refusal, SaysWhatBecameOfAWrite)
{
	const struct {
		const char *reply;
		write_fate fate;
	} cases[] = {
		{"+OK\r\n", WRITE_TAKEN},
		{":0\r\n", WRITE_TAKEN},
		{"$-1\r\n", WRITE_TAKEN},
		{"$4\r\n-OOM\r\n", WRITE_TAKEN},
		{"-WRONGTYPE Operation against a key\r\n", WRITE_REFUSED},
		{"-ERR value is not an integer\r\n", WRITE_REFUSED},
		{"-OOM command not allowed\r\n", WRITE_MISSED},
		{"-READONLY You can't write\r\n", WRITE_MISSED},
		{"-LOADING Redis is loading\r\n", WRITE_MISSED},
		{"-ERR dynomite: the datastore is down\r\n", WRITE_MISSED},
	};

	for (const auto &c : cases)
		EXPECT_EQ(replica_fate(reinterpret_cast<const uint8_t *>(c.reply), strlen(c.reply)),
			c.fate)
			<< c.reply;
}

} // namespace
