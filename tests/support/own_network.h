// A network namespace for the test process alone: its ports, its TCP counters, no packet filter.
#ifndef HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
#define HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_

namespace handshake::test {

// Call before any thread is started. Moves this process, and those it starts from now on, into a
// new network namespace that has nothing but loopback. False, and nothing changed: not permitted
// (it needs root); the machine's namespace serves too, less quietly.
bool EnterOwnNetwork();

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
