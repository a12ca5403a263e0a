// A network namespace for the test process alone: its ports, its TCP counters, no packet filter.
#ifndef HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
#define HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_

#include <functional>

namespace handshake::test {

// Call before any thread is started. Moves this process, and those it starts from now on, into a
// new network namespace that has nothing but loopback. False, and nothing changed: not permitted
// (it needs root); the machine's namespace serves too, less quietly.
bool EnterOwnNetwork();

// The same for one piece of a test: runs `body` on a thread of its own; the threads that it starts
// are in its network too, the rest of the process stays where it is. False: not permitted, and
// `body` did not run.
bool InOwnNetwork(const std::function<void()>& body);

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
