/* Floor: 16 threads, each accepts and serves one connection at a time. With "interruptible" one of
 * them waits at the door at a time, in poll() with the wake-up; without, all block in accept(). */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "blocking.h"

enum { kThreads = 16 };

static int listener;
static int wake_up = -1; /* read by nobody: a latch */
static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;

static void wait_for(int fd) {
  struct pollfd sources[2] = {{fd, POLLIN, 0}, {wake_up, POLLIN, 0}};
  poll(sources, 2, -1);
}

static int take(void) {
  while (true) {
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 || wake_up < 0) return fd;
    pthread_mutex_lock(&door);
    wait_for(listener);
    pthread_mutex_unlock(&door);
  }
}

static void* work(void* unused) {
  while (true) {
    const int fd = take();
    if (fd >= 0) serve(fd, wake_up < 0 ? NULL : wait_for);
  }
  return unused;
}

int main(int argc, char** argv) {
  prepare(argc, "floor-pool PORT [interruptible]");
  const bool interruptible = argc > 2 && strcmp(argv[2], "interruptible") == 0;
  listener = listen_on(argv[1], interruptible ? SOCK_NONBLOCK : 0);
  if (interruptible) wake_up = eventfd(0, EFD_CLOEXEC);
  for (int i = 0; i < kThreads - 1; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) die("pthread_create");
  }
  say_ready();
  work(NULL);
}
