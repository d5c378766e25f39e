"""Labels: what a column's cells are taken for."""

import numpy as np
import pytest

from galedge.tuning.labels import read_labels


@pytest.mark.parametrize(
    ("cells", "kind", "names", "values"),
    [
        (["ring", "none", ""], "classes", ("none", "ring"), [1, 0, np.nan]),
        (["yes", "No", "none"], "yesno", ("no", "yes"), [1, 0, np.nan]),
        (["1", "0", "nan"], "yesno", ("no", "yes"), [1, 0, np.nan]),
        (["1", "2", "3"], "classes", ("1", "2", "3"), [0, 1, 2]),
        (["1.5", "2", "none"], "number", (), [1.5, 2, np.nan]),
    ],
)
def test_a_column_is_what_its_cells_tell(tmp_path, cells, kind, names, values):
    lines = ["file,what", *(f"p{i}.fits,{cell}" for i, cell in enumerate(cells))]
    (tmp_path / "l.csv").write_text("\n".join(lines) + "\n")
    (question,) = read_labels(tmp_path / "l.csv").questions
    assert (question.kind, question.names) == (kind, names)
    np.testing.assert_array_equal(question.values, values)
