# Sourced by the programs in bin, which set $home: sets $java to the java of a JDK or JRE 25 or later.
# It forks nothing where it need not: every process costs a command a millisecond.

# Whether $1 is the home of a Java that is new enough.
is_new_enough() {
  [ -x "$1/bin/java" ] && [ -r "$1/release" ] || return 1
  while IFS='="' read -r key _ version _; do
    if [ "$key" = JAVA_VERSION ]; then
      [ "${version%%[!0-9]*}" -ge 25 ] 2>/dev/null
      return
    fi
  done <"$1/release"
  return 1
}

find_java() {
  if [ -n "${ORCH_JAVA_HOME-}" ]; then
    is_new_enough "$ORCH_JAVA_HOME" && java=$ORCH_JAVA_HOME/bin/java && return
    echo "${0##*/}: ORCH_JAVA_HOME is $ORCH_JAVA_HOME, which is no Java 25 or later; correct it or unset it" >&2
    exit 125
  fi
  for candidate in "$home/lib/runtime" "${JAVA_HOME-}" /usr/lib/jvm/*25*; do
    is_new_enough "$candidate" && java=$candidate/bin/java && return
  done
  if java=$(command -v java); then
    java=$(readlink -f "$java")
    is_new_enough "${java%/bin/java}" && return
  fi
  echo "${0##*/}: no Java 25 or later found; install one below /usr/lib/jvm, or set ORCH_JAVA_HOME to where it is" >&2
  exit 125
}

find_java
