#include "tests/server/storm/mode_tour.h"

#include <algorithm>
#include <array>

namespace handshake::test {

std::vector<server::Mode> ModeTour() {
  // Hierholzer: walk unused edges until stuck, and write a vertex down when leaving it for good.
  std::array<std::vector<server::Mode>, server::kModeCount> unused;
  for (server::Mode from : server::kModes) {
    for (server::Mode to : server::kModes) {
      if (from != to) unused[static_cast<size_t>(from)].push_back(to);
    }
  }
  std::vector<server::Mode> path = {server::kModes[0]};
  std::vector<server::Mode> tour;
  while (!path.empty()) {
    auto& edges = unused[static_cast<size_t>(path.back())];
    if (edges.empty()) {
      tour.push_back(path.back());
      path.pop_back();
    } else {
      path.push_back(edges.back());
      edges.pop_back();
    }
  }
  std::reverse(tour.begin(), tour.end());
  tour.erase(tour.begin());  // the start is the last target too
  return tour;
}

}  // namespace handshake::test
