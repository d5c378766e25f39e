"""What importing costs: nothing heavy, and no name that depends on the order."""

import importlib
import subprocess
import sys

import pytest

HEAVY = [
    "PIL",
    "astropy",
    "numba",
    "numpy",
    "onnxruntime",
    "openvino",
    "pyarrow",
    "sklearn",
    "torch",
    "tqdm",
]


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(' '.join(sys.modules))"
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(process.stdout.splitlines()[-1].split())


def test_importing_the_package_imports_nothing_heavy():
    assert modules_after("import galedge").isdisjoint(HEAVY)


def test_help_imports_nothing_heavy_but_click():
    code = """
import galedge.cli
for arguments in (["--help"], ["classify", "--help"], ["--version"]):
    try:
        galedge.cli.main(arguments)
    except SystemExit as error:
        assert error.code == 0
"""
    loaded = modules_after(code)
    assert loaded.isdisjoint(HEAVY)
    assert "click" in loaded


def test_classifying_imports_no_optional_package():
    loaded = modules_after("import galedge; galedge.Classifier, galedge.read, galedge.prepare")
    assert loaded.isdisjoint(set(HEAVY) - {"numpy", "PIL"})


@pytest.mark.parametrize(
    "first", ["", "import galedge.images.prepare", "import galedge.cli, galedge.image"]
)
def test_public_functions_are_not_shadowed_by_their_modules(first):
    code = f"{first}\nimport galedge\nfor name in galedge.__all__: getattr(galedge, name)\n"
    code += "assert callable(galedge.prepare) and callable(galedge.classify)\n"
    code += "from galedge import classify, prepare\nassert callable(classify) and callable(prepare)"
    modules_after(code)


def test_unknown_names_are_attribute_errors():
    import galedge

    with pytest.raises(AttributeError, match="nonsense"):
        _ = galedge.nonsense
    assert set(galedge.__all__) <= set(dir(galedge))


@pytest.mark.parametrize(
    ("face", "names"),
    [
        ("galedge.errors", ["GaledgeError", "ReadError", "ModelError"]),
        ("galedge.image", ["Image", "checksums", "cutout", "describe", "read"]),
        ("galedge.background", ["background"]),
        ("galedge.kernels", ["prepare_one", "background", "border_sky"]),
        ("galedge.scale.dask", ["classify_parts", "part_name"]),
        ("galedge.scale.kafka", ["consume", "main"]),
    ],
)
def test_public_paths_stay(face, names):
    module = importlib.import_module(face)
    for name in names:
        assert callable(getattr(module, name)), name
        assert name in module.__all__
