#include "tests/support/fake_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>

namespace handshake::test {
namespace {

struct Names {
  std::mutex mutex;
  std::condition_variable changed;
  bool active = false;
  std::map<std::string, std::optional<std::string>> answers;  // nothing: it hangs
  int hanging = 0;
};

Names& TheNames() {
  static Names* const names = new Names;  // outlives every thread
  return *names;
}

}  // namespace

FakeNames::FakeNames() {
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  names.active = true;
}

FakeNames::~FakeNames() {
  Names& names = TheNames();
  std::unique_lock lock(names.mutex);
  names.active = false;
  names.answers.clear();
  names.changed.notify_all();
  names.changed.wait(lock, [&] { return names.hanging == 0; });
}

void FakeNames::Answer(const std::string& name, const std::string& address) {
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  names.answers[name] = address;
}

void FakeNames::Hang(const std::string& name) {
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  names.answers[name] = std::nullopt;
}

int FakeNames::hanging() const {
  Names& names = TheNames();
  const std::lock_guard lock(names.mutex);
  return names.hanging;
}

}  // namespace handshake::test

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  using handshake::test::TheNames;
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  std::string answer;
  {
    auto& names = TheNames();
    std::unique_lock lock(names.mutex);
    const auto found = node == nullptr ? names.answers.end() : names.answers.find(node);
    if (found == names.answers.end()) {
      lock.unlock();
      return real(node, service, hints, result);
    }
    if (!found->second) {
      ++names.hanging;
      names.changed.wait(lock, [&] { return !names.active; });
      --names.hanging;
      names.changed.notify_all();
      return EAI_NONAME;
    }
    answer = *found->second;
  }
  return real(answer.c_str(), service, hints, result);
}
