"""The recipe of docs/own-question.md for scikit-learn runs as it is printed."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers.made import galaxy, write_fits

ROOT = Path(__file__).parents[2]


def test_scikit_learn_reads_the_features(galedge, tmp_path, monkeypatch):
    for package in ("sklearn", "pyarrow", "astropy"):
        pytest.importorskip(package)
    page = (ROOT / "docs" / "own-question.md").read_text()
    (recipe,) = (
        block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "sklearn" in block
    )
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "cutouts"
    folder.mkdir()
    lines = ["file,ring"]
    for i in range(24):
        image = galaxy(64, seed=i)
        if i % 2:
            y, x = np.indices(image.shape) - 31.5
            image += 150 * np.exp(-(((np.hypot(x, y) - 18) / 2) ** 2)).astype(np.float32)
        write_fits(folder / f"g{i:02}.fits", image)
        if i < 16:
            lines.append(f"{Path('cutouts') / f'g{i:02}.fits'},{'yes' if i % 2 else 'no'}")
    (folder / "bad.fits").write_text("is none")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    assert galedge("embed", "cutouts", "-o", "features.parquet").returncode == 3
    names: dict[str, object] = {}
    exec(compile(recipe, "docs/own-question.md", "exec"), names)
    told = dict(zip(names["files"], names["probability"], strict=True))
    assert len(told) == 24
    rings = [told[f"cutouts/g{i:02}.fits"] for i in range(17, 24, 2)]
    others = [told[f"cutouts/g{i:02}.fits"] for i in range(16, 24, 2)]
    assert min(rings) > max(others)
