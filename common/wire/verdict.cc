#include "common/wire/verdict.h"

#include <array>
#include <cstddef>

#include "common/wire/limits.h"

namespace handshake::wire {
namespace {

struct Row {
  std::string_view name;
  VerdictClass verdict_class;
  std::string_view text;
};

using enum VerdictClass;
constexpr std::array<Row, kVerdictCount> kRows = {{
    {"NONE", kPending, "not decided yet"},
    {"OK", kCompleted, "the handshake completed"},
    {"MALFORMED", kRejected, "expected HELLO and a canonical decimal int64"},
    {"OVERSIZE", kRejected, "a message is at most 64 bytes"},
    {"OVERFLOW", kRejected, "a number is an int64, and X at most 2^63-3"},
    {"MISMATCH", kRejected, "the number is not the one this step requires"},
    {"EARLY_DATA", kRejected, "message 3 was sent before message 2 was read"},
    {"TRAILING_DATA", kRejected, "bytes follow the last message"},
    {"TIMEOUT_STEP_1", kTimedOut, "HELLO X did not arrive in time"},
    {"TIMEOUT_STEP_2", kTimedOut, "HELLO X+1 could not be delivered in time"},
    {"TIMEOUT_STEP_3", kTimedOut, "HELLO X+2 did not arrive in time"},
    {"PEER_GONE_STEP_1", kPeerGone, "the peer closed before HELLO X was complete"},
    {"PEER_GONE_STEP_2", kPeerGone, "the peer closed before HELLO X+1 was delivered"},
    {"PEER_GONE_STEP_3", kPeerGone, "the peer closed before HELLO X+2 was complete"},
    {"PEER_RESET_STEP_1", kPeerGone, "the connection broke before HELLO X was complete"},
    {"PEER_RESET_STEP_2", kPeerGone, "the connection broke before HELLO X+1 was delivered"},
    {"PEER_RESET_STEP_3", kPeerGone, "the connection broke before HELLO X+2 was complete"},
    {"SHED", kShed, "refused to keep the server within its limits"},
    {"CLOSED_BY_OPERATOR", kClosedByServer, "closed by an operator"},
    {"CLOSED_AT_SHUTDOWN", kClosedByServer, "still open when the server had to stop"},
    {"INTERNAL_ERROR", kClosedByServer, "the server failed"},
    {"PEER_ERROR", kClientSide, "the server answered ERROR"},
    {"UNCONFIRMED", kClientSide, "HELLO X+2 was sent, but no clean end of stream came back"},
    {"CONNECT_REFUSED", kClientSide, "nothing listens at the address"},
    {"CONNECT_TIMEOUT", kClientSide, "the connection was not established in time"},
    {"UNREACHABLE", kClientSide, "the address cannot be reached"},
    {"NO_LOCAL_RESOURCE", kClientSide, "this machine is out of ports, file descriptors or memory"},
    {"NOT_UTF8", kRejected, "a line is not UTF-8"},
    {"IDLE", kTimedOut, "nothing was heard in time"},
}};

// An ERROR answer is a message too and keeps to the message limit (with CR LF).
constexpr bool ErrorAnswersFit() {
  for (const Row& row : kRows) {
    const size_t answer =
        std::string_view("ERROR  \r\n").size() + row.name.size() + row.text.size();
    const bool answered = row.verdict_class == kRejected || row.verdict_class == kTimedOut;
    if (answered && answer > kMaxMessageBytes) return false;
  }
  return true;
}
static_assert(ErrorAnswersFit());

}  // namespace

std::string_view VerdictName(Verdict verdict) { return kRows[static_cast<int>(verdict)].name; }
std::string_view VerdictText(Verdict verdict) { return kRows[static_cast<int>(verdict)].text; }
VerdictClass ClassOf(Verdict verdict) { return kRows[static_cast<int>(verdict)].verdict_class; }

}  // namespace handshake::wire
