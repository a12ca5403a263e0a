// The order in which a storm visits the modes.
#ifndef HANDSHAKE_TESTS_SERVER_STORM_MODE_TOUR_H_
#define HANDSHAKE_TESTS_SERVER_STORM_MODE_TOUR_H_

#include <vector>

#include "server/door/mode.h"

namespace handshake::test {

// A closed walk that makes every ordered pair of different modes exactly once: n x (n - 1) targets,
// to be entered from the last of them and repeated as often as wanted (an Eulerian circuit of the
// complete directed graph).
std::vector<server::Mode> ModeTour();

}  // namespace handshake::test

#endif  // HANDSHAKE_TESTS_SERVER_STORM_MODE_TOUR_H_
