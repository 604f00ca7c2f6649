#include "sim/world.h"

#include <cinttypes>

namespace sim
{

/* ---- Sessions ---- */

recon_session *World::new_session(Connection::End &end, int peer, bool is_dialer)
{
	Node &n = nodes[static_cast<size_t>(end.node)];
	recon_session_options o{};

	o.peer = static_cast<uint32_t>(peer);
	o.is_dialer = is_dialer;
	o.total_ms = 60000;
	o.silence_ms = 8000;
	o.window = s.window;
	o.send = [](void *arg, const void *bytes, size_t len) {
		auto *from = static_cast<Connection::End *>(arg);

		from->connection->world->transmit(*from, bytes, len);
	};
	o.arg = &end;
	end.life = n.life;
	end.session = recon_session_new(n.core, &o, now_at(n));
	return end.session;
}

void World::begin_session(int a, int b)
{
	auto c = std::make_shared<Connection>();

	c->world = this;
	c->dialer.connection = c->listener.connection = c.get();
	c->dialer.node = a;
	c->listener.node = b;
	c->listener.life = nodes[static_cast<size_t>(b)].life;
	if (!new_session(c->dialer, b, true))
		return;
	connections.push_back(c);
	recon_session_start(c->dialer.session, now_at(nodes[static_cast<size_t>(a)]));
}

/* Bytes arrive in their order and late, or the connection is cut somewhere in them. */
void World::transmit(Connection::End &from, const void *bytes, size_t len)
{
	Connection &c = *from.connection;
	Connection::End &to = &from == &c.dialer ? c.listener : c.dialer;
	auto *at = static_cast<const uint8_t *>(bytes);

	if (c.is_cut)
		return;
	if (!calm && (cut[static_cast<size_t>(from.node)][static_cast<size_t>(to.node)] ||
			     random.below(400) < s.lose_percent)) {
		c.is_cut = true;
		len = static_cast<size_t>(random.below(static_cast<int64_t>(len)));
	}
	to.last_ms = std::max(to.last_ms, now + hop());
	World::at(to.last_ms,
		[this, held = c.shared_from_this(), &c, &to,
			data = std::vector<uint8_t>(at, at + len)] { deliver(c, to, data); });
}

void World::deliver(Connection &c, Connection::End &to, const std::vector<uint8_t> &bytes)
{
	Node &n = nodes[static_cast<size_t>(to.node)];
	std::vector<uint8_t> data = bytes;

	if (!n.up || n.life != to.life || !n.connected)
		return;
	if (&to == &c.listener && !to.session) {
		if (!c.dialer.session)
			return; /* it has closed the connection */
		c.first.insert(c.first.end(), bytes.begin(), bytes.end());
		if (!accept(c))
			return;
		data = std::move(c.first);
	}
	if (to.session) {
		if (recon_session_deadline(to.session) <= static_cast<uint64_t>(now))
			recon_session_tick(to.session, now_at(n));
		recon_session_take(to.session, data.data(), data.size(), now_at(n));
	}
	reap();
}

/* The listener learns who calls; one who calls anew has given the former session up. */
bool World::accept(Connection &c)
{
	recon_caller who;

	if (recon_session_peek(c.first.data(), c.first.size(), &who) != RECON_PEEK_OK)
		return false;
	for (auto &other : connections)
		if (other->listener.node == c.listener.node && other->dialer.node == c.dialer.node)
			close(other->listener);
	return new_session(c.listener, c.dialer.node, false) != nullptr;
}

void World::close(Connection::End &end)
{
	recon_session_free(end.session);
	end.session = nullptr;
}

void World::close_sessions(const Node &n)
{
	for (auto &c : connections)
		for (auto *end : {&c->dialer, &c->listener})
			if (end->node == n.index)
				close(*end);
}

void World::reap()
{
	for (auto &c : connections)
		for (auto *end : {&c->dialer, &c->listener}) {
			if (!end->session ||
				recon_session_state(end->session) == RECON_SESSION_RUNNING)
				continue;
			note("session %d-%d ends at %d: %s", c->dialer.node, c->listener.node,
				end->node, recon_session_reason(end->session));
			close(*end);
		}
	connections.erase(
		std::remove_if(connections.begin(), connections.end(),
			[](const auto &c) { return !c->dialer.session && !c->listener.session; }),
		connections.end());
}

void World::tick_sessions()
{
	for (size_t i = 0; i < connections.size(); i++)
		for (auto *end : {&connections[i]->dialer, &connections[i]->listener})
			if (end->session &&
				recon_session_deadline(end->session) <= static_cast<uint64_t>(now))
				recon_session_tick(end->session,
					now_at(nodes[static_cast<size_t>(end->node)]));
	reap();
}

} // namespace sim
