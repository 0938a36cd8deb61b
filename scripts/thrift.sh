#!/bin/sh
# Generate jaeger_like/thrift_gen/ from idl/ with Apache Thrift's compiler.
#
#   scripts/thrift.sh [DIRECTORY]
#
# DIRECTORY is where the packages go, jaeger_like/thrift_gen by default. THRIFT names the compiler.
# The result is committed, so that nobody needs the compiler to install or to run this package;
# tests/agent/test_thrift_gen.py fails when it does not fit idl/ any more.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target=${1:-$root/jaeger_like/thrift_gen}
thrift=${THRIFT:-thrift}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for name in jaeger zipkincore agent sampling; do
    # The prefix makes the packages import each other by their full names, wherever sys.path leads.
    "$thrift" -strict --gen py:package_prefix=jaeger_like.thrift_gen. \
        -out "$scratch" "$root/idl/$name.thrift"
    # Command line clients for TCP services, which none of these is.
    rm -f "$scratch/$name"/*-remote
    mkdir -p "$target"
    rm -rf "${target:?}/$name"
    mv "$scratch/$name" "$target/$name"
done
