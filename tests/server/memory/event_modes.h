// The modes whose threads serve many connections each, for suites over all of them.
#ifndef HANDSHAKE_TESTS_SERVER_MEMORY_EVENT_MODES_H_
#define HANDSHAKE_TESTS_SERVER_MEMORY_EVENT_MODES_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/door/mode.h"

namespace handshake::test {

inline std::vector<server::Mode> EventModes() {
  std::vector<server::Mode> modes;
  for (server::Mode mode : server::kModes) {
    if (server::HasWorkers(mode)) modes.push_back(mode);
  }
  return modes;
}

inline std::string EventModeName(const testing::TestParamInfo<server::Mode>& mode) {
  std::string name(server::ModeName(mode.param));
  std::erase(name, '-');
  return name;
}

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_MEMORY_EVENT_MODES_H_
