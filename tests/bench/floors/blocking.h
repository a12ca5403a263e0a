// One connection served by one thread that waits for it, for the floors with a thread a connection.
//
// Interruptible is what a mode that can be left has to do: try, and where nothing is there wait in
// poll() for the socket and for a wake-up that never comes here. Plain is recv() that blocks.
#ifndef HANDSHAKE_TESTS_BENCH_FLOORS_BLOCKING_H_
#define HANDSHAKE_TESTS_BENCH_FLOORS_BLOCKING_H_

#include <errno.h>

#include "floor.h"

// Receives, waiting with `wait(fd)` where nothing is there; blocks in recv() if `wait` is NULL.
static inline ssize_t receive(int fd, char* text, size_t room, void (*wait)(int fd)) {
  while (true) {
    const ssize_t size = recv(fd, text, room, wait != NULL ? MSG_DONTWAIT : 0);
    if (size >= 0 || errno != EAGAIN) return size;
    wait(fd);
  }
}

// The whole handshake, and the end.
static inline void serve(int fd, void (*wait)(int fd)) {
  char text[64];
  const ssize_t size = receive(fd, text, sizeof(text), wait);
  const int64_t x = size > 0 ? hello_read(text, size) : -1;
  if (x >= 0 && reply(fd, x)) {
    const ssize_t last = receive(fd, text, sizeof(text), wait);
    if (last > 0) (void)hello_read(text, last);
  }
  close(fd);
}

#endif  // HANDSHAKE_TESTS_BENCH_FLOORS_BLOCKING_H_
