// The engine conformance suite: the same cases against every mode, and every way to run one. A new
// engine joins by being in server::kModes; what may differ between modes is asked of the data plane
// (max_concurrent).
#ifndef HANDSHAKE_TESTS_SERVER_CONFORMANCE_CONFORMANCE_H_
#define HANDSHAKE_TESTS_SERVER_CONFORMANCE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/wire/verdict.h"
#include "server/data_plane.h"
#include "server/door/mode.h"
#include "tests/support/raw_client.h"

namespace handshake::test {

// How many connections ended with each verdict.
using Verdicts = std::map<wire::Verdict, int64_t>;
void PrintTo(const Verdicts& verdicts, std::ostream* out);

struct Way {
  server::Mode mode;
  int64_t io_uring_direct = 0;  // see EngineOptions
};
std::vector<Way> AllWays();

// A case starts what it needs with Start(); at its end the ledger must be at rest and balanced.
class Conformance : public ::testing::TestWithParam<Way> {
 protected:
  // A handshake is one listener of the plane.
  void Start(const std::vector<wire::HandshakeOptions>& listeners);
  void Start(const server::DataPlaneOptions& options);
  // One listener with this framing, and the deadlines of the product.
  void Start(wire::Framing framing) { Start({{.framing = framing}}); }
  // Waits until nothing is in flight and checks the ledger equation. Also run by every case's end.
  void TearDown() override;

  static server::Mode mode() { return GetParam().mode; }
  server::DataPlane& plane() { return *plane_; }
  net::Address address(size_t listener = 0) const { return plane_->addresses().at(listener); }

  // The ledger of this mode, at most 100 ms old.
  server::ModeStats Ledger();
  // Polls the ledger until `condition` holds; false, and a failure, if it never does.
  bool AwaitLedger(std::string_view what,
                   const std::function<bool(const server::ModeStats&)>& condition);
  // Since the start, without those still in flight.
  Verdicts Ended();
  // Waits until nothing is in flight and `count` have ended since the start.
  void AwaitEnded(int64_t count);
  // How many handshakes may be in progress at once without one waiting for another.
  int64_t MaxConcurrent();

 private:
  std::unique_ptr<server::DataPlane> plane_;
};

// The three messages of one handshake as a client of `line` (default) or `bare` sees them, step by
// step; each returns false, and fails the test, if the server did not do its part.
class GoodClient {
 public:
  explicit GoodClient(const net::Address& server, int64_t x = 100,
                      std::string_view terminator = "\n")
      : raw_(server), x_(x), terminator_(terminator) {}

  bool Hello();    // sends message 1 and reads message 2
  bool Confirm();  // sends message 3 and reads FIN
  bool Run() { return Hello() && Confirm(); }
  RawClient& raw() { return raw_; }

 private:
  std::string Message(int64_t number) const;

  RawClient raw_;
  const int64_t x_;
  const std::string terminator_;
};

std::string WayTestName(const ::testing::TestParamInfo<Way>& info);

}  // namespace handshake::test

// Every case of `fixture` for every mode.
#define HANDSHAKE_FOR_ALL_MODES(fixture)                                                      \
  INSTANTIATE_TEST_SUITE_P(Modes, fixture, ::testing::ValuesIn(::handshake::test::AllWays()), \
                           ::handshake::test::WayTestName)

#endif  // HANDSHAKE_TESTS_SERVER_CONFORMANCE_CONFORMANCE_H_
