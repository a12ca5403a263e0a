// Runs a piece of a test in a network of its own: kernel settings can be changed there, and its
// counters are nobody else's.
#ifndef HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
#define HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <thread>

namespace handshake::testing {

// Moves the calling thread, and the threads that it will start, into a new network namespace with
// nothing but a loopback interface. False: not permitted (it takes CAP_SYS_ADMIN).
inline bool EnterOwnNetwork() {
  if (unshare(CLONE_NEWNET) != 0) return false;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return up;
}

// Runs `body` on a thread of its own in a network of its own. False: not permitted, skip the test.
inline bool InOwnNetwork(const std::function<void()>& body) {
  bool entered = false;
  std::thread([&] {
    entered = EnterOwnNetwork();
    if (entered) body();
  }).join();
  return entered;
}

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_SUPPORT_OWN_NETWORK_H_
