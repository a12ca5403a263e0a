// The one wrapper between gRPC and our handlers. A handler asks for an Authorized<its RPC>, which
// only the wrapper can make, and only after Authorize() said yes.
#ifndef HANDSHAKE_CONTROL_AUTH_GUARD_H_
#define HANDSHAKE_CONTROL_AUTH_GUARD_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "control/auth/authorize.h"
#include "control/rpc/status.h"
#include "control/rpc/watch.h"
#include "control/rpc/worker.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"

namespace handshake::control {

// Proof that one call of kRpc was allowed. Valid during that call.
template <Rpc kRpc>
class Authorized {
 public:
  const Caller& caller() const { return caller_; }

 private:
  friend class Guard;
  explicit Authorized(Caller caller) : caller_(std::move(caller)) {}
  const Caller caller_;
};

// Each function turns one call into one call of `handler`, or into a refusal. Thread-safe.
class Guard {
 public:
  // handler(Authorized<kRpc>, request, response) -> absl::Status, quick: it runs on gRPC's thread.
  template <Rpc kRpc, class Request, class Response, class Handler>
  static grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context,
                                         const Request* request, Response* response,
                                         Handler handler) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    auto allowed = Allow<kRpc>(*context);
    const absl::Status status =
        allowed.ok() ? handler(*allowed, *request, *response) : allowed.status();
    reactor->Finish(ToGrpc(status));
    return reactor;
  }

  // The same for a handler that may block: it runs on `worker`. ABORTED if too many wait for it.
  template <Rpc kRpc, class Request, class Response, class Handler>
  static grpc::ServerUnaryReactor* UnaryOn(Worker& worker, grpc::CallbackServerContext* context,
                                           const Request* request, Response* response,
                                           Handler handler) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    auto allowed = Allow<kRpc>(*context);
    if (!allowed.ok()) {
      reactor->Finish(ToGrpc(allowed.status()));
      return reactor;
    }
    // Request and response live until the reactor finished.
    const auto posted = worker.Post([=, permit = *std::move(allowed)] {
      reactor->Finish(ToGrpc(handler(permit, *request, *response)));
    });
    if (posted == Worker::Posted::kFull) {
      reactor->Finish(ToGrpc(absl::AbortedError("too many calls wait here: try again later")));
    } else if (posted == Worker::Posted::kStopped) {
      reactor->Finish(ToGrpc(absl::UnavailableError("the process is stopping")));
    }
    return reactor;
  }

  // handler(Authorized<kRpc>, request) -> absl::StatusOr<WatchSource<Message>>.
  template <Rpc kRpc, class Message, class Request, class Handler>
  static grpc::ServerWriteReactor<Message>* Stream(grpc::CallbackServerContext* context,
                                                   const Request* request, Handler handler) {
    auto allowed = Allow<kRpc>(*context);
    if (!allowed.ok()) return new RefusedStream<Message>(allowed.status());
    absl::StatusOr<WatchSource<Message>> source = handler(*allowed, *request);
    if (!source.ok()) return new RefusedStream<Message>(source.status());
    return Watch<Message>::Begin(*std::move(source));
  }

 private:
  template <Rpc kRpc>
  static absl::StatusOr<Authorized<kRpc>> Allow(const grpc::CallbackServerContext& context) {
    absl::StatusOr<Caller> caller = Authorize(context.peer(), kRpc);
    if (!caller.ok()) return caller.status();
    return Authorized<kRpc>(*std::move(caller));
  }
};

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_AUTH_GUARD_H_
