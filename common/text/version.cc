#include "common/text/version.h"

namespace handshake::text {

std::string_view Version() { return HANDSHAKE_VERSION; }

}  // namespace handshake::text
