// A load run that lives as long as this object: it watches the run, so that the service does not
// end it, and cancels it when it dies. If this process is killed, the service ends the run.
#ifndef HANDSHAKE_CONTROL_CTL_HELD_LOAD_H_
#define HANDSHAKE_CONTROL_CTL_HELD_LOAD_H_

#include <memory>
#include <thread>

#include "control/ctl/context.h"
#include "grpcpp/client_context.h"
#include "handshake/v1/load_service.grpc.pb.h"

namespace handshake::ctl {

// Used by the main thread; has one of its own, which reads the stream.
class HeldLoad {
 public:
  explicit HeldLoad(Context& context, const std::shared_ptr<grpc::Channel>& channel);
  ~HeldLoad();  // as Finish()
  HeldLoad(const HeldLoad&) = delete;
  HeldLoad& operator=(const HeldLoad&) = delete;

  // Once. Errors are those of CreateLoadRun.
  grpc::Status Start(const v1::LoadSpec& spec, v1::LoadRun* run);
  // The run now, with its histograms. An interrupt cancels the call.
  grpc::Status Get(v1::LoadRun* run);
  // Ends the run; `run` is its last state. An interrupt does not cancel this. Idempotent.
  grpc::Status Finish(v1::LoadRun* run);

 private:
  Context& context_;
  const std::unique_ptr<v1::LoadService::Stub> stub_;
  std::string id_;  // empty: no run
  grpc::ClientContext watch_;
  std::thread watcher_;
};

}  // namespace handshake::ctl

#endif  // HANDSHAKE_CONTROL_CTL_HELD_LOAD_H_
