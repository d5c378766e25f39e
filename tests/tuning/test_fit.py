"""The fit of heads: few rows are learned along the axes that they lie on, and nothing is lost."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.linear_model import LogisticRegression, Ridge

from galedge.tuning.fit import fit_classes, fit_number


@pytest.mark.parametrize("rows", [12, 40])
def test_heads_are_the_best_of_few_rows_and_of_many(rows):
    rng = np.random.default_rng(rows)
    inputs = rng.normal(0, 1, (rows, 24)).astype(np.float32)
    inputs[1] = inputs[0]  # an axis less than there are rows
    label = (inputs[:, 0] + rng.normal(0, 0.3, rows) > 0).astype(int)
    penalties = (1.0, 0.1)
    for penalty, head in zip(
        penalties, fit_classes(inputs, label, 2, penalties, even=False), strict=True
    ):
        assert head.weights.shape == (24, 2)
        # Two columns that are each other's negative cost half of what one of twice the size does.
        oracle = LogisticRegression(C=2 / (penalty * rows), tol=1e-8, max_iter=1000)
        oracle.fit(inputs, label)
        weights = head.weights[:, 1] - head.weights[:, 0]
        assert np.abs(weights - oracle.coef_[0]).max() < 0.02
    value = inputs[:, 1] * 2 + 5
    for penalty, line in zip(penalties, fit_number(inputs, value, penalties), strict=True):
        exact = Ridge(alpha=penalty * rows).fit(inputs, value)
        assert line.weights[:, 0] == pytest.approx(exact.coef_, abs=1e-4)
        assert line.bias[0] == pytest.approx(exact.intercept_, abs=1e-4)
