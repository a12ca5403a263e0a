/* Floor: one thread, io_uring with direct descriptors. Multishot accept, receives into buffers the
 * kernel chooses, the reply linked to the next receive, no completion for replies and closes. */
#define _GNU_SOURCE
#include <errno.h>
#include <liburing.h>

#include "floor.h"

enum { kSlots = 19500, kQueue = 4096, kCompletions = 32768, kBuffers = 8192, kBufferBytes = 64 };
enum operation { kAccept, kReceive, kReply, kClose };

struct slot {
  int32_t state;          /* X of message 1 plus 1, or 0 */
  char text[kHelloBytes]; /* the reply, until it is sent */
};

static struct slot slots[kSlots];
static char buffers[kBuffers][kBufferBytes];
static struct io_uring ring;
static struct io_uring_buf_ring* lent;
static int listener;

static struct io_uring_sqe* next_sqe(enum operation operation, int slot) {
  struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  if (sqe == NULL) {
    io_uring_submit(&ring);
    sqe = io_uring_get_sqe(&ring);
  }
  if (sqe == NULL) die("no room in the submission queue");
  sqe->user_data = (uint64_t)slot << 8 | operation;
  return sqe;
}

/* prep functions clear user_data in some versions of liburing, so it is set again behind them. */
static void finish(struct io_uring_sqe* sqe, enum operation operation, int slot, unsigned flags) {
  sqe->flags |= (uint8_t)flags;
  io_uring_sqe_set_data64(sqe, (uint64_t)slot << 8 | operation);
}

static void accept_on(void) {
  struct io_uring_sqe* sqe = next_sqe(kAccept, 0);
  io_uring_prep_multishot_accept_direct(sqe, listener, NULL, NULL, 0);
  finish(sqe, kAccept, 0, 0);
}

/* poll_first: nothing can be there yet, so do not look. */
static void receive(int slot, bool poll_first) {
  struct io_uring_sqe* sqe = next_sqe(kReceive, slot);
  io_uring_prep_recv(sqe, slot, NULL, kBufferBytes, 0);
  sqe->buf_group = 0;
  if (poll_first) sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  finish(sqe, kReceive, slot, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
}

static void reply_and_receive(int slot, int64_t x) {
  /* The chain must be submitted as one. */
  if (io_uring_sq_space_left(&ring) < 2) io_uring_submit(&ring);
  const int size = hello_write(slots[slot].text, x + 1);
  struct io_uring_sqe* sqe = next_sqe(kReply, slot);
  io_uring_prep_send(sqe, slot, slots[slot].text, (size_t)size, MSG_NOSIGNAL | MSG_WAITALL);
  finish(sqe, kReply, slot, IOSQE_FIXED_FILE | IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
  receive(slot, true);
}

static void close_slot(int slot) {
  struct io_uring_sqe* sqe = next_sqe(kClose, slot);
  io_uring_prep_close_direct(sqe, (unsigned)slot);
  finish(sqe, kClose, slot, IOSQE_CQE_SKIP_SUCCESS);
}

static void received(int slot, const struct io_uring_cqe* cqe) {
  if (cqe->res == -ENOBUFS) return receive(slot, false);
  int64_t x = -1;
  if (cqe->flags & IORING_CQE_F_BUFFER) {
    const int buffer = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    if (cqe->res > 0) x = hello_read(buffers[buffer], cqe->res);
    io_uring_buf_ring_add(lent, buffers[buffer], kBufferBytes, (unsigned short)buffer,
                          io_uring_buf_ring_mask(kBuffers), 0);
    io_uring_buf_ring_advance(lent, 1);
  }
  if (x < 0 || slots[slot].state != 0) return close_slot(slot);
  slots[slot].state = (int32_t)x + 1;
  reply_and_receive(slot, x);
}

static void completed(const struct io_uring_cqe* cqe) {
  const int slot = (int)(cqe->user_data >> 8);
  switch ((enum operation)(cqe->user_data & 0xff)) {
    case kAccept:
      if (cqe->res >= 0) {
        slots[cqe->res].state = 0;
        receive(cqe->res, false);
      }
      if (!(cqe->flags & IORING_CQE_F_MORE)) accept_on();
      break;
    case kReceive:
      received(slot, cqe);
      break;
    case kReply: /* failed, and the linked receive with it, which closes */
    case kClose:
      break;
  }
}

static void open_ring(void) {
  struct io_uring_params params = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
      .cq_entries = kCompletions};
  int error = io_uring_queue_init_params(kQueue, &ring, &params);
  if (error == 0) error = io_uring_register_files_sparse(&ring, kSlots);
  if (posix_memalign((void**)&lent, 4096, kBuffers * sizeof(struct io_uring_buf)) != 0) error = -1;
  struct io_uring_buf_reg region = {.ring_addr = (uint64_t)lent, .ring_entries = kBuffers};
  if (error == 0) error = io_uring_register_buf_ring(&ring, &region, 0);
  if (error != 0) {
    errno = -error;
    die("io_uring");
  }
  io_uring_buf_ring_init(lent);
  for (int i = 0; i < kBuffers; ++i) {
    io_uring_buf_ring_add(lent, buffers[i], kBufferBytes, (unsigned short)i,
                          io_uring_buf_ring_mask(kBuffers), i);
  }
  io_uring_buf_ring_advance(lent, kBuffers);
}

int main(int argc, char** argv) {
  prepare(argc, "floor-io-uring PORT");
  listener = listen_on(argv[1], 0);
  open_ring();
  accept_on();
  say_ready();
  while (true) {
    io_uring_submit_and_wait(&ring, 1);
    struct io_uring_cqe* cqe;
    unsigned head, count = 0;
    io_uring_for_each_cqe(&ring, head, cqe) {
      completed(cqe);
      ++count;
    }
    io_uring_cq_advance(&ring, count);
  }
}
