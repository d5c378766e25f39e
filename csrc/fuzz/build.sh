#!/bin/sh
# Builds a fuzz target under AddressSanitizer and UndefinedBehaviorSanitizer:
#
#     csrc/fuzz/build.sh [fuzz_fits|fuzz_prepare] [output]
#
# CXX and CC choose the compiler: clang has libFuzzer; with any other, drive.cpp
# feeds the target.
set -eu
cd "$(dirname "$0")/.."
target=${1:-fuzz_fits}
output=${2:-$target}
CXX=${CXX:-$(command -v clang++ || echo g++)}
CC=${CC:-$(command -v clang || echo gcc)}
# A clang without its runtime libraries, as some packages bring it, links no sanitizer.
if ! echo 'int main() {}' | "$CXX" -x c++ -fsanitize=address - -o /dev/null 2> /dev/null; then
    CXX=g++ CC=gcc
fi
flags="-g -O1 -fno-omit-frame-pointer -ffp-contract=off -pthread -I. -Ithird_party/libdeflate"
flags="$flags -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if echo 'int main() {}' | "$CXX" -x c++ -fsanitize=fuzzer-no-link - -o "$work/probe" 2> "$work/said"; then
    flags="$flags -fsanitize=fuzzer-no-link" driver=-fsanitize=fuzzer
else
    driver=fuzz/drive.cpp
fi
for file in $(find third_party/libdeflate/lib -name '*.c'); do
    "$CC" $flags -c "$file" -o "$work/$(echo "$file" | tr / _).o"
done
for file in *.cpp; do
    case $file in bind*) continue ;; esac  # all but what Python sees
    "$CXX" -std=c++17 $flags -c "$file" -o "$work/$file.o"
done
"$CXX" -std=c++17 $flags "fuzz/$target.cpp" $driver "$work"/*.o -o "$output"
