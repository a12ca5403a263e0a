// The wire vectors: what a server says to what a client does, as data. wire_vectors.txt documents
// the format in its head.
#ifndef HANDSHAKE_TESTS_SERVER_CONFORMANCE_WIRE_VECTORS_H_
#define HANDSHAKE_TESTS_SERVER_CONFORMANCE_WIRE_VECTORS_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "common/wire/handshake_machine.h"
#include "common/wire/verdict.h"

namespace handshake::test {

struct WireAction {
  enum class Kind : uint8_t {
    kSend,           // > text
    kExpect,         // < text
    kAwaitRead,      // read
    kAwaitGrace,     // grace
    kAwaitDeadline,  // step
    kShut,           // shut
    kReset,          // reset
    kSeeFin,         // fin
    kSeeReset,       // rst
  };
  Kind kind;
  std::string text;
};

struct WireVector {
  std::string name;
  wire::Framing framing;
  std::vector<WireAction> script;
  wire::Verdict verdict;

  bool Has(WireAction::Kind kind) const;
};
void PrintTo(const WireVector& vector, std::ostream* out);

// All vectors of the file. A line that cannot be read ends the process with its number.
const std::vector<WireVector>& WireVectors();

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_CONFORMANCE_WIRE_VECTORS_H_
