#include "client/source_addresses.h"

#include <algorithm>

namespace handshake::client {
namespace {

// 10,000 handshakes/s for as long as a TIME_WAIT lasts, at half of what 14,000 a source allow.
constexpr int64_t kFewestChosen = 64;
constexpr int64_t kConnectionsPerSource = 7'000;

constexpr uint32_t kFirst = 127u << 24 | 1u << 16;  // 127.1.0.0
constexpr uint32_t kPerNetwork = 250;               // 127.1.0.1 to .250, 127.1.1.1 to .250, ...

}  // namespace

SourceAddresses::SourceAddresses(const net::Address& target, int64_t concurrency, int64_t count) {
  if (target.family() != AF_INET || !target.IsLoopback()) return;
  if (count == 0) count = std::max(kFewestChosen, concurrency / kConnectionsPerSource + 1);
  for (uint32_t i = 0; i < std::min(count, kMost); ++i) {
    const uint32_t host = kFirst + (i / kPerNetwork << 8) + i % kPerNetwork + 1;
    addresses_.push_back(net::Address::FromIpv4(host, 0));
  }
}

const net::Address* SourceAddresses::For(int64_t ticket) const {
  if (addresses_.empty()) return nullptr;
  return &addresses_[static_cast<size_t>(ticket) % addresses_.size()];
}

}  // namespace handshake::client
