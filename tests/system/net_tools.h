// Servers that share none of our code: socat and netcat, each for one connection.
#ifndef HANDSHAKE_TESTS_SYSTEM_NET_TOOLS_H_
#define HANDSHAKE_TESTS_SYSTEM_NET_TOOLS_H_

#include <gtest/gtest.h>

#include <string>

#include "tests/control/ctl/process.h"

namespace handshake::testing {

// True if the build found the tool.
inline bool Have(const std::string& tool) { return tool.find("NOTFOUND") == std::string::npos; }

// For a test whose tool is missing.
#define HANDSHAKE_SKIP_WITHOUT(tool) \
  if (!Have(tool)) GTEST_SKIP() << "install netcat-openbsd and socat (deploy/packages.sh test)"

// A tool that says on stderr where it listens, behind `label`. What it says and prints is output().
class NetTool {
 public:
  NetTool(const std::string& command, const std::string& label)
      : process_("/bin/sh", {"-c", "exec " + command + " 2>&1"}, {.input = true}) {
    if (!process_.WaitForOutput(label) || !process_.WaitForOutput("\n")) return;
    const std::string& out = process_.output();
    const size_t begin = out.find(label) + label.size();
    address_ = out.substr(begin, out.find('\n', begin) - begin);
  }
  Process& process() { return process_; }
  const std::string& address() const { return address_; }

 private:
  Process process_;
  std::string address_;
};

// What it gets goes to a shell command, which answers.
class Socat : public NetTool {
 public:
  explicit Socat(const std::string& answer = "cat")
      : NetTool(std::string(HANDSHAKE_SOCAT) + " -d -d -t 20 TCP-LISTEN:0,bind=127.0.0.1 SYSTEM:'" +
                    answer + "'",
                "listening on AF=2 ") {}
};

// Says what is written to it, ends its stream behind that, prints what it gets.
class Netcat : public NetTool {
 public:
  Netcat() : NetTool(std::string(HANDSHAKE_NETCAT) + " -lvnN 127.0.0.1 0", "Listening on ") {
    const size_t space = spoken_.find(' ');
    if (space != std::string::npos) spoken_[space] = ':';
  }
  const std::string& address() const { return spoken_; }

 private:
  std::string spoken_ = NetTool::address();  // "127.0.0.1 7010"
};

}  // namespace handshake::testing

#endif  // HANDSHAKE_TESTS_SYSTEM_NET_TOOLS_H_
