// What kind of run this is: sanitized builds and the plain run do less, campaigns do more.
#ifndef HANDSHAKE_TESTS_SUPPORT_BUILD_KIND_H_
#define HANDSHAKE_TESTS_SUPPORT_BUILD_KIND_H_

#include <cstdlib>
#include <cstring>

namespace handshake::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// Figures are promised for release builds only.
#ifdef NDEBUG
inline constexpr bool kTimed = !kSanitized;
#else
inline constexpr bool kTimed = false;
#endif

// The environment's HANDSHAKE_CAMPAIGN=1, set by `tests/run.sh --campaign`.
inline bool IsCampaign() {
  const char* value = std::getenv("HANDSHAKE_CAMPAIGN");
  return value != nullptr && std::strcmp(value, "1") == 0;
}

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SUPPORT_BUILD_KIND_H_
