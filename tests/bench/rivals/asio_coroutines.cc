// Rival: standalone Asio, C++20 coroutines, one thread. Every argument of what is awaited is a
// named local: g++ 12 destroys some temporaries there twice.

#include <array>
#include <utility>

#include "tests/bench/rivals/asio_listener.h"
#include "tests/bench/rivals/hello.h"

namespace {

using asio::ip::tcp;

constexpr auto kNoThrow = asio::experimental::as_tuple(asio::use_awaitable);

asio::awaitable<void> Serve(tcp::socket socket) {
  std::array<char, 64> text;
  const asio::mutable_buffer room = asio::buffer(text);
  const auto [error, size] = co_await socket.async_read_some(room, kNoThrow);
  if (error) co_return;
  const auto x = ReadHello({text.data(), size});
  if (!x) co_return;
  const asio::mutable_buffer answer = asio::buffer(text, WriteHello(text.data(), *x + 1));
  const auto [write_error, written] = co_await asio::async_write(socket, answer, kNoThrow);
  if (write_error) co_return;
  const auto [last_error, last_size] = co_await socket.async_read_some(room, kNoThrow);
  if (last_error || ReadHello({text.data(), last_size}) != *x + 2) {
    socket.set_option(tcp::socket::linger(true, 0));
  }
}

asio::awaitable<void> AcceptOn(tcp::acceptor& acceptor) {
  while (true) {
    auto [error, socket] = co_await acceptor.async_accept(kNoThrow);
    if (error) continue;
    asio::co_spawn(acceptor.get_executor(), Serve(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  asio::io_context context(1);
  tcp::acceptor acceptor = ListenOn(context, argv[1]);
  asio::co_spawn(context, AcceptOn(acceptor), asio::detached);
  context.run();
}
