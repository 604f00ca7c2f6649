#include "session/channel.h"

#include "support/wait.h"
#include "support/wire_bytes.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <netinet/in.h>
#include <ostream>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace session
{

namespace
{

const dyn_entropy_material *make_material(const char *secret)
{
	dyn_entropy_material *m = nullptr;
	const auto *bytes = reinterpret_cast<const uint8_t *>(secret);

	if (dyn_entropy_material_new(bytes, bytes, &m, nullptr) != DYN_ENTROPY_OK)
		throw std::runtime_error("no memory for key material");
	return m;
}

struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in sin = {};

	sin.sin_family = AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sin;
}

void fail(const char *what)
{
	throw std::runtime_error(std::string(what) + ": " + strerror(errno));
}

void set_linger(int fd)
{
	const struct linger reset = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

enum dyn_entropy_status say(
	struct dyn_entropy_error *err, enum dyn_entropy_status status, const char *words)
{
	if (err) {
		err->status = status;
		snprintf(err->message, sizeof(err->message), "%s", words);
	}
	return status;
}

} // namespace

const dyn_entropy_material *sample_material()
{
	static const dyn_entropy_material *const m = make_material(support::kSampleSecret);

	return m;
}

const dyn_entropy_material *other_material()
{
	static const dyn_entropy_material *const m = make_material("quite another one");

	return m;
}

size_t open_descriptors()
{
	size_t n = 0;

	for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
		n += entry.is_symlink();
	return n;
}

/* ---- Source ---- */

const struct dyn_entropy_source_ops Source::ops_ = {
	sizeof(Source::ops_), next, read, totals, [](void *) {}, set_tick};

Source::Source(std::vector<std::string> snapshots)
    : source_{&ops_, this}, snapshots_(std::move(snapshots))
{
}

void Source::begin()
{
	uint32_t ignored;

	next(this, &ignored, nullptr);
}

enum dyn_entropy_status Source::next(void *self, uint32_t *len, struct dyn_entropy_error *err)
{
	auto *s = static_cast<Source *>(self);

	if (s->given_ == s->fail_next)
		return say(err, s->fail_as, "next() failed as it was told");
	if (s->given_ == s->snapshots_.size())
		return DYN_ENTROPY_END;
	if (s->on_next)
		s->on_next(s->given_);
	*len = static_cast<uint32_t>(s->snapshots_[s->given_].size()) + s->announce_more;
	s->given_++;
	s->at_ = 0;
	return DYN_ENTROPY_OK;
}

enum dyn_entropy_status Source::read(
	void *self, void *buf, size_t cap, size_t *len, struct dyn_entropy_error *err)
{
	auto *s = static_cast<Source *>(self);
	const std::string &bytes = s->snapshots_[s->given_ - 1];
	const size_t n = std::min({cap, s->piece, bytes.size() - s->at_,
		s->fail_at > s->at_ ? s->fail_at - s->at_ : 0});

	if (s->at_ == s->fail_at)
		return say(err, s->fail_as, "read() failed as it was told");
	memcpy(buf, bytes.data() + s->at_, n);
	s->at_ += n;
	*len = s->claim_more ? cap + 1 : n;
	return DYN_ENTROPY_OK;
}

void Source::totals(void *self, struct dyn_entropy_source_totals *totals)
{
	const auto *s = static_cast<Source *>(self);

	*totals = {};
	totals->keys = s->given_ * s->keys_each + s->keys_read;
	totals->keys_expected = s->snapshots_.size() * s->keys_each;
}

void Source::set_tick(void *self, void (*tick)(void *), void *arg)
{
	static_cast<Source *>(self)->tick_ = tick;
	static_cast<Source *>(self)->tick_arg_ = arg;
}

void Source::tick()
{
	if (tick_)
		tick_(tick_arg_);
}

/* ---- Sink ---- */

const struct dyn_entropy_sink_ops Sink::ops_ = {sizeof(Sink::ops_), apply, [](void *) {}, false};

Sink::Sink() : sink_{&ops_, this}
{
}

std::vector<std::string> Sink::applied() const
{
	const std::lock_guard<std::mutex> held(lock_);

	return applied_;
}

enum dyn_entropy_status Sink::apply(void *self, dyn_entropy_snapshot *snapshot,
	struct dyn_entropy_apply_result *result, struct dyn_entropy_error *err)
{
	auto *s = static_cast<Sink *>(self);
	std::string bytes(dyn_entropy_snapshot_len(snapshot), '\0');
	size_t at = 0, len = 1;

	*result = {};
	result->commands = 1;
	while (len > 0) {
		const auto status = dyn_entropy_snapshot_read(
			snapshot, bytes.data() + at, bytes.size() - at, &len, err);

		if (status != DYN_ENTROPY_OK)
			return status;
		at += len;
	}
	if (at != bytes.size())
		return say(err, DYN_ENTROPY_ERR_SINK, "the snapshot is shorter than its length");
	if (s->on_apply) {
		const auto status = s->on_apply(bytes, err);

		if (status != DYN_ENTROPY_OK)
			return say(err, status, "apply() failed as it was told");
	}
	result->applied = 1;
	const std::lock_guard<std::mutex> held(s->lock_);
	s->applied_.push_back(std::move(bytes));
	return DYN_ENTROPY_OK;
}

/* ---- Gate ---- */

void Gate::open()
{
	const std::lock_guard<std::mutex> held(lock_);

	open_ = true;
	changed_.notify_all();
}

void Gate::wait()
{
	std::unique_lock<std::mutex> held(lock_);

	visitors_++;
	changed_.notify_all();
	changed_.wait_for(
		held, support::patient(std::chrono::seconds(20)), [this] { return open_; });
}

bool Gate::wait_for_visitors(unsigned n, Milliseconds limit)
{
	std::unique_lock<std::mutex> held(lock_);

	return changed_.wait_for(held, support::patient(limit), [&] { return visitors_ >= n; });
}

/* ---- Node ---- */

Node::Node(NodeOptions options) : options_(std::move(options))
{
	struct dyn_entropy_receiver_options receiver = {};
	support::Error err;

	dyn_entropy_config_init(&config_);
	config_.listen_addr = "127.0.0.1:0";
	config_.timeout_ms = 20000;
	if (options_.config)
		options_.config(&config_);
	if (options_.allow) {
		receiver.allow = ask_allow;
		receiver.allow_arg = this;
	}
	if (options_.take) {
		receiver.take_version_2 = ask_take;
		receiver.take_version_2_arg = this;
	}
	receiver.refuse_version_1 = options_.refuse_version_1;
	receiver.ended = note_ended;
	receiver.ended_arg = this;
	if (dyn_entropy_receiver_new(&config_, options_.material, sink.get(), &receiver, &receiver_,
		    err) != DYN_ENTROPY_OK ||
		(options_.start && dyn_entropy_receiver_start(receiver_, err) != DYN_ENTROPY_OK))
		throw std::runtime_error(err.text());
}

Node::~Node()
{
	dyn_entropy_receiver_free(receiver_);
}

struct dyn_entropy_receiver_counters Node::counters()
{
	struct dyn_entropy_receiver_counters c;

	dyn_entropy_receiver_count(receiver_, &c);
	return c;
}

std::vector<Ended> Node::ended() const
{
	const std::lock_guard<std::mutex> held(lock_);

	return ended_;
}

bool Node::wait_ended(size_t n, Milliseconds limit)
{
	return support::wait_until([&] { return ended().size() >= n; }, limit);
}

void Node::note_ended(void *arg, enum dyn_entropy_status status,
	const struct dyn_entropy_receive_result *result, const struct dyn_entropy_error *err)
{
	auto *n = static_cast<Node *>(arg);
	const std::lock_guard<std::mutex> held(n->lock_);

	n->ended_.push_back({status, status == DYN_ENTROPY_OK ? "" : err->message, result->peer,
		result->bytes, result->turned_away, err->setting ? err->setting : ""});
}

bool Node::ask_allow(void *arg, const struct sockaddr *from)
{
	return static_cast<Node *>(arg)->options_.allow(from);
}

bool Node::ask_take(void *arg, int fd, const char *peer)
{
	return static_cast<Node *>(arg)->options_.take(fd, peer);
}

/* ---- Push ---- */

Push push(const std::string &to, Source &source, const PushOptions &options)
{
	struct dyn_entropy_config config;
	Push p = {};

	dyn_entropy_config_init(&config);
	config.peer_endpoint = to.c_str();
	config.max_rate = 0;
	config.timeout_ms = 20000;
	if (options.config)
		options.config(&config);
	p.status = dyn_entropy_push(
		&config, options.material, source.get(), &options.options, &p.result, p.err);
	return p;
}

Push push(const std::string &to, const std::string &snapshot, const PushOptions &options)
{
	Source source({snapshot});

	return push(to, source, options);
}

Push push(const std::string &to, const std::string &snapshot,
	std::function<void(struct dyn_entropy_config *)> config)
{
	PushOptions options;

	options.config = std::move(config);
	return push(to, snapshot, options);
}

/* ---- Plain sockets ---- */

std::ostream &operator<<(std::ostream &to, End end)
{
	return to << (end == End::Closed ? "closed" : end == End::Reset ? "reset" : "open");
}

Peer::Peer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
	if (fd_ < 0)
		fail("socket");
}

Peer::Peer(uint16_t connect_to) : Peer()
{
	connect(connect_to);
}

void Peer::connect(uint16_t port)
{
	const struct sockaddr_in sin = loopback(port);

	if (::connect(fd_, reinterpret_cast<const struct sockaddr *>(&sin), sizeof(sin)) == 0)
		return;
	/* Accepted and reset before this thread came to see it. */
	if (errno != ECONNRESET)
		fail("connect");
	reset_seen_ = true;
}

Peer Peer::adopt(int fd)
{
	Peer p(nullptr);

	p.fd_ = fd;
	return p;
}

Peer::Peer(Peer &&other) noexcept
    : fd_(std::exchange(other.fd_, -1)), reset_seen_(other.reset_seen_)
{
}

Peer::~Peer()
{
	close();
}

bool Peer::send(const std::string &bytes)
{
	for (size_t at = 0; at < bytes.size();) {
		const ssize_t n = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);

		if (n < 0) {
			reset_seen_ |= errno == ECONNRESET;
			return false;
		}
		at += static_cast<size_t>(n);
	}
	return true;
}

std::string Peer::address() const
{
	struct sockaddr_in sin = {};
	socklen_t len = sizeof(sin);

	if (getsockname(fd_, reinterpret_cast<struct sockaddr *>(&sin), &len) != 0)
		fail("getsockname");
	return "127.0.0.1:" + std::to_string(ntohs(sin.sin_port));
}

void Peer::half_close()
{
	shutdown(fd_, SHUT_WR);
}

void Peer::close()
{
	if (fd_ >= 0)
		::close(fd_);
	fd_ = -1;
}

void Peer::reset()
{
	set_linger(fd_);
	close();
}

End Peer::end(std::string *read, Milliseconds limit)
{
	const auto deadline = std::chrono::steady_clock::now() + support::patient(limit);
	char buf[65536];

	for (;;) {
		const auto left = std::chrono::duration_cast<Milliseconds>(
			deadline - std::chrono::steady_clock::now());
		struct pollfd p = {fd_, POLLIN, 0};

		if (left.count() <= 0 || poll(&p, 1, static_cast<int>(left.count())) == 0)
			return End::Open;
		const ssize_t n = recv(fd_, buf, sizeof(buf), 0);
		if (n == 0)
			return reset_seen_ ? End::Reset : End::Closed;
		if (n < 0)
			return End::Reset;
		if (read)
			read->append(buf, static_cast<size_t>(n));
	}
}

Listener::Listener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
{
	struct sockaddr_in sin = loopback(0);
	auto *sa = reinterpret_cast<struct sockaddr *>(&sin);
	socklen_t len = sizeof(sin);

	if (fd_ < 0 || bind(fd_, sa, len) != 0 || listen(fd_, 16) != 0 ||
		getsockname(fd_, sa, &len) != 0)
		fail("listen");
	port_ = ntohs(sin.sin_port);
}

Listener::~Listener()
{
	close();
}

void Listener::close()
{
	if (fd_ >= 0)
		::close(fd_);
	fd_ = -1;
}

Peer Listener::accept()
{
	struct pollfd p = {fd_, POLLIN, 0};

	if (poll(&p, 1, support::patient_ms(20000)) != 1)
		throw std::runtime_error("nobody came");
	const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
	if (fd < 0)
		fail("accept");
	return Peer::adopt(fd);
}

} // namespace session
