/*
 * net - ports and addresses of this machine.
 */
#ifndef TEST_SUPPORT_NET_H
#define TEST_SUPPORT_NET_H

#include <cstdint>
#include <string>

namespace support
{

/*
 * A TCP port on 127.0.0.1 that was free a moment ago.  Another process may take it first: bind to
 * port 0 where the program under test can, and else try again.
 */
uint16_t free_port();

/*
 * A loopback port that is free, as is the one four above it, and given once only in a program.  Not
 * one of those that the kernel gives to outgoing connections: a node that is started again must
 * find it free again.  One thread.
 */
uint16_t node_port();

std::string loopback(uint16_t port); /* "127.0.0.1:port" */

/* An IPv4 address of this machine that is not loopback; "" when there is none. */
std::string address_beyond_loopback();

} // namespace support

#endif
