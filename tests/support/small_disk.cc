#include "tests/support/small_disk.h"

#include <sched.h>
#include <sys/mount.h>

#include <thread>

namespace handshake::test {
namespace {

bool MountHere(const std::string& at, size_t bytes) {
  if (unshare(CLONE_NEWNS) != 0) return false;
  // Else the mount would be seen outside too.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  const std::string size = "size=" + std::to_string(bytes);
  return mount("tmpfs", at.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

}  // namespace

bool OnSmallDisk(const std::string& at, size_t bytes, const std::function<void()>& body) {
  bool mounted = false;
  std::thread([&] {
    mounted = MountHere(at, bytes);
    if (mounted) body();
  }).join();
  return mounted;
}

}  // namespace handshake::test
