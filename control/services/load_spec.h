// What a caller may ask of a load run.
#ifndef HANDSHAKE_CONTROL_SERVICES_LOAD_SPEC_H_
#define HANDSHAKE_CONTROL_SERVICES_LOAD_SPEC_H_

#include "absl/status/statusor.h"
#include "client/load_run.h"
#include "common/net/address.h"
#include "handshake/v1/load_service.pb.h"

namespace handshake::control {

// `spec` with the defaults filled in: a run without a duration or a count gets the cap, so that the
// caps hold for every run; `longest` is the duration's. INVALID_ARGUMENT names the field;
// RESOURCE_EXHAUSTED: above a cap. The target is not judged here. Sends nothing and resolves
// nothing.
absl::StatusOr<v1::LoadSpec> CheckLoadSpec(const v1::LoadSpec& spec,
                                           std::chrono::nanoseconds longest);

// Of a checked spec, and what its target was resolved to.
client::LoadSpec ToClientSpec(const v1::LoadSpec& checked, const net::Address& target);
// A run's spec, as it is reported.
v1::LoadSpec ToProto(const client::LoadSpec& spec);

bool IsOpenLoop(const v1::LoadSpec& spec);
// Of a checked spec: connections at once at the most, and planned starts a second.
int64_t MostAtOnce(const v1::LoadSpec& checked);
double PeakRate(const v1::LoadSpec& checked);

}  // namespace handshake::control

#endif  // HANDSHAKE_CONTROL_SERVICES_LOAD_SPEC_H_
