#include "client/lookup.h"

#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_format.h"

namespace handshake::client {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr size_t kLongestName = 253;

struct Answer {
  int error = 0;  // of getaddrinfo()
  std::vector<net::Address> addresses;
};

Answer Ask(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  Answer answer;
  answer.error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (answer.error != 0) return answer;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const int family = entry->ai_family;
    if (family != AF_INET && family != AF_INET6) continue;
    answer.addresses.push_back(net::Address::Of(*entry->ai_addr));
  }
  freeaddrinfo(list);
  return answer;
}

bool IsNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
}

// As inet_aton() would read it: decimal, octal or hexadecimal.
bool IsNumber(std::string_view label) {
  const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  if (label.starts_with("0x") || label.starts_with("0X")) {
    return std::all_of(label.begin() + 2, label.end(),
                       [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
  }
  return std::all_of(label.begin(), label.end(), is_digit);
}

}  // namespace

bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > kLongestName) return false;
  std::string_view label;
  while (true) {
    const size_t dot = text.find('.');
    label = text.substr(0, dot);
    if (label.empty() || !std::all_of(label.begin(), label.end(), IsNameCharacter)) return false;
    if (dot == std::string_view::npos) return !IsNumber(label);
    text.remove_prefix(dot + 1);
  }
}

// The resolver cannot be interrupted: a thread of its own waits for it, and may outlive this call.
absl::StatusOr<std::vector<net::Address>> LookUp(const std::string& host) {
  auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> future = promise->get_future();
  try {
    std::thread([promise, host] { promise->set_value(Ask(host)); }).detach();
  } catch (const std::system_error& error) {
    return absl::UnavailableError(
        absl::StrFormat("'%s' cannot be looked up: %s", host, error.what()));
  }
  if (future.wait_for(kPatience) != std::future_status::ready) {
    return absl::UnavailableError(
        absl::StrFormat("'%s' cannot be looked up: no answer in %d s; give a numeric address", host,
                        kPatience.count()));
  }
  Answer answer = future.get();
  if (answer.error == EAI_AGAIN || answer.error == EAI_SYSTEM || answer.error == EAI_MEMORY) {
    return absl::UnavailableError(
        absl::StrFormat("'%s' cannot be looked up: %s", host, gai_strerror(answer.error)));
  }
  if (answer.addresses.empty()) {
    return absl::UnavailableError(absl::StrFormat(
        "there is no host '%s': give a name that resolves, or a numeric address", host));
  }
  return std::move(answer.addresses);
}

}  // namespace handshake::client
