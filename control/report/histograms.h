// Histograms to and from the contract's messages, without loss.
#ifndef HANDSHAKE_CONTROL_REPORT_HISTOGRAMS_H_
#define HANDSHAKE_CONTROL_REPORT_HISTOGRAMS_H_

#include "absl/status/statusor.h"
#include "common/stats/histogram.h"
#include "handshake/v1/types.pb.h"

namespace handshake::report {

v1::Histogram ToProto(const stats::Histogram& histogram);

// What a person wants to know of it.
v1::Latency ToLatency(const stats::Histogram& histogram);

// INVALID_ARGUMENT with what is wrong: no such layout, or one of more than a million buckets;
// counts that have no bucket, or whose sum is not `count`.
absl::StatusOr<stats::Histogram> FromProto(const v1::Histogram& histogram);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_HISTOGRAMS_H_
