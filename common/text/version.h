// The version of the product, "MAJOR.MINOR.PATCH": the one of the build's project().
#ifndef HANDSHAKE_COMMON_TEXT_VERSION_H_
#define HANDSHAKE_COMMON_TEXT_VERSION_H_

#include <string_view>

namespace handshake::text {

std::string_view Version();

}  // namespace handshake::text

#endif  // HANDSHAKE_COMMON_TEXT_VERSION_H_
