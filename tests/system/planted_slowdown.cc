// A library to be loaded into handshake-server (LD_PRELOAD): each connection it accepts costs it so
// many more nanoseconds of CPU time as stand in the file that PLANTED_SLOWDOWN names, now.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::atomic<int64_t>* Planted() {
  static const std::atomic<int64_t>* const planted = []() -> const std::atomic<int64_t>* {
    const char* path = std::getenv("PLANTED_SLOWDOWN");
    const int fd = path == nullptr ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return nullptr;
    void* page = mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? nullptr : static_cast<const std::atomic<int64_t>*>(page);
  }();
  return planted;
}

int64_t ThreadCpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

extern "C" int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
  using Accept4 = int (*)(int, sockaddr*, socklen_t*, int);
  static const auto real = reinterpret_cast<Accept4>(dlsym(RTLD_NEXT, "accept4"));
  const int accepted = real(fd, address, size, flags);
  const std::atomic<int64_t>* planted = Planted();
  if (accepted < 0 || planted == nullptr) return accepted;
  const int64_t ns = planted->load(std::memory_order_relaxed);
  if (ns <= 0) return accepted;
  const int64_t end = ThreadCpuNs() + ns;
  while (ThreadCpuNs() < end) continue;
  return accepted;
}
