/* Floor: one thread, epoll, four bytes of state a connection. Accepts until EAGAIN and reads right
 * after each accept. 6 system calls a handshake: accept4, recv, send, epoll_ctl, recv, close. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>

#include "floor.h"

enum { kEvents = 512 };

static int32_t state[kMostFds]; /* of a descriptor: X of its message 1 plus 1, or 0 */
static int epoll_fd;

/* Returns whether the connection goes on. */
static bool readable(int fd) {
  char text[64];
  const ssize_t size = recv(fd, text, sizeof(text), MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return true;
  const int64_t x = size > 0 ? hello_read(text, size) : -1;
  if (x < 0 || state[fd] != 0) return false; /* failed, or X + 2 came: the end either way */
  state[fd] = (int32_t)x + 1;
  return reply(fd, x);
}

static void accept_all(int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
    state[fd] = 0;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (!readable(fd) || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) close(fd);
  }
}

int main(int argc, char** argv) {
  prepare(argc, "floor-epoll PORT");
  const int listener = listen_on(argv[1], SOCK_NONBLOCK);
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event door = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &door);
  say_ready();
  while (true) {
    struct epoll_event events[kEvents];
    const int count = epoll_wait(epoll_fd, events, kEvents, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_all(listener);
      } else if (!readable(fd)) {
        close(fd);
      }
    }
  }
}
