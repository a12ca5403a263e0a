/* Floor: a thread a connection, started by the one that accepts. With "interruptible" a thread
 * waits in ppoll() with the one signal open that would end the wait; without, it blocks in recv().
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "blocking.h"

enum { kStackBytes = 64 * 1024 };

static bool interruptible;
static sigset_t all_but_wake_up;

static void wait_for(int fd) {
  struct pollfd source = {fd, POLLIN, 0};
  ppoll(&source, 1, NULL, &all_but_wake_up);
}

static void* serve_one(void* argument) {
  serve((int)(intptr_t)argument, interruptible ? wait_for : NULL);
  return NULL;
}

static void wait_at_door(int listener, int wake_up) {
  struct pollfd sources[2] = {{listener, POLLIN, 0}, {wake_up, POLLIN, 0}};
  poll(sources, 2, -1);
}

int main(int argc, char** argv) {
  prepare(argc, "floor-threads PORT [interruptible]");
  interruptible = argc > 2 && strcmp(argv[2], "interruptible") == 0;
  const int listener = listen_on(argv[1], interruptible ? SOCK_NONBLOCK : 0);
  const int wake_up = eventfd(0, EFD_CLOEXEC);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &signals, &all_but_wake_up);
  sigdelset(&all_but_wake_up, SIGUSR1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  say_ready();
  while (true) {
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    pthread_t thread;
    if (fd < 0) {
      wait_at_door(listener, wake_up);
    } else if (pthread_create(&thread, &attributes, serve_one, (void*)(intptr_t)fd) != 0) {
      close(fd);
    }
  }
}
