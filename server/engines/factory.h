// The modes and the engines that make them.
#ifndef HANDSHAKE_SERVER_ENGINES_FACTORY_H_
#define HANDSHAKE_SERVER_ENGINES_FACTORY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "server/door/mode.h"
#include "server/engines/engine.h"

namespace handshake::server {

// How a mode works, in one line.
std::string EngineDescription(Mode mode);
// Why this process cannot run it, with what to do; empty: it can. Asks the system each time.
std::string EngineUnavailable(Mode mode, const EngineOptions& options, int64_t listener_count);
// How many handshakes can be in progress at once in it. fd_limit: descriptors left for connections.
int64_t EngineMaxConcurrent(Mode mode, const EngineOptions& options, int64_t fd_limit);
// The options with their defaults filled in for this machine.
EngineOptions WithDefaults(const EngineOptions& options);

std::unique_ptr<Engine> MakeEngine(const EngineContext& context, Mode mode, uint32_t generation);

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_ENGINES_FACTORY_H_
