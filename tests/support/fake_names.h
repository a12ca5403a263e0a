// Host names of a test's own: getaddrinfo() of the test binary stands before libc's, so the product
// needs no seam for it.
#ifndef HANDSHAKE_TESTS_SUPPORT_FAKE_NAMES_H_
#define HANDSHAKE_TESTS_SUPPORT_FAKE_NAMES_H_

#include <string>

namespace handshake::test {

// While one exists, it answers for the names it was told of; the system answers for all others. One
// at a time; any thread. The destructor lets go of who still waits, and waits until they are gone.
class FakeNames {
 public:
  FakeNames();
  ~FakeNames();
  FakeNames(const FakeNames&) = delete;
  FakeNames& operator=(const FakeNames&) = delete;

  // `name` has this one address, numeric.
  void Answer(const std::string& name, const std::string& address);
  // A question for `name` gets no answer until the destructor, and then the one that there is none.
  void Hang(const std::string& name);
  // How many wait for such an answer.
  int hanging() const;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_FAKE_NAMES_H_
