#include "control/ctl/held_load.h"

namespace handshake::ctl {

HeldLoad::HeldLoad(Context& context, const std::shared_ptr<grpc::Channel>& channel)
    : context_(context), stub_(v1::LoadService::NewStub(channel)) {}

HeldLoad::~HeldLoad() {
  v1::LoadRun run;
  (void)Finish(&run);
}

grpc::Status HeldLoad::Start(const v1::LoadSpec& spec, v1::LoadRun* run) {
  v1::CreateLoadRunRequest request;
  *request.mutable_spec() = spec;
  grpc::Status status = context_.Call(
      [&](grpc::ClientContext& call) { return stub_->CreateLoadRun(&call, request, run); });
  if (!status.ok()) return status;
  id_ = run->id();
  watcher_ = std::thread([this] {
    v1::WatchLoadRunRequest watch;
    watch.set_id(id_);
    const auto reader = stub_->WatchLoadRun(&watch_, watch);
    v1::LoadRun state;
    while (reader->Read(&state)) continue;
    (void)reader->Finish();
  });
  return status;
}

grpc::Status HeldLoad::Get(v1::LoadRun* run) {
  v1::GetLoadRunRequest request;
  request.set_id(id_);
  request.set_view(v1::LOAD_RUN_VIEW_FULL);
  return context_.Call(
      [&](grpc::ClientContext& call) { return stub_->GetLoadRun(&call, request, run); });
}

grpc::Status HeldLoad::Finish(v1::LoadRun* run) {
  if (!watcher_.joinable()) return grpc::Status::OK;
  grpc::ClientContext call;
  context_.SetDeadline(call);
  v1::CancelLoadRunRequest request;
  request.set_id(id_);
  grpc::Status status = stub_->CancelLoadRun(&call, request, run);
  watch_.TryCancel();
  watcher_.join();
  return status;
}

}  // namespace handshake::ctl
