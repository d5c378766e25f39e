#!/usr/bin/env bash
# galedge on 64-bit ARM, shown on a machine that is none: the core is cross-compiled as a wheel
# would be, run by an emulated Python, and compared with this machine's core line by line; then
# tests are run there.
#
#     pip install -e '.[test]' && sudo env "PATH=$PATH" tests/arm/run.sh [FOLDER] [pytest arguments]
#
# FOLDER (/tmp/galedge-arm) keeps the ARM system, 2 GB, for the next time, and a log of each step.
# By default what reads, prepares and classifies is tested: emulation is slow, and slowest where
# Numba compiles. With pytest arguments those tests are run instead, and nothing else.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=$(realpath -m "${1:-/tmp/galedge-arm}")
shift || true
root=$work/root
PATH=$PATH:/usr/sbin:/sbin  # where a user's has no debootstrap
# What a Raspberry Pi 5 has; "max" is whatever QEMU knows of.
export QEMU_CPU=${QEMU_CPU:-cortex-a76}

say() { printf '\n== %s (%d min)\n' "$*" $((SECONDS / 60)); }
refuse() {
    printf 'tests/arm/run.sh: %s\n' "$*" >&2
    exit 1
}

[ "$EUID" -eq 0 ] || refuse "an ARM system is made and entered as root: use sudo env \"PATH=\$PATH\" $0"
while read -r command package; do
    [ -n "$(command -v "$command")" ] || refuse "no $command: apt-get install $package (Debian 12)"
done <<'END'
debootstrap debootstrap
qemu-aarch64-static qemu-user-static
update-binfmts binfmt-support
aarch64-linux-gnu-g++ g++-aarch64-linux-gnu
END
export PYTHONPATH=$source:$source/tests
python -c 'import astropy, hypothesis, pybind11, galedge.core._core' ||
    refuse "this machine's galedge is compared with: pip install -e '$source[test]' pybind11"

say "an ARM system"
mkdir -p "$work"
if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    mountpoint -q /proc/sys/fs/binfmt_misc ||
        mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    update-binfmts --enable qemu-aarch64
fi
if [ ! -e "$root" ]; then
    rm -rf "$root.part"
    debootstrap --arch=arm64 --variant=minbase --include=python3,libpython3-dev,libstdc++6,libgomp1 \
        bookworm "$root.part" http://deb.debian.org/debian > "$work/debootstrap.log" ||
        refuse "debootstrap failed: see $work/debootstrap.log"
    mv "$root.part" "$root"
fi

# What is mounted there is seen by this process alone, and gone when it ends. Not /sys: it tells of
# this machine's processor, over which ONNX Runtime for another falls; OpenVINO falls without it.
# CI is what tells Hypothesis to have patience.
arm() {
    unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" \
        /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 QEMU_CPU="$QEMU_CPU" CI=true \
        PYTHONPATH=/galedge:/galedge/tests:/packages PYTHONDONTWRITEBYTECODE=1 \
        NUMBA_CACHE_DIR=/tmp/numba \
        sh -c 'cd / && if [ -d galedge ]; then cd galedge; fi && exec "$@"' sh "$@"
}

say "Python packages for it"
version=$(arm python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
packages="numpy onnxruntime pillow click tqdm pytest hypothesis astropy imagecodecs rustfits
    numba opencv-python-headless onnx sep"
if [ "$(cat "$root/packages/.whole" 2>/dev/null)" != "$packages" ]; then
    rm -rf "$root/packages"
    # shellcheck disable=SC2086  # one word a package
    python -m pip install --quiet --target "$root/packages" --python-version "$version" \
        --implementation cp --only-binary=:all: --platform manylinux2014_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 $packages
    printf '%s' "$packages" > "$root/packages/.whole"
fi

say "the core, cross-compiled"
rm -rf "$root/galedge"
mkdir -p "$root/galedge"
git -C "$source" ls-files -z | tar -C "$source" --null -T - -cf - | tar -C "$root/galedge" -xf -
(
    cd "$root/galedge"
    headers="-I$root/usr/include/python$version -idirafter $root/usr/include -DNDEBUG -fwrapv"
    export CC=aarch64-linux-gnu-gcc CXX=aarch64-linux-gnu-g++ AR=aarch64-linux-gnu-ar
    export LDSHARED="$CC -shared" LDCXXSHARED="$CXX -shared" CFLAGS=$headers CXXFLAGS=$headers
    export SETUPTOOLS_EXT_SUFFIX=.cpython-${version/./}-aarch64-linux-gnu.so
    python setup.py --quiet build_clib build_ext --inplace > "$work/build.log" 2>&1 ||
        refuse "compiling failed: see $work/build.log"
)
arm python3 -c 'import platform; from galedge.core import _core; print(platform.machine(), _core.__file__)'

if [ $# -eq 0 ]; then
    say "images of every kind and files with every fault"
    rm -rf "$root/made"
    python -W ignore "$source/tests/arm/made.py" "$root/made"

    for kind in images files faults; do
        for isa in baseline avx512; do  # or the best that there is
            GALEDGE_ISA=$isa python "$source/tests/arm/digests.py" "$root/made" $kind \
                > "$work/$kind.$isa.txt"
        done
        arm python3 tests/arm/digests.py /made $kind > "$work/$kind.arm.txt"
        cmp "$work/$kind.baseline.txt" "$work/$kind.avx512.txt"
        cmp "$work/$kind.baseline.txt" "$work/$kind.arm.txt"
        say "$(wc -l < "$work/$kind.arm.txt") $kind: the same bits"
    done
    cd "$source"
    set -- tests/network/test_pinned.py tests/core/test_fits_*.py tests/core/test_resample.py \
        tests/core/test_stretch.py tests/core/test_wcs.py tests/images/test_prepare.py \
        tests/images/test_image.py tests/images/test_pictures.py tests/images/test_area.py
fi

say "tests"
arm python3 -m pytest -p no:cacheprovider --durations=10 "$@"
say "done"
