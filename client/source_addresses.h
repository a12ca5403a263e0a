// The local addresses that a load run connects from.
#ifndef HANDSHAKE_CLIENT_SOURCE_ADDRESSES_H_
#define HANDSHAKE_CLIENT_SOURCE_ADDRESSES_H_

#include <cstdint>
#include <vector>

#include "common/net/address.h"

namespace handshake::client {

// One address has some 28,000 ports towards one target. Each is taken by a live connection, and for
// a minute after it by the server's TIME_WAIT; past 14,000 the kernel's search for a free one turns
// slow. So a run against a loopback IPv4 target spreads over many 127.x.y.z, which need no set-up.
// Constant after construction; used by any thread.
class SourceAddresses {
 public:
  static constexpr int64_t kMost = 10'000;

  // count: how many, at most kMost; 0: enough for `concurrency`, and for a run of long duration.
  SourceAddresses(const net::Address& target, int64_t concurrency, int64_t count);

  // The address for the `ticket`-th handshake, in turn; nullptr: the kernel chooses.
  const net::Address* For(int64_t ticket) const;
  int64_t count() const { return static_cast<int64_t>(addresses_.size()); }

 private:
  std::vector<net::Address> addresses_;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_SOURCE_ADDRESSES_H_
