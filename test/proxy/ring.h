/*
 * ring - nodes with a real Redis behind each, in racks and datacenters, for a test.
 */
#ifndef TEST_PROXY_RING_H
#define TEST_PROXY_RING_H

#include "support/node.h"
#include "support/redis_server.h"
#include "support/sanitized.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace e2e
{

constexpr bool kSanitized = SANITIZED;

struct Place {
	std::string datacenter, rack;
	std::string tokens = "0";
};

using Places = std::vector<Place>;

/* A node of a ring, and the Redis behind it. */
class Member
{
      public:
	Member(const Place &place, const support::KeyFiles &keys,
		const std::vector<std::string> &redis_args);

	support::RedisServer &redis()
	{
		return redis_;
	}
	support::Node &node()
	{
		return node_;
	}
	const Place &place() const
	{
		return place_;
	}
	uint16_t client_port() const
	{
		return client_port_;
	}
	uint16_t stats_port() const
	{
		return stats_port_;
	}

	/* A new connection to the node, and one to its Redis, past the node. */
	support::RedisClient client(const std::string &password = "") const
	{
		return support::RedisClient("127.0.0.1", client_port_, password);
	}
	support::RedisClient store() const
	{
		return redis_.connect();
	}

	/* A field of the node's INFO; one of the fields of the line of its nth peer, from 1, in
	 * the order of its dyn_seeds. */
	std::string info(const std::string &field) const;
	uint64_t number(const std::string &field) const;
	std::string peer_info(size_t n, const std::string &field) const;
	bool peer_is_up(size_t n) const;
	uint64_t missed(size_t n) const;

	/* Stop it cleanly, if it runs: it must end with 0 and without a sanitizer's report. */
	void end();

      private:
	Place place_;
	support::RedisServer redis_;
	support::Node node_;
	uint16_t client_port_, stats_port_;
};

class Ring
{
      public:
	/*
	 * A node for each place.  The entropy channel is on and encrypted; its rounds are 300 s
	 * apart, so that within a test they start at once or because a peer is back.
	 */
	explicit Ring(const Places &places, std::vector<std::string> redis_args = {});
	~Ring(); /* ends all members */
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;

	size_t size() const
	{
		return members_.size();
	}
	Member &operator[](size_t i)
	{
		return *members_[i];
	}

	/* Change dynomite.yml of every node, before the start. */
	Ring &set(const std::string &key, const std::string &value);

	/* Without the entropy channel: nothing is where it was not written, nor back from the dead.
	 */
	Ring &unhealed()
	{
		return set("recon_enabled", "false");
	}

	/* Node `from` reaches node `to` on this port, not the one it listens on. */
	Ring &route(size_t from, size_t to, uint16_t port);

	/* A node that the test plays itself: known to all, after the members. */
	Ring &stranger(const Place &place, uint16_t port);

	/* Start all nodes, and wait until each has all its peers. */
	Ring &start();
	void wait_peers(std::chrono::milliseconds limit = std::chrono::seconds(30));

	/* Which of its peers node `from` calls node `to`: the number for Member::peer_info. */
	size_t peer_number(size_t from, size_t to) const
	{
		return to < from ? to + 1 : to;
	}

      private:
	support::KeyFiles keys_;
	std::vector<std::unique_ptr<Member>> members_;
	std::map<std::pair<size_t, size_t>, uint16_t> routes_;
	std::vector<std::string> strangers_; /* seeds */

	std::vector<std::string> seeds_of(size_t i) const;
};

/* A ring of one node. */
class One : public Ring
{
      public:
	explicit One(std::vector<std::string> redis_args = {})
	    : Ring(Places{{"dc", "rack"}}, std::move(redis_args))
	{
	}
	Member &operator*()
	{
		return (*this)[0];
	}
	Member *operator->()
	{
		return &(*this)[0];
	}
};

/* An RSA key for the links between nodes, in a file of its own. */
class LinkKey
{
      public:
	explicit LinkKey(unsigned bits);

	std::string file() const
	{
		return dir_.file("link.pem");
	}

      private:
	support::TempDir dir_;
};

/* Write n keys "<prefix>0"... with values of their own, through a client; and how many of them a
 * store has as they were written. */
void write_keys(support::RedisClient &client, const std::string &prefix, size_t n);
size_t count_keys(support::RedisClient &client, const std::string &prefix, size_t n);

/* Whether a store has all of n keys, at once or soon: at dc_one other racks may be behind. */
bool soon_has(Member &m, const std::string &prefix, size_t n);
/* The same of one key and its value. */
bool soon_is(Member &m, const std::string &key, const std::string &value);

} // namespace e2e

#endif
