"""Read-outs: from the features of a variable to its value, with a probability that can be believed.

The means of the features may be the same for every value (two vectors are equal: that shows in the variance), so a
read-out is quadratic in the features: logit c of features x is xᵀ A_c x + b_c·x + a_c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from interlocus.core.errors import AlignmentError

ReadoutMethod = Literal["gaussians", "classifier"]
MIN_ROWS_PER_VALUE = 20
"""A value with fewer rows cannot be fitted and judged."""
READOUT_RIDGE = 1e-6
"""Added to the covariance of standardised features, so that a direction without variance does no harm."""


class Extraction(NamedTuple):
    """What is read from the features of some rows.

    Args:
        value: the likeliest value.
        probability: of that value.
        features: from which it was read.
    """

    value: Int[Tensor, " row"]
    probability: Float[Tensor, " row"]
    features: Float[Tensor, "row feature"]


@dataclass(frozen=True, kw_only=True)
class ReadOut:
    """Logits of the values of a variable, quadratic in its features.

    Args:
        values: of the variable, in the order of the logits.
        quadratic: A_c of each value.
        linear: b_c of each value.
        constant: a_c of each value.
        method: `gaussians` (one for each value) or `classifier` (logistic regression on products of features),
            whichever validated better.
        accuracy: on rows that it was not fitted to.
    """

    values: Int[Tensor, " value"]
    quadratic: Float[Tensor, "value feature feature"]
    linear: Float[Tensor, "value feature"]
    constant: Float[Tensor, " value"]
    method: ReadoutMethod
    accuracy: float

    def logits(self, features: Float[Tensor, "row feature"]) -> Float[Tensor, "row value"]:
        """Log-probabilities of the values, up to a constant a row."""
        curved = torch.einsum("rf,vfg,rg->rv", features, self.quadratic, features)
        return curved + features @ self.linear.T + self.constant

    def read(self, features: Float[Tensor, "row feature"]) -> Extraction:
        """The likeliest value of each row, and how likely it is."""
        return self.ready(features).read(features)

    def ready(self, like: Tensor) -> Reader:
        """The same where a tensor is and in its precision, prepared to read many rows."""
        quadratic, linear = self.quadratic.double(), self.linear.double()
        bent, turn = torch.linalg.eigh(quadratic[1:] - quadratic[:1])
        slope = (linear[1:] - linear[:1]).unsqueeze(1)
        return Reader(
            values=self.values.to(like.device),
            turn=torch.cat([turn.transpose(1, 2), slope], 1).to(like).contiguous(),
            weight=torch.cat([bent, torch.ones_like(bent[:, :1])], 1).to(like),
            constant=(self.constant[1:] - self.constant[:1]).to(like),
        )

    def to_tensors(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What has to be kept: tensors, and plain values about them."""
        tensors = {name: getattr(self, name) for name in ("values", "quadratic", "linear", "constant")}
        return tensors, {"method": self.method, "accuracy": self.accuracy}


class Reader(NamedTuple):
    """A read-out in the form in which it costs least: logits beyond that of the first value, as sums of squares.

    Rows lie last, since sums and maxima over few values are many times faster that way round.

    Args:
        values: of the variable; the other parts are of those behind the first.
        turn: unit directions u_i of A_c − A_0, and b_c − b_0 behind them.
        weight: w_i, with xᵀ (A_c − A_0) x the sum of w_i (u_i·x)², and one for what is not squared.
        constant: a_c − a_0.
    """

    values: Int[Tensor, " value"]
    turn: Float[Tensor, "other row feature"]
    weight: Float[Tensor, "other row"]
    constant: Float[Tensor, " other"]

    def read(self, features: Float[Tensor, "row feature"]) -> Extraction:
        """The likeliest value of each row, and how likely it is."""
        logits = [self._logit(other, features.T) for other in range(len(self.turn))]
        if len(logits) == 1:  # of two values: there is no cheaper way
            (logit,) = logits
            value = torch.where(logit > 0, self.values[1], self.values[0])
            return Extraction(value=value, probability=logit.abs().sigmoid(), features=features)
        every = torch.stack([torch.zeros_like(logits[0]), *logits])
        best, place = every.max(0)
        probability = (every - best).exp().sum(0).reciprocal()
        return Extraction(value=self.values[place], probability=probability, features=features)

    def _logit(self, other: int, columns: Float[Tensor, "feature row"]) -> Float[Tensor, " row"]:
        turned = self.turn[other] @ columns
        turned[:-1].square_()
        return self.weight[other] @ turned + self.constant[other]


def fit_read_out(features: Float[Tensor, "row feature"], values: Int[Tensor, " row"]) -> ReadOut:
    """Fit both kinds on half of the rows, keep the one that is better on the other half, and calibrate it there.

    Calibration divides the logits by the temperature under which the other half is likeliest (Guo et al. 2017,
    arXiv 1706.04599, section 4.2).

    Args:
        features: of a variable, of examples on which nothing was learned.
        values: of the variable there.

    Raises:
        AlignmentError: a value hardly occurs, so that nothing can be fitted.
    """
    kinds, counts = values.unique(return_counts=True)
    if len(kinds) < 2 or int(counts.min()) < 2 * MIN_ROWS_PER_VALUE:
        raise AlignmentError(
            f"Of {len(values)} examples {int(counts.min())} have the value {int(kinds[counts.argmin()])}"
            + (", and none has another." if len(kinds) < 2 else "."),
            f"A read-out needs {2 * MIN_ROWS_PER_VALUE} examples of each value, and two values.",
            "Draw more examples, or balance them.",
        )
    rows, wanted = features.double().cpu().numpy(), np.searchsorted(kinds.cpu().numpy(), values.cpu().numpy())
    scale = _Scale.of(rows)
    standard, half = scale.apply(rows), len(rows) // 2
    fitted = {name: fit(standard[:half], wanted[:half]) for name, fit in _FITS.items()}
    right = {name: _accuracy(form, standard[half:], wanted[half:]) for name, form in fitted.items()}
    method: ReadoutMethod = "gaussians" if right["gaussians"] >= right["classifier"] else "classifier"
    form = fitted[method].cooled(_temperature(fitted[method], standard[half:], wanted[half:]))
    quadratic, linear, constant = scale.undo(form)
    return ReadOut(
        values=kinds.cpu(),
        quadratic=torch.from_numpy(quadratic).to(features.dtype),
        linear=torch.from_numpy(linear).to(features.dtype),
        constant=torch.from_numpy(constant).to(features.dtype),
        method=method,
        accuracy=right[method],
    )


class _Form(NamedTuple):
    """Quadratic logits in double precision."""

    quadratic: Float[np.ndarray, "value feature feature"]
    linear: Float[np.ndarray, "value feature"]
    constant: Float[np.ndarray, " value"]

    def logits(self, rows: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row value"]:
        curved = np.einsum("rf,vfg,rg->rv", rows, self.quadratic, rows, optimize=True)
        return curved + rows @ self.linear.T + self.constant

    def cooled(self, temperature: float) -> _Form:
        return _Form(*(part / temperature for part in self))


class _Scale(NamedTuple):
    """Features with mean zero and variance one are easier to fit."""

    mean: Float[np.ndarray, " feature"]
    spread: Float[np.ndarray, " feature"]

    @classmethod
    def of(cls, rows: Float[np.ndarray, "row feature"]) -> _Scale:
        spread = rows.std(0)
        return cls(rows.mean(0), np.where(spread > 0, spread, 1.0))

    def apply(self, rows: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "row feature"]:
        return (rows - self.mean) / self.spread

    def undo(self, form: _Form) -> _Form:
        """The same logits as a function of the features as they were."""
        quadratic = form.quadratic / self.spread[:, None] / self.spread
        slope = form.linear / self.spread
        bent = quadratic @ self.mean
        linear = slope - 2 * bent
        constant = form.constant - slope @ self.mean + bent @ self.mean
        return _Form(quadratic, linear, constant)


def _gaussians(rows: Float[np.ndarray, "row feature"], values: Int[np.ndarray, " row"]) -> _Form:
    """Log-densities of one Gaussian a value."""
    groups = [rows[values == value] for value in np.unique(values)]
    means = np.stack([group.mean(0) for group in groups])
    ridge = READOUT_RIDGE * np.eye(rows.shape[1])
    # scikit-learn's quadratic discriminant refuses features that depend on each other; a ridge does them no harm
    precision = np.stack([np.linalg.inv(np.atleast_2d(np.cov(group.T)) + ridge) for group in groups])
    linear = np.einsum("vfg,vg->vf", precision, means)
    _, spread = np.linalg.slogdet(precision)
    shares = np.array([len(group) / len(rows) for group in groups])
    return _Form(-precision / 2, linear, np.log(shares) + spread / 2 - np.einsum("vf,vf->v", linear, means) / 2)


def _classifier(rows: Float[np.ndarray, "row feature"], values: Int[np.ndarray, " row"]) -> _Form:
    """Logistic regression on the features and their products."""
    width = rows.shape[1]
    one, other = np.triu_indices(width)
    seen = np.hstack([rows, rows[:, one] * rows[:, other]])
    fitted = LogisticRegression(max_iter=300, tol=1e-3).fit(seen, values)
    coefficients, constant = fitted.coef_, fitted.intercept_
    if len(coefficients) == 1:  # of two values the first is the one that logits are held against
        coefficients, constant = np.vstack([0 * coefficients, coefficients]), np.append(0.0, constant)
    quadratic = np.zeros((len(coefficients), width, width))
    quadratic[:, one, other] = coefficients[:, width:]
    return _Form((quadratic + quadratic.transpose(0, 2, 1)) / 2, coefficients[:, :width], constant)


_FITS: dict[ReadoutMethod, Callable[..., _Form]] = {"gaussians": _gaussians, "classifier": _classifier}


def _accuracy(form: _Form, rows: Float[np.ndarray, "row feature"], values: Int[np.ndarray, " row"]) -> float:
    return float((form.logits(rows).argmax(1) == values).mean())


def _temperature(form: _Form, rows: Float[np.ndarray, "row feature"], values: Int[np.ndarray, " row"]) -> float:
    """By which logits are divided so that the values are likeliest."""
    logits = form.logits(rows)

    def surprise(log_temperature: float) -> float:
        scaled: Any = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(scaled[np.arange(len(values)), values].mean())

    best: Any = minimize_scalar(surprise, bounds=(-4.0, 6.0), method="bounded")
    return float(np.exp(best.x))
