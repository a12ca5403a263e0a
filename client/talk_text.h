// What servers say when something is wrong, and what we say about it: in one line, with what to do.
#ifndef HANDSHAKE_CLIENT_TALK_TEXT_H_
#define HANDSHAKE_CLIENT_TALK_TEXT_H_

#include <chrono>
#include <string>
#include <string_view>

namespace handshake::client {

// "ERROR CODE" or "ERROR CODE text", without its terminator; a code is of A-Z, 0-9 and '_'.
bool IsErrorLine(std::string_view line);

// `line` without its LF and one CR before it.
std::string_view WithoutTerminator(std::string_view line);

// The connection broke with this errno; `lost` says what may be missing.
std::string BrokenText(std::string_view server, int error, std::string_view lost);

// `what` did not come in time.
std::string SilentText(std::string_view server, std::string_view what,
                       std::chrono::nanoseconds timeout);

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_TALK_TEXT_H_
