// What all floor servers share: a listener with the options of ours, and the shape of their main().
//
// A floor does the protocol and nothing else: no deadlines, no counting, no log, whole messages
// only, the first failure ends a connection. It says what the machine costs, and is no product.
#ifndef HANDSHAKE_TESTS_BENCH_FLOORS_FLOOR_H_
#define HANDSHAKE_TESTS_BENCH_FLOORS_FLOOR_H_

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hello.h"

enum { kBacklog = 65535, kMostFds = 20000 };

static inline void die(const char* what) {
  perror(what);
  exit(1);
}

static inline void set_option(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof(value)) != 0) die("setsockopt");
}

// Listens on 127.0.0.1:port with the options of server/door/listener.cc.
static inline int listen_on(const char* port, int type) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
  if (fd < 0) die("socket");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_QUICKACK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr*)&address, sizeof(address)) != 0) die("bind");
  if (listen(fd, kBacklog) != 0) die("listen");
  return fd;
}

// To be called first: ends with its parent, takes as many descriptors as it may have.
static inline void prepare(int argc, const char* usage) {
  if (argc < 2) {
    fprintf(stderr, "Usage: %s\n", usage);
    exit(2);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static inline void say_ready(void) {
  puts("ready");
  fflush(stdout);
}

// Sends X + 1 in one piece.
static inline bool reply(int fd, int64_t x) {
  char text[kHelloBytes];
  const int size = hello_write(text, x + 1);
  return send(fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size;
}

#endif  // HANDSHAKE_TESTS_BENCH_FLOORS_FLOOR_H_
