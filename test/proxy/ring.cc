#include "proxy/ring.h"

#include "support/joining_thread.h"
#include "support/wait.h"

#include <sstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace e2e
{
namespace
{

using std::chrono::milliseconds;
using namespace support;

constexpr int kKilled = 128 + 9; /* by the test */

/* What a sanitizer says when it has found something. */
const char *const kBugWords[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
	"runtime error:", "WARNING: ThreadSanitizer"};

std::string last_lines(const std::string &text, size_t bytes)
{
	return text.size() > bytes ? text.substr(text.size() - bytes) : text;
}

std::string seed(const Place &place, uint16_t port)
{
	return "'" + loopback(port) + ":" + place.rack + ":" + place.datacenter + ":" +
	       place.tokens + "'";
}

} // namespace

Member::Member(const Place &place, const KeyFiles &keys, const std::vector<std::string> &redis_args)
    : place_(place), redis_(redis_args), node_(redis_.address(), &keys, node_port()),
      client_port_(node_port()), stats_port_(node_port())
{
	node_.set("recon_listen", "")
		.set("recon_peers", "")
		.set("recon_interval_seconds", "300")
		.set("listen", loopback(client_port_))
		.set("dyn_listen", loopback(node_.port()))
		.set("stats_listen", loopback(stats_port_))
		.set("timeout",
			std::to_string(patient_ms(5000))) /* the default, for a slow machine */
		.set("datacenter", place.datacenter)
		.set("rack", place.rack)
		.set("tokens", "'" + place.tokens + "'");
}

std::string Member::info(const std::string &field) const
{
	return client().info(field);
}

uint64_t Member::number(const std::string &field) const
{
	const std::string text = info(field);

	if (text.empty())
		throw std::runtime_error("INFO has no " + field);
	return std::stoull(text);
}

std::string Member::peer_info(size_t n, const std::string &field) const
{
	std::istringstream fields(info("peer" + std::to_string(n)));
	std::string one;

	while (std::getline(fields, one, ','))
		if (one.compare(0, field.size() + 1, field + "=") == 0)
			return one.substr(field.size() + 1);
	throw std::runtime_error("INFO has no " + field + " of peer " + std::to_string(n));
}

bool Member::peer_is_up(size_t n) const
{
	return peer_info(n, "up") == "1";
}

uint64_t Member::missed(size_t n) const
{
	return std::stoull(peer_info(n, "missed_writes"));
}

void Member::end()
{
	if (!node_.started())
		return;
	const bool running = node_.running();
	const int status = running ? node_.stop() : node_.process().wait();
	const std::string log = node_.log();

	EXPECT_EQ(status, running || status != kKilled ? 0 : kKilled) << last_lines(log, 20000);
	for (const char *words : kBugWords)
		EXPECT_EQ(log.find(words), std::string::npos) << last_lines(log, 20000);
}

Ring::Ring(const Places &places, std::vector<std::string> redis_args)
{
	for (const Place &p : places)
		members_.push_back(std::make_unique<Member>(p, keys_, redis_args));
}

Ring::~Ring()
{
	std::vector<JoiningThread> ends; /* all at once */

	for (const auto &m : members_)
		ends.emplace_back([&m] { m->end(); });
	for (JoiningThread &t : ends)
		t.join();
}

Ring &Ring::set(const std::string &key, const std::string &value)
{
	for (const auto &m : members_)
		m->node().set(key, value);
	return *this;
}

Ring &Ring::route(size_t from, size_t to, uint16_t port)
{
	routes_[{from, to}] = port;
	return *this;
}

std::vector<std::string> Ring::seeds_of(size_t i) const
{
	std::vector<std::string> seeds;

	for (size_t j = 0; j < members_.size(); j++) {
		const auto routed = routes_.find({i, j});
		const Place &place = members_[j]->place();

		if (j == i)
			continue;
		const uint16_t port =
			routed == routes_.end() ? members_[j]->node().port() : routed->second;
		seeds.push_back(seed(place, port));
	}
	seeds.insert(seeds.end(), strangers_.begin(), strangers_.end());
	return seeds;
}

Ring &Ring::stranger(const Place &place, uint16_t port)
{
	strangers_.push_back(seed(place, port));
	return *this;
}

Ring &Ring::start()
{
	for (size_t i = 0; i < members_.size(); i++) {
		const std::vector<std::string> seeds = seeds_of(i);

		members_[i]->node().set("dyn_seeds", seeds.empty() ? "" : yaml_list(seeds));
		members_[i]->node().launch();
	}
	for (const auto &m : members_) {
		wait_until(
			[&] {
				return !m->node().running() || m->node().logged("started, pid") > 0;
			},
			std::chrono::seconds(30));
		if (!m->node().running() || m->node().logged("started, pid") == 0)
			throw std::runtime_error("dynomite does not start:\n" + m->node().log());
	}
	wait_peers();
	return *this;
}

void Ring::wait_peers(milliseconds limit)
{
	for (const auto &m : members_)
		for (size_t n = 1; n < members_.size(); n++)
			if (!wait_until([&] { return m->peer_is_up(n); }, limit))
				throw std::runtime_error("a peer does not come up:\n" +
							 m->info("peer" + std::to_string(n)) +
							 "\n" + last_lines(m->node().log(), 5000));
}

LinkKey::LinkKey(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	BIO *to = BIO_new_file(dir_.write("link.pem", "").c_str(), "w");
	const bool ok = key && to &&
			PEM_write_bio_PrivateKey_traditional(
				to, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;

	BIO_free(to);
	EVP_PKEY_free(key);
	if (!ok)
		throw std::runtime_error("cannot write an RSA key");
}

namespace
{

std::string value_of(const std::string &key)
{
	return "value of " + key;
}

constexpr size_t kKeysAtOnce = 1000;

} // namespace

void write_keys(RedisClient &client, const std::string &prefix, size_t n)
{
	std::vector<RedisClient::Args> commands;

	for (size_t i = 0; i < n; i++) {
		const std::string key = prefix + std::to_string(i);

		commands.push_back({"SET", key, value_of(key)});
	}
	client.pipeline(commands);
}

size_t count_keys(RedisClient &client, const std::string &prefix, size_t n)
{
	size_t found = 0;

	for (size_t begin = 0; begin < n; begin += kKeysAtOnce) {
		const size_t end = std::min(begin + kKeysAtOnce, n);
		RedisClient::Args mget = {"MGET"};

		for (size_t i = begin; i < end; i++)
			mget.push_back(prefix + std::to_string(i));
		const std::vector<std::string> values = client.texts(mget);
		for (size_t i = begin; i < end; i++)
			found += values[i - begin] == value_of(prefix + std::to_string(i));
	}
	return found;
}

bool soon_has(Member &m, const std::string &prefix, size_t n)
{
	RedisClient store = m.store();

	return wait_until(
		[&] { return count_keys(store, prefix, n) == n; }, std::chrono::seconds(40));
}

bool soon_is(Member &m, const std::string &key, const std::string &value)
{
	RedisClient store = m.store();

	return wait_until([&] { return store.get(key) == value; });
}

} // namespace e2e
