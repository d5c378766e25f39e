#!/bin/sh
# Builds the fuzz target under AddressSanitizer and UndefinedBehaviorSanitizer:
#
#     csrc/fuzz/build.sh [output]
#
# CXX and CC choose the compiler (clang, for libFuzzer).
set -eu
cd "$(dirname "$0")/.."
output=${1:-fuzz_fits}
flags="-g -O1 -fno-omit-frame-pointer -ffp-contract=off -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
for file in $(find third_party/libdeflate/lib -name '*.c'); do
    ${CC:-clang} $flags -Ithird_party/libdeflate -c "$file" -o "$objects/$(echo "$file" | tr / _).o"
done
for file in buffer checksum codecs dither fits hdu header inflate isa pixels rice samples source tile_table tiles wcs; do
    ${CXX:-clang++} -std=c++17 $flags -I. -Ithird_party/libdeflate -c "$file.cpp" -o "$objects/$file.o"
done
${CXX:-clang++} -std=c++17 $flags -fsanitize=fuzzer -I. fuzz/fuzz_fits.cpp "$objects"/*.o -o "$output"
