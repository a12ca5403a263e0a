// The concurrency modes by name. Adding one: a row here, a file pair in server/engines, a line in
// its factory, and a value in proto/handshake/v1/types.proto.
#ifndef HANDSHAKE_SERVER_DOOR_MODE_H_
#define HANDSHAKE_SERVER_DOOR_MODE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace handshake::server {

enum class Mode : uint8_t {
  kSequential,
  kThreadPerConnection,
  kThreadPool,
  kEpoll,
  kCoroutine,
  kIoUring
};
inline constexpr int kModeCount = 6;
inline constexpr std::array<Mode, kModeCount> kModes = {
    Mode::kSequential, Mode::kThreadPerConnection, Mode::kThreadPool,
    Mode::kEpoll,      Mode::kCoroutine,           Mode::kIoUring};

inline constexpr std::array<std::string_view, kModeCount> kModeNames = {
    "sequential", "thread-per-connection", "thread-pool", "epoll", "coroutine", "io-uring"};

constexpr std::string_view ModeName(Mode mode) { return kModeNames[static_cast<size_t>(mode)]; }

// An event mode: a few worker threads, each with many connections. Their number can be chosen. They
// are the last of the enum.
constexpr bool HasWorkers(Mode mode) { return mode >= Mode::kEpoll; }

constexpr std::optional<Mode> ModeByName(std::string_view name) {
  for (Mode mode : kModes) {
    if (ModeName(mode) == name) return mode;
  }
  return std::nullopt;
}

}  // namespace handshake::server

#endif  // HANDSHAKE_SERVER_DOOR_MODE_H_
