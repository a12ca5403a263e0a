// A disk that is full soon, in a mount namespace of its own.
#ifndef HANDSHAKE_TESTS_SUPPORT_SMALL_DISK_H_
#define HANDSHAKE_TESTS_SUPPORT_SMALL_DISK_H_

#include <cstddef>
#include <functional>
#include <string>

namespace handshake::test {

// Runs `body` on a thread of its own, for which, and for the threads and processes that it starts,
// the folder `at` is a file system of `bytes`. It is gone behind it. False: not permitted (it needs
// root), and `body` did not run.
bool OnSmallDisk(const std::string& at, size_t bytes, const std::function<void()>& body);

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_SMALL_DISK_H_
