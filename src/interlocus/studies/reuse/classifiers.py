"""The classifier that answers a new question from features and a few labels."""

from __future__ import annotations

import warnings
from typing import Protocol, cast, runtime_checkable

import numpy as np
from jaxtyping import Float, Int
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, StratifiedShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

DEGREES, STRENGTHS = (1, 2), (0.01, 1.0, 100.0)
"""The choices of cross-validation: features alone or with their products, and the inverse strength of the penalty."""
FOLDS = 3
LABELS_FOR_ONE_SPLIT = 2000
"""With more labels than this a single split, of this many labels, replaces the folds."""


@runtime_checkable
class Classifier(Protocol):
    """A fitted classifier."""

    def predict(self, rows: Float[np.ndarray, "row feature"]) -> Int[np.ndarray, " row"]:
        """The class of each row.

        Args:
            rows: Features of the examples.
        """
        ...


def fit_classifier(rows: Float[np.ndarray, "row feature"], labels: Int[np.ndarray, " row"], seed: int) -> Classifier:
    """Fit a logistic regression, linear or quadratic as cross-validation on the same labels chooses.

    Args:
        rows: Features of the labelled examples.
        labels: Their labels. If all are equal, the classifier always answers with that label.
        seed: Seed of the folds.
    """
    counts = np.unique(labels, return_counts=True)[1]
    if len(counts) == 1:
        return cast(Classifier, DummyClassifier().fit(rows, labels))
    model = make_pipeline(
        StandardScaler(),
        PolynomialFeatures(include_bias=False),
        StandardScaler(),
        LogisticRegression(solver="newton-cholesky", max_iter=200),
    )
    if counts.min() < 2:  # too few labels of a class for cross-validation
        return cast(Classifier, model.set_params(polynomialfeatures__degree=1).fit(rows, labels))
    search = GridSearchCV(
        model,
        {"polynomialfeatures__degree": DEGREES, "logisticregression__C": STRENGTHS},
        scoring="neg_log_loss",
        cv=_splits(labels, int(counts.min()), seed),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a choice that does not converge validates worse and is not taken
        return cast(Classifier, search.fit(rows, labels))


def _splits(labels: Int[np.ndarray, " row"], smallest: int, seed: int) -> StratifiedShuffleSplit | StratifiedKFold:
    """How labels are split for cross-validation; `smallest` is the number of labels of the rarest class."""
    if len(labels) <= LABELS_FOR_ONE_SPLIT:
        return StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=seed)
    return StratifiedShuffleSplit(
        1,
        train_size=LABELS_FOR_ONE_SPLIT - LABELS_FOR_ONE_SPLIT // 5,
        test_size=LABELS_FOR_ONE_SPLIT // 5,
        random_state=seed,
    )
