#!/usr/bin/env bash
# Installs, builds and runs all tests. What each tier is for: tests/README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source deploy/progress.sh

readonly TIERS="release asan-ubsan tsan clang"

usage() {
  cat <<'TEXT'
Usage: tests/run.sh [--tier NAME]... [--filter REGEX]
       tests/run.sh --campaign [REGEX]
       tests/run.sh --lint

Installs the packages, builds the tiers and runs their tests with ctest:
  release     what users run; all tests
  asan-ubsan  everything under AddressSanitizer and UndefinedBehaviorSanitizer, assertions on
  tsan        the data plane and the load generator under ThreadSanitizer, assertions on
  clang       the coroutine mode built by another compiler, assertions on

Options:
  --tier NAME         only this tier; may repeat (default: all; with --filter not clang)
  --filter REGEX      only tests whose names match (ctest -R)
  --campaign [REGEX]  the tests that have a long form (ctest label 'campaign') in that form, in the
                      release tier: all of them, or those whose names match: --campaign storm
  --lint              clang-tidy over all sources instead
  --help              this text

Environment:
  HANDSHAKE_SKIP_PACKAGES=1  do not install packages
  HANDSHAKE_TEST_JOBS=N      tests at once (default 2)

The last line is 'N passed, N failed'. Logs: build/logs.
Exit codes: 0 all passed, 1 something failed, 2 wrong usage.
TEXT
}

wrong() {
  echo "run.sh: $*; see tests/run.sh --help" >&2
  exit 2
}

passed=0
failed=0
summary=()
failed_reports=()

# A step that is not a ctest test: counted only when it fails.
step() {
  progress_step "$@" && return
  failed=$((failed + 1))
  summary+=("$1: FAILED, see $2")
  return 1
}

# Ends what the last step's session left running, and says so: a test has to end what it starts. One
# that is dead (Z) and waits for init runs no more.
reap() {
  local stat pid left=()
  for stat in /proc/[0-9]*/stat; do
    # Field 6 is the session; field 2, the name, is in parentheses and may contain spaces.
    read -r pid <<<"$(sed 's/.*) [A-Y] [0-9]* [0-9]* \([0-9]*\) .*/\1/' "$stat" 2>/dev/null)"
    if [[ $pid == "$progress_session" ]]; then
      left+=("$(basename "$(dirname "$stat")")")
    fi
  done
  ((${#left[@]} > 0)) || return 0
  echo "    left running by the tests, ended now:"
  for pid in "${left[@]}"; do
    echo "    | $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    kill -KILL "$pid" 2>/dev/null || true
  done
  return 1
}

# One number of ctest's JUnit report: attribute FILE.
junit() { sed -n "s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$2" | head -n 1; }

# run_ctest TIER LABEL ARGUMENT...: runs ctest, adds to the totals.
run_ctest() {
  local tier=$1 what=$2 report="$PWD/build/logs/$1-tests.xml" status=0 total bad skipped
  shift 2
  rm -f "$report"
  progress_step "$what" "build/logs/$tier-tests.log" \
    ctest --test-dir "build/$tier" --output-on-failure --no-tests=error --output-junit "$report" \
    "$@" || status=1
  reap || { failed=$((failed + 1)) && summary+=("$tier: FAILED, tests left processes behind"); }
  if [[ ! -s $report ]]; then
    failed=$((failed + 1))
    summary+=("$tier: FAILED, ctest ran no test, see build/logs/$tier-tests.log")
    return 1
  fi
  total=$(junit tests "$report") bad=$(junit failures "$report")
  skipped=$(($(junit disabled "$report") + $(junit skipped "$report")))
  passed=$((passed + total - bad - skipped))
  failed=$((failed + bad))
  summary+=("$tier: $((total - bad - skipped)) passed, $bad failed, $skipped skipped")
  if ((status != 0)); then
    failed_reports+=("$report")
    ((bad > 0)) || failed=$((failed + 1))
  fi
  return "$status"
}

build() {
  step "$1: configuring" "build/logs/$1-configure.log" cmake --preset "$1" &&
    step "$1: building" "build/logs/$1-build.log" cmake --build --preset "$1"
}

run_tier() {
  local selection=$filter
  if [[ $1 == clang ]]; then selection=${filter:-/coroutine}; fi
  build "$1" || return 0
  run_ctest "$1" "$1: testing" -j "$jobs" ${selection:+-R "$selection"} || true
}

run_campaign() {
  build release || return 0
  local log=build/logs/release-tests.log
  local selection=(-L campaign)
  [[ -z $filter ]] || selection=(-R "$filter")
  HANDSHAKE_CAMPAIGN=1 run_ctest release "campaign ${filter:-(all)}" -V "${selection[@]}" || true
  # What the tests say they measured: "storm: 1000 switches, ...".
  sed -n 's/^[0-9]*: \([a-z][a-z ]*: .*\)/\1/p' "$log" 2>/dev/null || true
}

run_lint() {
  build release || return 0
  step "clang-tidy" build/logs/lint.log bash tests/lint.sh build/release || return 0
  passed=$((passed + 1))
  summary+=("lint: clean")
}

tiers=()
filter=""
what=tiers
while (($# > 0)); do
  case $1 in
    --help | -h) usage && exit 0 ;;
    --tier)
      [[ -n ${2:-} && " $TIERS " == *" $2 "* ]] || wrong "--tier takes one of: $TIERS"
      tiers+=("$2") && shift
      ;;
    --filter)
      [[ -n ${2:-} ]] || wrong "--filter takes a regular expression"
      filter=$2 && shift
      ;;
    --campaign)
      what=campaign
      if [[ -n ${2:-} && $2 != -* ]]; then filter=$2 && shift; fi
      ;;
    --lint) what=lint ;;
    *) wrong "unknown argument '$1'" ;;
  esac
  shift
done
# The clang tier has few of the tests: a filter that means others would find nothing there.
default_tiers=$TIERS
[[ -z $filter ]] || default_tiers=${TIERS% clang}
((${#tiers[@]} > 0)) || read -ra tiers <<<"$default_tiers"
jobs=${HANDSHAKE_TEST_JOBS:-2}
[[ $jobs =~ ^[1-9][0-9]?$ ]] || wrong "HANDSHAKE_TEST_JOBS takes a number from 1 to 99"

# A second build of the same source in another folder finds the first one's results.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-1}
# A sanitizer's report fails the test that caused it.
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

if [[ $what == lint ]]; then deploy/packages.sh lint; else deploy/packages.sh test; fi
case $what in
  tiers) for tier in "${tiers[@]}"; do run_tier "$tier"; done ;;
  campaign) run_campaign ;;
  lint) run_lint ;;
esac

echo
((${#failed_reports[@]} == 0)) || python3 tests/failures.py "${failed_reports[@]}"
printf '%s\n' "${summary[@]}"
echo "took $(progress_clock $SECONDS)"
echo "$passed passed, $failed failed"
((failed == 0))
