// Who kept a run from more: the server, or the generator itself.
#ifndef HANDSHAKE_CLIENT_BOTTLENECK_H_
#define HANDSHAKE_CLIENT_BOTTLENECK_H_

#include <cstdint>
#include <string>

namespace handshake::client {

struct LoadReport;
struct LoadSpec;

enum class Bottleneck : uint8_t {
  kUnclear,
  kNone,       // the load was sent as asked
  kServer,     // the numbers are the server's
  kGenerator,  // the numbers say as much of the generator as of the server
};

struct Judgement {
  Bottleneck bottleneck = Bottleneck::kUnclear;
  std::string why;  // for people, one sentence without its end
};

// From what the run measured so far. Pure.
Judgement Judge(const LoadSpec& spec, const LoadReport& report);

// What a finished run did not do of what was asked, for people; empty: nothing.
std::string ShortfallOf(const LoadSpec& spec, const LoadReport& report);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_BOTTLENECK_H_
