#include "server/engines/door_watch.h"

#include "common/net/reactor.h"

namespace handshake::server {

DoorWatch::DoorWatch(const Doorway& doorway, const net::WakeEvent& latch) {
  fds_.push_back({.fd = latch.fd(), .events = POLLIN, .revents = 0});
  for (const int fd : doorway.wait_fds) fds_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
}

void DoorWatch::AwaitDoor() { poll(fds_.data(), fds_.size(), -1); }

void DoorWatch::AwaitPause(wire::Duration pause) {
  const wire::TimePoint now = wire::Clock::now();
  poll(fds_.data(), 1, net::TimeoutMs(now + pause, now));
}

}  // namespace handshake::server
