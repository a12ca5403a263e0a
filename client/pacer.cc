#include "client/pacer.h"

#include <cmath>

namespace handshake::client {
namespace {

// Each share draws from a stream of its own. Both the sequence and the engine are the standard's,
// so that a seed means the same everywhere.
std::mt19937_64 Stream(uint64_t seed, int64_t share) {
  std::seed_seq words{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(share)};
  return std::mt19937_64(words);
}

}  // namespace

Pacer::Pacer(const RateProfile& profile, Arrivals arrivals, uint64_t seed, int64_t share,
             int64_t shares)
    : profile_(&profile),
      arrivals_(arrivals),
      shares_(static_cast<double>(shares)),
      random_(Stream(seed, share)),
      position_(arrivals == Arrivals::kEven ? static_cast<double>(share) : Gap()) {}

double Pacer::Gap() {
  if (arrivals_ == Arrivals::kEven) return shares_;
  // 53 random bits make a number from 0 to below 1; its logarithm is the gap between strangers.
  const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
  return -std::log1p(-uniform) * shares_;
}

}  // namespace handshake::client
