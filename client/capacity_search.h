// The search for the highest load that a server satisfies: which load to try next, told how the
// last one went.
#ifndef HANDSHAKE_CLIENT_CAPACITY_SEARCH_H_
#define HANDSHAKE_CLIENT_CAPACITY_SEARCH_H_

#include <cstdint>
#include <optional>

namespace handshake::client {

// A load is a whole number from 1: handshakes begun a second, or connections held at once.
struct SearchBounds {
  int64_t from = 100;        // tried first, from 1 to `to`
  int64_t to = 1'000'000;    // never more than it
  double precision = 0.05;   // of the load: how near the lowest failed one is to be
  int64_t most_trials = 40;  // 14 double their way to 10^6, 7 bisect to 1 %
};

enum class SearchStage : uint8_t {
  kGrow,    // doubles, or halves until one passes
  kBisect,  // between the highest that passed and the lowest that did not
  kProve,   // longer, at the highest that passed, or below it if that fails
};

struct Trial {
  int64_t load = 0;
  SearchStage stage = SearchStage::kGrow;
};

enum class TrialOutcome : uint8_t {
  kPassed,
  kFailed,            // the server did not satisfy
  kGeneratorLimited,  // the load was not sent as asked: it tells nothing of the server
};

enum class SearchEnd : uint8_t {
  kFound,             // a load is proven, one a little higher failed
  kLimitReached,      // SearchBounds::to is proven
  kGeneratorLimited,  // the generator could not send more, whatever is proven
  kNothingPassed,     // not even a load of 1
  kUndecided,         // the trials are used up
};

// Doubles from `from`, bisects, proves. A load that the generator could not send bounds the search
// like one that failed, but then the end is kGeneratorLimited. A value: no clock, thread or I/O.
class CapacitySearch {
 public:
  explicit CapacitySearch(const SearchBounds& bounds);

  // What to try now; nothing: the search is over.
  std::optional<Trial> Next() const;
  // How that went. Only while there is a Next().
  void Tell(TrialOutcome outcome);

  // Once it is over.
  SearchEnd end() const { return *end_; }
  // The load that held for the proof's time.
  std::optional<int64_t> proven() const { return proven_; }
  // Of loads that passed and were not refuted by a proof.
  std::optional<int64_t> highest_passed() const { return passed_; }
  std::optional<int64_t> lowest_failed() const { return failed_; }
  int64_t trials() const { return trials_; }

 private:
  void GoOn();
  void GoDown(int64_t failed);  // behind a proof that failed

  const SearchBounds bounds_;
  Trial next_;
  std::optional<SearchEnd> end_;
  std::optional<int64_t> proven_;
  std::optional<int64_t> passed_;
  std::optional<int64_t> failed_;  // or could not be sent
  bool generator_failed_ = false;  // at failed_
  int64_t trials_ = 0;
  int64_t failed_proofs_ = 0;
};

}  // namespace handshake::client

#endif  // HANDSHAKE_CLIENT_CAPACITY_SEARCH_H_
