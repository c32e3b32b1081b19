# Shared by quickstart and verify: installs what is missing and builds. Sourced, not run.
# Needs $top, the root of the clone.

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Installs Debian packages that are not there yet; says what it does.
install_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || { say "missing:$missing; install them with this system's package manager"; return 1; }
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || { say "missing:$missing; run this as root, or install them"; return 1; }
  say "· installing:$missing"
  if [ -z "${apt_updated:-}" ]; then
    as_root apt-get update -qq >/dev/null || return 1
    apt_updated=1
  fi
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >"$top/.build-apt.log" 2>&1 || {
    tail -n 5 "$top/.build-apt.log" >&2
    return 1
  }
}

# Sets java25 to the home of a JDK 25, installing one where apt offers it.
find_java25() {
  for home in "${ORCH_JAVA_HOME:-}" "${JAVA_HOME:-}" /usr/lib/jvm/*25*; do
    if [ -n "$home" ] && [ -x "$home/bin/javac" ] && "$home/bin/javac" -version 2>&1 | grep -q '^javac 25'; then
      java25=$home
      return 0
    fi
  done
  return 1
}

need_java25() {
  find_java25 && return 0
  if install_packages openjdk-25-jdk-headless && find_java25; then return 0; fi
  fail 'needs a JDK 25, which this system does not offer: unpack one (for example Eclipse Temurin 25) below /usr/lib/jvm, or set ORCH_JAVA_HOME to where it is'
}

# Everything that the build needs.
need_tools() {
  say '· checking tools'
  install_packages gcc libc6-dev make git || fail 'cannot install the build tools'
  command -v mvn >/dev/null || install_packages maven || fail 'cannot install Maven 3.8 or later'
  need_java25
  # Under this name the build's toolchain finds it wherever it is.
  export JAVA25_HOME="$java25"
  # Maven itself may run on any JDK from 17 on; on one without a JDK of its own it runs on the 25.
  if ! command -v java >/dev/null && [ -z "${JAVA_HOME:-}" ]; then export JAVA_HOME="$java25"; fi
}

# One word that changes whenever a source of the build changes.
source_stamp() {
  (cd "$top" && git ls-files -co --exclude-standard -- '*.java' '*.proto' '*.c' '*.h' '*pom.xml' '*Makefile' deploy docs/examples |
    LC_ALL=C sort | xargs -d '\n' sha256sum 2>/dev/null | sha256sum | cut -c1-32)
}

# Builds the distribution at deploy/target/orch unless it is up to date.
build_distribution() {
  stamp=$(source_stamp)
  if [ -x "$top/deploy/target/orch/bin/orchctl" ] && [ "$(cat "$top/deploy/target/orch.stamp" 2>/dev/null)" = "$stamp" ]; then
    say '· the distribution is up to date'
    return 0
  fi
  say '· building (the first time this fetches its libraries: a few minutes)'
  begin=$(date +%s)
  (cd "$top" && mvn -B -ntp -DskipTests -pl deploy -am package >.build.log 2>&1) & build=$!
  trap 'kill $build 2>/dev/null; exit 130' INT TERM
  shown=
  while kill -0 $build 2>/dev/null; do
    line=$(grep -o 'Building orch-[a-z-]*[^[]*\[[0-9]*/[0-9]*\]' "$top/.build.log" 2>/dev/null | tail -n 1 | tr -s ' .') || line=
    if [ -n "$line" ] && [ "$line" != "$shown" ]; then say "  $line"; shown=$line; fi
    sleep 0.5
  done
  trap - INT TERM
  if ! wait $build; then
    grep -m 12 -E '^\[ERROR\]|BUILD FAILURE' "$top/.build.log" >&2
    fail "the build failed; the whole output is in .build.log"
  fi
  printf '%s\n' "$stamp" >"$top/deploy/target/orch.stamp"
  say "· built in $(($(date +%s) - begin)) s"
}
