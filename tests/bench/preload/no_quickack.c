/* Preloaded into a server and its load: TCP_QUICKACK stays as the kernel has it, whatever the
 * program asks for. Everything else of the two is the same. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  if (level == IPPROTO_TCP && name == TCP_QUICKACK) return 0;
  return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
