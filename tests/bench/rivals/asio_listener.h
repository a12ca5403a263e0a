// A listener of standalone Asio with the options of ours.
#ifndef HANDSHAKE_TESTS_BENCH_RIVALS_ASIO_LISTENER_H_
#define HANDSHAKE_TESTS_BENCH_RIVALS_ASIO_LISTENER_H_

#include <sys/prctl.h>

#include <asio.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>

inline asio::ip::tcp::acceptor ListenOn(asio::io_context& context, const char* port) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  using asio::ip::tcp;
  using QuickAck = asio::detail::socket_option::boolean<IPPROTO_TCP, TCP_QUICKACK>;
  tcp::acceptor acceptor(context, tcp::v4());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.set_option(tcp::no_delay(true));
  acceptor.set_option(QuickAck(false));
  const auto number = static_cast<asio::ip::port_type>(std::atoi(port));
  acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), number));
  acceptor.listen(65'535);
  std::puts("ready");
  std::fflush(stdout);
  return acceptor;
}

#endif  // HANDSHAKE_TESTS_BENCH_RIVALS_ASIO_LISTENER_H_
