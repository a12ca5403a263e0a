// A network namespace for the test process alone: its ports, its TCP counters, no packet filter.
#ifndef HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
#define HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_

#include <cstdint>
#include <functional>
#include <string_view>

namespace handshake::test {

// Call before any thread is started. Moves this process, and those it starts from now on, into a
// new network namespace that has nothing but loopback. False, and nothing changed: not permitted
// (it needs root); the machine's namespace serves too, less quietly.
bool EnterOwnNetwork();

// The same for one piece of a test: runs `body` on a thread of its own; the threads that it starts
// are in its network too, the rest of the process stays where it is. False: not permitted, and
// `body` did not run.
bool InOwnNetwork(const std::function<void()>& body);

// A TCP counter of the calling thread's network, by its name in /proc/net/snmp: "ActiveOpens". -1:
// there is none.
int64_t OwnTcpCounter(std::string_view name);

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
