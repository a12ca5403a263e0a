# Sourced by our scripts: says what goes on while a long command runs, and keeps its output aside.
#
#   progress_step "building release" build/logs/build.log ninja -C build/release
#
# prints a line at the start, one every PROGRESS_SECONDS with the time and the log's last line (on a
# terminal that one line moves), one at the end, and on failure the end of the log. Returns what the
# command returned. The command runs in a session of its own: an interrupted script ends all of it,
# and progress_session says which it was.

: "${PROGRESS_SECONDS:=20}"
progress_session=0

# Seconds as 1:05.
progress_clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# What the log says last, cut to fit a line.
progress_last_line() {
  tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | sed -e '/^[[:space:]]*$/d' -e 's/[^[:print:]]//g' |
    tail -n 1 | cut -c "1-$2"
}

progress_step() {
  local what=$1 log=$2 begin=$SECONDS next pid status=0 elapsed
  shift 2
  mkdir -p "$(dirname "$log")"
  echo "==> $what"
  setsid "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  progress_session=$pid
  trap 'kill -TERM -- "-$progress_session" 2>/dev/null; exit 130' INT TERM
  next=$((SECONDS + PROGRESS_SECONDS))
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    elapsed=$(progress_clock $((SECONDS - begin)))
    if [[ -t 1 ]]; then
      printf '\r\033[K    %s  %s' "$elapsed" "$(progress_last_line "$log" 80)"
    elif ((SECONDS >= next)); then
      echo "    $elapsed  $(progress_last_line "$log" 80)"
      next=$((SECONDS + PROGRESS_SECONDS))
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  [[ ! -t 1 ]] || printf '\r\033[K'
  elapsed=$(progress_clock $((SECONDS - begin)))
  if ((status == 0)); then
    echo "    done in $elapsed"
  else
    echo "    FAILED after $elapsed (exit code $status); the end of $log:"
    tail -n 60 "$log" | sed 's/^/    | /'
  fi
  return "$status"
}
