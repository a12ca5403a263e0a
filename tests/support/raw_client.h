// A client of raw bytes, for peers that do anything but what a client should.
#ifndef HANDSHAKE_TESTS_SUPPORT_RAW_CLIENT_H_
#define HANDSHAKE_TESTS_SUPPORT_RAW_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/net/address.h"
#include "common/net/unique_fd.h"

namespace handshake::test {

// How the server's half of the stream ended.
enum class StreamEnd : uint8_t { kFin, kReset, kOpen };  // kOpen: nothing came in time
std::string_view StreamEndName(StreamEnd end);

// One TCP connection; every call blocks until it is done or kPatience has passed. One thread.
class RawClient {
 public:
  // Far above what any passing test waits: only a failing one meets it, or a loaded machine.
  static constexpr std::chrono::seconds kPatience{20};

  // Not connected if the connect failed; error() says why.
  explicit RawClient(const net::Address& server);

  bool connected() const { return error_ == 0; }
  int error() const { return error_; }  // errno of connect()

  // One send call for all of it, without delay. False: the connection is broken.
  bool Send(std::string_view bytes);
  // Exactly `n` bytes, or fewer if the stream ended before.
  std::string Receive(size_t n);
  // One read of at most `n` bytes, as the teaching implementations do it.
  std::string ReadOnce(size_t n);
  // Whatever still comes until the stream ends.
  struct Rest {
    std::string bytes;
    StreamEnd end;
  };
  Rest ReceiveAll();

  void ShutWrite();
  void Close();
  void Reset();

 private:
  // False: nothing came in time.
  bool AwaitReadable();

  net::UniqueFd fd_;
  int error_ = 0;
};

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_RAW_CLIENT_H_
