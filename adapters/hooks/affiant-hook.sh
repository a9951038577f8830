#!/bin/sh
# Asks the local service of an agent (affiant serve-agent) about a coding agent's call: affiant-hook.sh TOOL SOCKET [call|end] [SECONDS]
# The payload comes on standard input. A call goes on with exit code 0, and only where the service said "allow". Everything else ends
# with 2, the one code that blocks. What is told at the end of a turn or a session stops nothing: a 2 there would keep the turn going.
tool=$1 socket=$2 kind=${3:-call} seconds=${4:-10}
blocked=2
[ "$kind" = end ] && blocked=0
trap 'exit $blocked' HUP INT TERM

refuse() {
  printf 'affiant: %s\n' "$1" >&2
  exit "$blocked"
}

command -v curl >/dev/null 2>&1 || refuse "curl is not installed: the call cannot be judged, and is not made"
answer=$(curl -sS --max-time "$seconds" --unix-socket "$socket" -H 'content-type: application/json' -H 'expect:' \
  --data-binary @- "http://localhost/v1/hooks/$tool" 2>&1) ||
  refuse "the service of the agent does not answer at $socket: the call is not made ($answer)"

case $answer in
allow)
  # Gemini CLI reads JSON from standard output.
  [ "$tool" = gemini-cli ] && printf '{}\n'
  exit 0
  ;;
"refuse
"*) refuse "${answer#refuse?}" ;;
*) refuse "the service gave an answer that is none: the call is not made ($answer)" ;;
esac
