"""Fit read-outs: two quadratic classifiers are compared, and the better one is calibrated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from interlocus.alignment.readout import ReadOut, ReadOutMethod
from interlocus.causal.hypothesis import Hypothesis
from interlocus.causal.model import Values
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.tasks import AbstractTask, Split

MIN_ROWS_PER_VALUE = 20
"""Each half of the rows needs this many rows of every value: one half to fit, the other to validate."""
READOUT_RIDGE = 1e-6
"""Added to the covariance of standardised features, so that a direction without variance does no harm."""

FeaturesOf = Callable[[Float[Tensor, "batch ..."]], dict[str, Float[Tensor, "batch feature"]]]
"""Returns the features of each variable on given inputs."""


def fit_to_task(
    task: AbstractTask,
    hypothesis: Hypothesis,
    variables: Sequence[str],
    features_of: FeaturesOf,
    *,
    examples: int,
    seed: int,
) -> dict[str, ReadOut]:
    """Fit the read-outs of all variables to validation examples, and measure their accuracy on test examples.

    Args:
        task: The task from which examples are drawn.
        hypothesis: The hypothesis whose causal model gives the values.
        variables: Names of the discrete variables to read out.
        features_of: Returns the features of each variable on given inputs.
        examples: Number of examples of each split; every value needs 40 of them.
        seed: Seed of the examples.

    Raises:
        AlignmentError: a variable is continuous, or has fewer than two values that occur often enough.
    """
    continuous = [name for name in variables if hypothesis.model.variables[name].values is None]
    if continuous:
        raise AlignmentError(
            f"The variable {continuous[0]!r} is a number or a vector.",
            "A read-out decides between the values of a discrete variable.",
            "Use `alignment.features(network, inputs)`, which returns its features.",
        )

    def features_and_values(split: Split) -> tuple[dict[str, Tensor], Values]:
        generator = derived_generator(seed, "read-out")
        pool = task.draw_examples(examples, split=split, generator=generator, for_hypotheses=(hypothesis.name,))
        rows = pool.rows(hypothesis)
        return features_of(pool.inputs[rows]), {name: pool.values[name][rows] for name in variables}

    features, values = features_and_values("validation")
    test_features, test_values = features_and_values("test")
    read_outs = {}
    for name in variables:
        read_out = fit_read_out(features[name], values[name])
        correct = read_out.read(test_features[name]).value == test_values[name].to(test_features[name].device)
        read_outs[name] = replace(read_out, accuracy=float(correct.double().mean()))
    return read_outs


def fit_read_out(features: Float[Tensor, "row feature"], values: Int[Tensor, " row"]) -> ReadOut:
    """Fit both methods to half of the rows, choose the more accurate one on the other half, and calibrate it there.

    Calibration divides the logits by the temperature that maximises the likelihood of the other half (Guo et al. 2017,
    arXiv 1706.04599, section 4.2).

    Args:
        features: Features of the variable, on examples that were not used to fit the maps.
        values: Integer values of the variable on the same rows.

    Raises:
        AlignmentError: the variable has one value only, or a value with too few rows.
    """
    kinds, counts = values.unique(return_counts=True)
    if len(kinds) < 2 or int(counts.min()) < 2 * MIN_ROWS_PER_VALUE:
        raise AlignmentError(
            f"Of {len(values)} examples {int(counts.min())} have the value {int(kinds[counts.argmin()])}"
            + (", and none has another value." if len(kinds) < 2 else "."),
            f"A read-out needs two values with at least {2 * MIN_ROWS_PER_VALUE} examples each.",
            "Draw more examples, or balance the values.",
        )
    rows, codes = features.double().cpu().numpy(), np.searchsorted(kinds.cpu().numpy(), values.cpu().numpy())
    scale = _Scale.of(rows)
    standard, half = scale.apply(rows), len(rows) // 2
    fitted = {name: fit(standard[:half], codes[:half]) for name, fit in _METHODS.items()}
    accuracy = {name: _accuracy(logits, standard[half:], codes[half:]) for name, logits in fitted.items()}
    method: ReadOutMethod = "gaussians" if accuracy["gaussians"] >= accuracy["classifier"] else "classifier"
    calibrated = fitted[method].divided_by(_temperature(fitted[method], standard[half:], codes[half:]))
    quadratic, linear, constant = scale.undo(calibrated)
    return ReadOut(
        values=kinds.cpu(),
        quadratic=torch.from_numpy(quadratic).to(features.dtype),
        linear=torch.from_numpy(linear).to(features.dtype),
        constant=torch.from_numpy(constant).to(features.dtype),
        method=method,
        accuracy=accuracy[method],
    )


class _QuadraticLogits(NamedTuple):
    """The coefficients of quadratic logits in double precision; see `ReadOut`."""

    quadratic: Float[np.ndarray, "value feature feature"]
    linear: Float[np.ndarray, "value feature"]
    constant: Float[np.ndarray, " value"]

    def at(self, rows: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row value"]:
        curved = np.einsum("rf,vfg,rg->rv", rows, self.quadratic, rows, optimize=True)
        return curved + rows @ self.linear.T + self.constant

    def divided_by(self, temperature: float) -> _QuadraticLogits:
        return _QuadraticLogits(*(part / temperature for part in self))


class _Scale(NamedTuple):
    """Standardises features to mean zero and variance one."""

    mean: Float[np.ndarray, " feature"]
    spread: Float[np.ndarray, " feature"]

    @classmethod
    def of(cls, rows: Float[np.ndarray, "row feature"]) -> _Scale:
        spread = rows.std(0)
        return cls(rows.mean(0), np.where(spread > 0, spread, 1.0))

    def apply(self, rows: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row feature"]:
        return (rows - self.mean) / self.spread

    def undo(self, logits: _QuadraticLogits) -> _QuadraticLogits:
        """The same logits as a function of the original features."""
        quadratic = logits.quadratic / self.spread[:, None] / self.spread
        slope = logits.linear / self.spread
        curved = quadratic @ self.mean
        linear = slope - 2 * curved
        constant = logits.constant - slope @ self.mean + curved @ self.mean
        return _QuadraticLogits(quadratic, linear, constant)


def _gaussians(rows: Float[np.ndarray, "row feature"], codes: Int[np.ndarray, " row"]) -> _QuadraticLogits:
    """Log-densities of one Gaussian per value, with the shares of the values as prior."""
    groups = [rows[codes == code] for code in np.unique(codes)]
    means = np.stack([group.mean(0) for group in groups])
    ridge = READOUT_RIDGE * np.eye(rows.shape[1])
    # scikit-learn's quadratic discriminant rejects linearly dependent features; a ridge accepts them
    precision = np.stack([np.linalg.inv(np.atleast_2d(np.cov(group.T)) + ridge) for group in groups])
    linear = np.einsum("vfg,vg->vf", precision, means)
    _, log_determinant = np.linalg.slogdet(precision)
    shares = np.array([len(group) / len(rows) for group in groups])
    constant = np.log(shares) + log_determinant / 2 - np.einsum("vf,vf->v", linear, means) / 2
    return _QuadraticLogits(-precision / 2, linear, constant)


def _classifier(rows: Float[np.ndarray, "row feature"], codes: Int[np.ndarray, " row"]) -> _QuadraticLogits:
    """Logistic regression on the features and their products."""
    width = rows.shape[1]
    first, second = np.triu_indices(width)
    regressors = np.hstack([rows, rows[:, first] * rows[:, second]])
    fitted = LogisticRegression(max_iter=300, tol=1e-3).fit(regressors, codes)
    coefficients, constant = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # for two values scikit-learn returns the second logit relative to the first
        coefficients, constant = np.vstack([0 * coefficients, coefficients]), np.append(0.0, constant)
    quadratic = np.zeros((len(coefficients), width, width))
    quadratic[:, first, second] = coefficients[:, width:]
    return _QuadraticLogits((quadratic + quadratic.transpose(0, 2, 1)) / 2, coefficients[:, :width], constant)


_METHODS: dict[ReadOutMethod, Callable[..., _QuadraticLogits]] = {"gaussians": _gaussians, "classifier": _classifier}


def _accuracy(
    logits: _QuadraticLogits, rows: Float[np.ndarray, "row feature"], codes: Int[np.ndarray, " row"]
) -> float:
    return float((logits.at(rows).argmax(1) == codes).mean())


def _temperature(
    logits: _QuadraticLogits, rows: Float[np.ndarray, "row feature"], codes: Int[np.ndarray, " row"]
) -> float:
    """The divisor of the logits that maximises the likelihood of the values."""
    unscaled = logits.at(rows)

    def negative_log_likelihood(log_temperature: float) -> float:
        scaled: Any = log_softmax(unscaled / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(codes)), codes].mean())

    best: Any = minimize_scalar(negative_log_likelihood, bounds=(-4.0, 6.0), method="bounded")
    return float(np.exp(best.x))
