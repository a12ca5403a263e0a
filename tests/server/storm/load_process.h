// The storm's load, run by the helper binary storm_load in a process of its own.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_LOAD_PROCESS_H_
#define HANDSHAKE_TESTS_SERVER_STORM_LOAD_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "common/net/address.h"
#include "common/net/unique_fd.h"

namespace handshake::test {

struct LoadShape {
  int busy = 0;        // clients that go on as fast as they can; every fourth sends no terminators
  int held = 0;        // clients that fall silent, spread over the hold points
  int silence_ms = 0;  // for at most this long
  int one_byte = 0;    // clients that send a byte at each Nudge()
};

// What the clients saw; names as in storm_client.h and hold_point.h.
class Tally {
 public:
  explicit Tally(const std::string& line);
  // 0 for a name that was not printed.
  int64_t operator[](const std::string& key) const;
  int64_t ok() const { return (*this)["ok"]; }
  int64_t lost() const;
  const std::string& line() const { return line_; }

 private:
  std::string line_;
  std::map<std::string, int64_t> values_;
};

// Used by one thread. The process ends with this object, or with the thread that started it.
class LoadProcess {
 public:
  LoadProcess(const net::Address& server, const LoadShape& shape);
  ~LoadProcess();
  LoadProcess(const LoadProcess&) = delete;
  LoadProcess& operator=(const LoadProcess&) = delete;

  void Nudge();
  // Lets every client finish and returns what they saw; an empty tally if the process failed or
  // took longer than a minute.
  Tally Finish();

 private:
  pid_t pid_ = -1;
  net::UniqueFd commands_;
  net::UniqueFd tally_;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_LOAD_PROCESS_H_
