# Shared by the scripts in this folder: where things are, and a runner of steps.
# Sourced, after `set -euo pipefail`. A step's whole output goes to build/logs/; a person sees one line a step.
# shellcheck shell=bash

# CDPATH and locale of the caller must not change what the scripts see or print.
unset CDPATH
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
readonly ROOT LOGS=$ROOT/build/logs
cd -- "$ROOT" || exit 3

if [[ -t 2 ]]; then TERMINAL=1; else TERMINAL=0; fi
# shellcheck disable=SC2034  # used by the scripts that source this
if [[ $TERMINAL == 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  readonly GREEN=$'\e[32m' RED=$'\e[31m' BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
  readonly GREEN='' RED='' BOLD='' PLAIN=''
fi

say() { printf '%s\n' "$*" >&2; }
# fail STATUS LINE...: the statuses are those of cmkd (4: wrong usage, or something that you must do first).
fail() {
  local status=$1
  shift
  say "${RED}error:${PLAIN} $1"
  shift
  local line
  for line in "$@"; do say "  $line"; done
  exit "$status"
}

duration() {
  local seconds=$1
  if ((seconds < 60)); then echo "$seconds s"; else printf '%d min %02d s\n' $((seconds / 60)) $((seconds % 60)); fi
}

# The last "[12/345]" of ninja or " 12/345 Test" of ctest in a log, or nothing.
position_in() {
  tail -c 4000 -- "$1" 2>/dev/null | tr '\r' '\n' |
    sed -nE 's/^\[([0-9]+\/[0-9]+)\].*/\1/p; s/^ *([0-9]+\/[0-9]+) Test .*/\1/p' | tail -n 1
}

# Tells how far a running step is, until it is killed: on a terminal in place each second, elsewhere a line each
# half minute, so that a log of a batch system stays short.
watch_step() {
  local name=$1 log=$2 start=$SECONDS parent=$3 position next=30
  while sleep 1 >/dev/null 2>&1 && kill -0 "$parent" 2>/dev/null; do
    position=$(position_in "$log")
    if [[ $TERMINAL == 1 ]]; then
      printf '\r\e[K%s … %s%s' "$name" "${position:+$position, }" "$(duration $((SECONDS - start)))" >&2
    elif ((SECONDS - start >= next)); then
      say "  $name: ${position:+$position, }$(duration $((SECONDS - start)))"
      next=$((SECONDS - start + 30))
    fi
  done
}

WATCHER=
stop_watcher() {
  [[ -n $WATCHER ]] || return 0
  kill -KILL "$WATCHER" 2>/dev/null || true
  WATCHER=
  if [[ $TERMINAL == 1 ]]; then printf '\r\e[K' >&2; fi
}
trap stop_watcher EXIT

# step NAME COMMAND...: runs the command with its output in build/logs/NAME.log and says how long it took.
# When it fails: the last lines of the log, its path, and the command's status (STEP_TAIL: how many lines).
step() {
  local name=$1 start=$SECONDS status=0
  shift
  mkdir -p -- "$LOGS"
  STEP_LOG=$LOGS/${name//[^A-Za-z0-9._-]/-}.log
  : >"$STEP_LOG"
  # The command stays in the foreground, so that Ctrl-C reaches it; only the watcher runs beside it.
  watch_step "$name" "$STEP_LOG" $$ &
  WATCHER=$!
  disown "$WATCHER"
  "$@" >"$STEP_LOG" 2>&1 </dev/null || status=$?
  stop_watcher
  if [[ $status == 0 ]]; then
    say "${GREEN}ok${PLAIN}  $name ($(duration $((SECONDS - start))))"
    return 0
  fi
  say "${RED}failed${PLAIN}  $name after $(duration $((SECONDS - start))), status $status. Its last lines:"
  tail -n "${STEP_TAIL:-40}" -- "$STEP_LOG" | sed 's/^/  | /' >&2
  say "The whole log: $STEP_LOG"
  return "$status"
}

# Exports the C++ compiler of a build for users as CXX: the caller's, else a clang++ that was tried with warnings as
# errors (LibTorch's headers take it two thirds of g++'s time), else the system's.
choose_compiler() {
  [[ -z ${CXX:-} ]] || return 0
  case $(clang++ -dumpversion 2>/dev/null) in
    14.* | 19.*) export CXX=clang++ ;;
    *) export CXX=c++ ;;
  esac
}

# Compile jobs: a file that includes LibTorch's modules takes up to 1.5 GB.
build_jobs() {
  if [[ -n ${CMKD_JOBS:-} ]]; then
    echo "$CMKD_JOBS"
    return
  fi
  local cores memory_mb by_memory
  cores=$(nproc)
  memory_mb=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
  by_memory=$((memory_mb / 1536))
  ((by_memory >= 1)) || by_memory=1
  echo $((cores < by_memory ? cores : by_memory))
}
