#include "tests/support/own_network.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "common/net/unique_fd.h"

namespace handshake::test {

bool EnterOwnNetwork() {
  if (unshare(CLONE_NEWNET) != 0) return false;
  // There is no way back from here: a loopback that cannot be raised leaves nothing to test on.
  const net::UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(any.get(), SIOCSIFFLAGS, &request) != 0) {
    std::perror("cannot raise loopback in the new network namespace");
    std::abort();
  }
  return true;
}

bool InOwnNetwork(const std::function<void()>& body) {
  bool entered = false;
  std::thread([&] {
    entered = EnterOwnNetwork();
    if (entered) body();
  }).join();
  return entered;
}

int64_t OwnTcpCounter(std::string_view name) {
  std::ifstream snmp("/proc/thread-self/net/snmp");
  std::string names;
  std::string values;
  while (std::getline(snmp, names) && std::getline(snmp, values)) {
    if (!names.starts_with("Tcp:")) continue;
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string word;
    std::string value;
    while (name_words >> word && value_words >> value) {
      if (word == name) return std::stoll(value);
    }
  }
  return -1;
}

}  // namespace handshake::test
