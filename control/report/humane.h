// Numbers and times as people read them. Plain ASCII, so that a character is a column anywhere.
#ifndef HANDSHAKE_CONTROL_REPORT_HUMANE_H_
#define HANDSHAKE_CONTROL_REPORT_HUMANE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace handshake::report {

// What stands where there is no number: not measured, not finite.
inline constexpr std::string_view kNothing = "-";

// Of numbers from the network: a sum that does not fit stays at the largest number.
int64_t Sum(int64_t a, int64_t b);
// a - b; one that does not fit stays at the end of its side.
int64_t Less(int64_t a, int64_t b);

// Exact below ten million ("9,999,999"), then three digits and a letter ("12.3M"): at most 10
// characters whatever the number. JSON output has the exact ones.
std::string Count(int64_t count);
// Three digits: "0.85", "12.3", "123", "1.23k", "9.22E"; "0" for 0, "-" for what is not a number.
std::string Short(double number);
// The same for what is counted: "7", not "7.00".
std::string ShortCount(int64_t count);
// A ratio as a change: "+12.3%"; from the double on "x2.16".
std::string Change(double ratio);
// "12.3k/s".
std::string Rate(double per_second);
// "48.1 MiB".
std::string Bytes(int64_t bytes);
// "850 us", "1.25 ms", "2.50 s", "2m 05s", "1h 02m 03s", "3d 04h".
std::string Span(const google::protobuf::Duration& span);
std::string SpanUs(double microseconds);
// For columns whose header has the unit: "0.085", "1.25", "12.5", "1250".
std::string Milliseconds(const google::protobuf::Duration& span);
std::string MillisecondsUs(double microseconds);

// "2025-06-01 14:03:05Z" and "14:03:05": UTC, as in JSON. "-" if unset.
std::string DateTime(const google::protobuf::Timestamp& time);
std::string TimeOfDay(const google::protobuf::Timestamp& time);

double ToSeconds(const google::protobuf::Duration& span);

// Text that came over the network, for a terminal: anything but printable ASCII becomes '?', so
// that it can neither move the cursor nor break a table.
std::string Printable(std::string_view text);

}  // namespace handshake::report

#endif  // HANDSHAKE_CONTROL_REPORT_HUMANE_H_
