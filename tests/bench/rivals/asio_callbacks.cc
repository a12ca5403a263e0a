// Rival: standalone Asio, callbacks, one thread, as its tutorial writes a server.

#include <array>
#include <memory>
#include <utility>

#include "tests/bench/rivals/asio_listener.h"
#include "tests/bench/rivals/hello.h"

namespace {

using asio::ip::tcp;

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  explicit Peer(tcp::socket socket) : socket_(std::move(socket)) {}

  void AwaitFirst() {
    socket_.async_read_some(
        asio::buffer(text_), [self = shared_from_this()](std::error_code error, size_t size) {
          const auto x = error ? std::nullopt : ReadHello({self->text_.data(), size});
          if (x) self->Answer(*x);
        });
  }

 private:
  void Answer(int64_t x) {
    const size_t size = WriteHello(text_.data(), x + 1);
    asio::async_write(socket_, asio::buffer(text_, size),
                      [self = shared_from_this(), x](std::error_code error, size_t) {
                        if (!error) self->AwaitLast(x);
                      });
  }

  void AwaitLast(int64_t x) {
    socket_.async_read_some(asio::buffer(text_),
                            [self = shared_from_this(), x](std::error_code error, size_t size) {
                              if (error || ReadHello({self->text_.data(), size}) != x + 2)
                                self->Reset();
                            });  // the last reference closes
  }

  void Reset() { socket_.set_option(tcp::socket::linger(true, 0)); }

  tcp::socket socket_;
  std::array<char, 64> text_;
};

void AcceptOn(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](std::error_code error, tcp::socket socket) {
    if (!error) std::make_shared<Peer>(std::move(socket))->AwaitFirst();
    AcceptOn(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  asio::io_context context(1);
  tcp::acceptor acceptor = ListenOn(context, argv[1]);
  AcceptOn(acceptor);
  context.run();
}
