// `sequential`: one thread, one connection at a time, from its first byte to its last.
#ifndef HANDSHAKE_SERVER_ENGINES_SEQUENTIAL_H_
#define HANDSHAKE_SERVER_ENGINES_SEQUENTIAL_H_

#include <string_view>

#include "server/engines/blocking_workers.h"

namespace handshake::server {

// A silent client holds up everybody behind it until its deadline: that is the model.
class SequentialEngine final : public BlockingWorkersEngine {
 public:
  static constexpr std::string_view kDescription =
      "one thread serves one connection at a time, the others wait in the accept queue";

  SequentialEngine(const EngineContext& context, uint32_t generation)
      : BlockingWorkersEngine(context, Mode::kSequential, generation, 1) {}
};

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_SEQUENTIAL_H_
