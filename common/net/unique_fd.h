// Owns one file descriptor. Movable, closes on destruction; -1 is "none".
#ifndef HANDSHAKE_COMMON_NET_UNIQUE_FD_H_
#define HANDSHAKE_COMMON_NET_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace handshake::net {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace handshake::net

#endif  // HANDSHAKE_COMMON_NET_UNIQUE_FD_H_
