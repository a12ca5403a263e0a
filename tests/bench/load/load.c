/* The load of every benchmark: whole handshakes against one server, each reply and the clean end
 * checked. One thread, epoll. Prints one line of JSON at the end. See usage() below.
 *
 * A handshake is a place in a table: free -> greeting (HELLO X under way) -> replied (X+1 read,
 * X+2 sent) -> free again. Failures are counted over the whole run, everything else between
 * --begin-at and the end. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../floors/hello.h"
#include "histogram.h"

enum {
  kMostPlaces = 19900,
  kBirthsPerTurn = 64, /* thousands at once would overrun the accept queue, and a SYN lost is 1 s */
  kEvents = 512,
  kMostBuckets = 1 << 20,
};
static const uint64_t kSecond = 1000000000;
static const uint64_t kSlow = 900000000;      /* a SYN was lost and sent again after 1 s */
static const uint64_t kLastWait = 5000000000; /* for what is in progress at the end */

struct options {
  int port;
  int connections;   /* closed loop: at once; open loop: at most; hold: see serve_orders() */
  double rate;       /* open loop: a second; 0: closed loop */
  double seconds;    /* of the window */
  uint64_t begin_at; /* of the window, CLOCK_MONOTONIC */
  uint64_t count;    /* end after so many instead; 0: end with the window */
  int sources;       /* addresses to connect from */
  int first_source;  /* 127.FIRST.0.1 and on */
  pid_t server;      /* its CPU time is read where the window begins and ends */
  uint64_t bucket;   /* of the series of completions, ns; 0: none */
  bool hold;
};

enum state { kFree, kGreeting, kReplied, kHeld };

struct place {
  uint64_t begun; /* open loop: when it should have */
  int64_t x;
  int fd;
  uint32_t state;
};

static struct options options = {.connections = 64, .seconds = 2, .sources = 64, .first_source = 2};
static struct place places[kMostPlaces];
static int free_places[kMostPlaces];
static int free_count;
static int epoll_fd;
static uint64_t started, in_flight, held;
static uint64_t connect_failures, io_failures, wrong_replies, unfinished, not_begun;
static uint64_t done, done_in_window, slow_in_window;
static uint64_t window_end, last_done, longest_gap;
static bool stopping, begun, ending;
static uint64_t server_cpu_at_begin, own_cpu_at_begin;
static struct histogram latencies;
static struct histogram lags; /* open loop: from the intended begin to the real one */
static uint32_t* series;

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * kSecond + (uint64_t)now.tv_nsec;
}

/* CPU time of a process, threads that have ended included, ns; 0 if it is gone. */
static uint64_t cpu_ns(pid_t pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return (uint64_t)time.tv_sec * kSecond + (uint64_t)time.tv_nsec;
}

static uint64_t failures(void) {
  return connect_failures + io_failures + wrong_replies + unfinished + not_begun;
}

static void release(int index, uint64_t* failure) {
  struct place* place = &places[index];
  close(place->fd);
  if (place->state == kHeld) --held;
  place->state = kFree;
  free_places[free_count++] = index;
  --in_flight;
  if (failure != NULL) ++*failure;
}

static bool may_begin(uint64_t now) {
  if (stopping) return false;
  return options.count > 0 ? started < options.count : now < window_end;
}

static bool say(int index, int64_t x) {
  char text[kHelloBytes];
  const int size = hello_write(text, x);
  return send(places[index].fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size;
}

static void watch(int index, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u32 = (uint32_t)index};
  epoll_ctl(epoll_fd, operation, places[index].fd, &event);
}

static void begin(uint64_t at) {
  const int index = free_places[--free_count];
  struct place* place = &places[index];
  const int64_t x = (int64_t)started++;
  ++in_flight;
  *place = (struct place){.begun = at, .x = x, .state = kGreeting};
  place->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (place->fd < 0) {
    perror("load: socket");
    exit(1);
  }
  const int on = 1, off = 0;
  setsockopt(place->fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
  setsockopt(place->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
  const uint32_t host = (uint32_t)(x % options.sources);
  struct sockaddr_in from = {.sin_family = AF_INET};
  from.sin_addr.s_addr = htonl(127u << 24 | (uint32_t)options.first_source << 16 |
                               (host / 250) << 8 | (host % 250 + 1));
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(place->fd, (struct sockaddr*)&from, sizeof(from)) != 0 ||
      (connect(place->fd, (struct sockaddr*)&to, sizeof(to)) != 0 && errno != EINPROGRESS)) {
    return release(index, &connect_failures);
  }
  /* On loopback it usually stands by now: then the message goes out with the ACK. */
  if (say(index, x)) return watch(index, EPOLL_CTL_ADD, EPOLLIN);
  if (errno == EAGAIN) return watch(index, EPOLL_CTL_ADD, EPOLLOUT);
  release(index, &connect_failures);
}

static void count_done(const struct place* place, uint64_t now) {
  ++done;
  /* Open loop: those that should have begun in the window, so that none is left out for being
   * late. */
  const uint64_t at = options.rate > 0 ? place->begun : now;
  if (!begun || at < options.begin_at || at >= window_end) return;
  ++done_in_window;
  histogram_add(&latencies, now - place->begun);
  if (now - place->begun > kSlow) ++slow_in_window;
  if (now >= window_end) return;
  const uint64_t since = last_done > options.begin_at ? last_done : options.begin_at;
  if (now - since > longest_gap) longest_gap = now - since;
  last_done = now;
  const uint64_t bucket = options.bucket > 0 ? (now - options.begin_at) / options.bucket : 0;
  if (series != NULL && bucket < kMostBuckets) ++series[bucket];
}

/* What the peer sent, or its end. */
static void readable(int index) {
  struct place* place = &places[index];
  char text[64];
  const ssize_t size = recv(place->fd, text, sizeof(text), MSG_DONTWAIT);
  if (size < 0) {
    if (errno == EAGAIN || errno == EINTR) return;
    return release(index, &io_failures);
  }
  if (place->state == kGreeting) {
    if (size == 0 || hello_read(text, size) != place->x + 1) {
      return release(index, size == 0 ? &io_failures : &wrong_replies);
    }
    if (options.hold) {
      place->state = kHeld;
      ++held;
      return;
    }
    if (!say(index, place->x + 2)) return release(index, &io_failures);
    place->state = kReplied;
    return;
  }
  /* After X+2 nothing but the end is right, while held not even that. */
  if (size > 0) return release(index, &wrong_replies);
  if (place->state == kHeld) return release(index, &io_failures);
  const uint64_t now = now_ns();
  count_done(place, now);
  release(index, NULL);
  /* Closed loop: the next one at once, so that as many as asked for are under way. */
  if (options.rate == 0 && !options.hold && !ending && may_begin(now)) begin(now_ns());
}

static void writable(int index) {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(places[index].fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0 || !say(index, places[index].x)) return release(index, &connect_failures);
  watch(index, EPOLL_CTL_MOD, EPOLLIN);
}

/* The window begins between two turns, so that time, handshakes and CPU are of the same work. */
static void note_begin(uint64_t now) {
  if (begun || now < options.begin_at) return;
  begun = true;
  if (options.server > 0) server_cpu_at_begin = cpu_ns(options.server);
  own_cpu_at_begin = cpu_ns(getpid());
}

/* Serves what is ready, waiting until `until` at most. */
static void turn(uint64_t until) {
  struct epoll_event events[kEvents];
  const uint64_t now = now_ns();
  note_begin(now);
  const uint64_t wait = until > now ? until - now : 0;
  const struct timespec timeout = {(time_t)(wait / kSecond), (long)(wait % kSecond)};
  const int count = epoll_pwait2(epoll_fd, events, kEvents, &timeout, NULL);
  for (int i = 0; i < count; ++i) {
    const int index = (int)events[i].data.u32;
    if (places[index].state == kFree) continue;
    if (events[i].events & EPOLLOUT) {
      writable(index);
    } else {
      readable(index);
    }
  }
}

static void finish_open(uint64_t deadline) {
  ending = true;
  while (in_flight > 0 && now_ns() < deadline) turn(now_ns() + kSecond / 100);
  for (int i = 0; i < kMostPlaces; ++i) {
    if (places[i].state != kFree) release(i, &unfinished);
  }
}

static void closed_loop(void) {
  while (true) {
    const uint64_t now = now_ns();
    if (options.count > 0 ? done + failures() >= options.count : now >= window_end) return;
    if (stopping) return;
    int births = kBirthsPerTurn;
    while (births-- > 0 && in_flight < (uint64_t)options.connections && may_begin(now)) {
      begin(now_ns());
    }
    const bool more = in_flight < (uint64_t)options.connections && may_begin(now);
    turn(more ? 0 : options.count > 0 ? now + kSecond : window_end);
  }
}

/* Exponential gaps from a fixed seed: every server meets the same arrivals. */
static uint64_t next_gap(void) {
  return (uint64_t)(-log(1.0 - drand48()) / options.rate * (double)kSecond);
}

/* Ends once all that should have begun in the window have, however late: those that a slow server
 * kept waiting are the ones that count. What has not begun kLastWait after it has failed. */
static void open_loop(void) {
  srand48(42);
  uint64_t intended = now_ns();
  while (intended < window_end && !stopping) {
    const uint64_t now = now_ns();
    const bool too_late = now >= window_end + kLastWait;
    int births = kEvents;
    while (intended < window_end && (too_late || (intended <= now && births-- > 0))) {
      if (too_late || free_count == 0 || in_flight >= (uint64_t)options.connections) {
        ++not_begun;
      } else {
        const uint64_t at = now_ns();
        if (begun && intended >= options.begin_at) histogram_add(&lags, at - intended);
        begin(intended);
      }
      intended += next_gap();
    }
    turn(intended < window_end ? intended : window_end);
  }
}

/* --hold: orders come on stdin, "open N" and "finish"; each is answered on stdout. */
static void serve_orders(void) {
  char line[64];
  while (fgets(line, sizeof(line), stdin) != NULL && strncmp(line, "open ", 5) == 0) {
    const uint64_t wanted = strtoull(line + 5, NULL, 10);
    const uint64_t deadline = now_ns() + 60 * kSecond;
    while (held < wanted && failures() == 0 && now_ns() < deadline) {
      int births = kBirthsPerTurn;
      while (births-- > 0 && in_flight < wanted && free_count > 0) begin(now_ns());
      turn(now_ns() + kSecond / 100);
    }
    printf("held %llu failed %llu\n", (unsigned long long)held, (unsigned long long)failures());
    fflush(stdout);
  }
  ending = true;
  for (int i = 0; i < kMostPlaces; ++i) {
    if (places[i].state != kHeld) continue;
    --held;
    places[i].state = kReplied;
    if (!say(i, places[i].x + 2)) release(i, &io_failures);
    if (i % kBirthsPerTurn == 0) turn(0);
  }
}

static void usage(FILE* out) {
  fputs(
      "Usage: load --port PORT [options]\n"
      "  --connections N  closed loop: at once (64); open loop: at most\n"
      "  --rate R         open loop: Poisson arrivals, R a second; latency from the intended "
      "start\n"
      "  --seconds S      length of the window (2)\n"
      "  --begin-at NS    where it begins, CLOCK_MONOTONIC; the load runs before it as well (now)\n"
      "  --count N        end after N handshakes instead\n"
      "  --hold           stop after message 2; orders on stdin: 'open N', 'finish'\n"
      "  --sources N      addresses to connect from (64)\n"
      "  --first-source N they are 127.N.0.1 and on (2)\n"
      "  --server PID     read its CPU time where the window begins and ends\n"
      "  --series US      count completions in buckets of so many microseconds\n",
      out);
}

static void read_options(int argc, char** argv) {
  static const struct option known[] = {{"port", 1, 0, 'p'},
                                        {"connections", 1, 0, 'c'},
                                        {"rate", 1, 0, 'r'},
                                        {"seconds", 1, 0, 's'},
                                        {"begin-at", 1, 0, 'b'},
                                        {"count", 1, 0, 'n'},
                                        {"hold", 0, 0, 'h'},
                                        {"sources", 1, 0, 'a'},
                                        {"first-source", 1, 0, 'f'},
                                        {"server", 1, 0, 'i'},
                                        {"series", 1, 0, 'u'},
                                        {"help", 0, 0, '?'},
                                        {0, 0, 0, 0}};
  int option;
  while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
    switch (option) {
      case 'p':
        options.port = atoi(optarg);
        break;
      case 'c':
        options.connections = atoi(optarg);
        break;
      case 'r':
        options.rate = atof(optarg);
        break;
      case 's':
        options.seconds = atof(optarg);
        break;
      case 'b':
        options.begin_at = strtoull(optarg, NULL, 10);
        break;
      case 'n':
        options.count = strtoull(optarg, NULL, 10);
        break;
      case 'h':
        options.hold = true;
        break;
      case 'a':
        options.sources = atoi(optarg);
        break;
      case 'f':
        options.first_source = atoi(optarg);
        break;
      case 'i':
        options.server = atoi(optarg);
        break;
      case 'u':
        options.bucket = strtoull(optarg, NULL, 10) * 1000;
        break;
      default:
        usage(stderr);
        exit(2);
    }
  }
  if (options.port < 1 || options.port > 65535 || options.connections < 1 ||
      options.connections > kMostPlaces || options.sources < 1 || options.seconds <= 0) {
    usage(stderr);
    exit(2);
  }
}

static void on_stop(int signal) {
  (void)signal;
  stopping = true;
}

static void print_series(void) {
  const uint64_t length = (window_end - options.begin_at) / options.bucket;
  printf(", \"series\": [");
  for (uint64_t i = 0; i < length && i < kMostBuckets; ++i) printf(i ? ",%u" : "%u", series[i]);
  printf("]");
}

static void print_report(uint64_t server_cpu, uint64_t own_cpu) {
  printf(
      "{\"handshakes\": %llu, \"done\": %llu, \"failures\": %llu, \"connect_failures\": %llu, "
      "\"io_failures\": %llu, \"wrong_replies\": %llu, \"unfinished\": %llu, "
      "\"not_begun\": %llu, \"slow\": %llu, \"seconds\": %.6f, \"begin_ns\": %llu, "
      "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"lag_p99_us\": %.1f, "
      "\"longest_gap_us\": %.1f, "
      "\"own_cpu_ns\": %llu, \"server_cpu_ns\": %llu",
      (unsigned long long)done_in_window, (unsigned long long)done, (unsigned long long)failures(),
      (unsigned long long)connect_failures, (unsigned long long)io_failures,
      (unsigned long long)wrong_replies, (unsigned long long)unfinished,
      (unsigned long long)not_begun, (unsigned long long)slow_in_window,
      (double)(window_end - options.begin_at) / 1e9, (unsigned long long)options.begin_at,
      histogram_percentile_us(&latencies, 0.5), histogram_percentile_us(&latencies, 0.99),
      histogram_percentile_us(&latencies, 0.999), histogram_percentile_us(&lags, 0.99),
      (double)longest_gap / 1e3,
      (unsigned long long)own_cpu, (unsigned long long)server_cpu);
  if (series != NULL) print_series();
  printf("}\n");
}

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
  read_options(argc, argv);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  signal(SIGTERM, on_stop);
  for (int i = kMostPlaces - 1; i >= 0; --i) free_places[free_count++] = i;
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (options.bucket > 0) series = calloc(kMostBuckets, sizeof(*series));

  if (options.begin_at == 0) options.begin_at = now_ns();
  window_end = options.begin_at + (uint64_t)(options.seconds * 1e9);
  if (options.count > 0) window_end = UINT64_MAX;
  note_begin(now_ns());
  if (options.hold) {
    serve_orders();
  } else if (options.rate > 0) {
    open_loop();
  } else {
    closed_loop();
  }
  const uint64_t server_cpu = options.server > 0 ? cpu_ns(options.server) - server_cpu_at_begin : 0;
  const uint64_t own_cpu = cpu_ns(getpid()) - own_cpu_at_begin;
  const uint64_t end = now_ns();
  if (options.count > 0 || end < window_end) window_end = end;
  finish_open(now_ns() + kLastWait);
  print_report(server_cpu, own_cpu);
  return 0;
}
