#!/usr/bin/env bash
# The core on 64-bit ARM, shown on a machine that is none: cross-compiled as a wheel would be,
# run by an emulated Python, and compared with this machine's core line by line.
#
#     pip install -e '.[test]' && sudo env "PATH=$PATH" tests/arm/run.sh [FOLDER] [pytest arguments]
#
# Needs Debian 12, root (for a chroot), 2 GB, and from its archive
#     apt-get install g++-aarch64-linux-gnu qemu-user-static binfmt-support debootstrap
# An emulated test takes some twenty times as long: by default what reads and prepares is tested.
# With pytest arguments those are run instead, for example tests/images.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-/tmp/galedge-arm}
shift || true
root=$work/root
mkdir -p "$work"

say() { printf '\n== %s\n' "$*"; }

say "an ARM system, and Python packages for it"
if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || true
    update-binfmts --enable qemu-aarch64
fi
if [ ! -x "$root/usr/bin/python3" ]; then
    debootstrap --arch=arm64 --variant=minbase --include=python3,libpython3-dev,libstdc++6,libgomp1 \
        bookworm "$root" http://deb.debian.org/debian
fi
version=$(chroot "$root" python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
site=$root/usr/local/lib/python$version/dist-packages
if [ ! -d "$site/numpy" ]; then
    python -m pip install --quiet --target "$site" --python-version "$version" \
        --implementation cp --only-binary=:all: --platform manylinux2014_aarch64 \
        --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
        numpy onnxruntime pillow click tqdm pytest hypothesis astropy imagecodecs rustfits numba
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
    python setup.py --quiet build_clib build_ext --inplace
)

say "images of every kind and files with every fault"
export PYTHONPATH=$source:$source/tests
python -W ignore "$source/tests/arm/made.py" "$root/made"
arm() {
    chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/tmp LANG=C.UTF-8 \
        PYTHONPATH=/galedge:/galedge/tests PYTHONDONTWRITEBYTECODE=1 \
        sh -c 'cd /galedge && exec "$@"' sh "$@"
}
mount -t proc proc "$root/proc" 2>/dev/null || true
trap 'umount "$root/proc" 2>/dev/null || true' EXIT
arm python3 -c 'import platform; from galedge.core import _core; print(platform.machine(), _core.__file__)'

say "the same bits"
for kind in images files faults; do
    for isa in baseline avx512; do  # or the best that there is
        GALEDGE_ISA=$isa python "$source/tests/arm/digests.py" "$root/made" $kind > "$work/$kind.$isa.txt"
    done
    arm python3 tests/arm/digests.py /made $kind > "$work/$kind.arm.txt"
    cmp "$work/$kind.baseline.txt" "$work/$kind.avx512.txt"
    cmp "$work/$kind.baseline.txt" "$work/$kind.arm.txt"
    echo "$(wc -l < "$work/$kind.arm.txt") $kind: the same"
done

say "tests"
if [ $# -eq 0 ]; then
    set -- tests/core/test_fits_*.py tests/core/test_resample.py tests/core/test_sky.py \
        tests/core/test_slope.py tests/core/test_stretch.py tests/core/test_wcs.py \
        tests/core/test_frame.py tests/core/test_extremes.py tests/images/test_prepare.py
    cd "$source"
fi
arm python3 -m pytest -q -p no:cacheprovider "$@"
