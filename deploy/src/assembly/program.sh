#!/bin/sh
# @summary@ @options@ may hold more flags of Java.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
  esac
done
case $self in
  /*) ;;
  *) self=$PWD/$self ;;
esac
bin=${self%/*}
case $bin in
  */. | */.. | */) bin=$(cd "$bin" && pwd) ;; # such as ./orchctl
esac
home=${bin%/*}
. "$home/libexec/java.sh"
lib=$home/lib
# The cache fits the Java and the jars that it was made with; with others Java does without.
aot=$lib/@part@/@name@.aot
[ -f "$aot" ] || aot=
exec "$java" ${aot:+"-XX:AOTCache=$aot"} @flags@ ${@options@-} \
  -cp "@classpath@" @main@ "$@"
