// A limit of open files for a piece of a test.
#ifndef HANDSHAKE_TESTS_SUPPORT_FD_LIMIT_H_
#define HANDSHAKE_TESTS_SUPPORT_FD_LIMIT_H_

#include <sys/resource.h>

namespace handshake::test {

// Sets the soft limit of open files while it lives.
class FdLimit {
 public:
  explicit FdLimit(rlim_t limit) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit changed = {.rlim_cur = limit, .rlim_max = before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &changed);
  }
  ~FdLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  FdLimit(const FdLimit&) = delete;
  FdLimit& operator=(const FdLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_FD_LIMIT_H_
