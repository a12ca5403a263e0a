// One of our long-running binaries, started for a test.
#ifndef HANDSHAKE_TESTS_SYSTEM_DAEMON_H_
#define HANDSHAKE_TESTS_SYSTEM_DAEMON_H_

#include <csignal>
#include <string>
#include <vector>

#include "tests/control/ctl/process.h"

namespace handshake::testing {

// A process that prints "<label>HOST:PORT" lines and then "ready".
class Daemon {
 public:
  Daemon(const std::string& binary, const std::vector<std::string>& arguments)
      : process_(binary, arguments, {}) {
    started_ = process_.WaitForOutput("ready");
  }
  bool started() const { return started_; }
  std::string AddressAfter(const std::string& label) const {
    const std::string& out = process_.output();
    const size_t at = out.find(label);
    if (at == std::string::npos) return "";
    const size_t begin = at + label.size();
    return out.substr(begin, out.find_first_of(" \n", begin) - begin);
  }
  Ended Stop(int signal = SIGTERM) {
    process_.Signal(signal);
    return process_.Wait();
  }

 private:
  Process process_;
  bool started_ = false;
};

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_SYSTEM_DAEMON_H_
