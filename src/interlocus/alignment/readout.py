"""Read-outs: from the features of a variable to its value, with a calibrated probability.

The mean of the features can be the same for all values of a variable: the equality of two vectors shows in the variance
only. So a read-out is quadratic in the features: logit c of features x is xᵀ A_c x + b_c·x + a_c. How read-outs are
fitted is in `readout_fitting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.core.json_record import JsonObject

ReadOutMethod = Literal["gaussians", "classifier"]
"""How a read-out was fitted: one Gaussian per value, or logistic regression on products of features."""


class Extraction(NamedTuple):
    """The values of a variable on some rows.

    Args:
        value: The most probable of the declared values of the variable.
        probability: Calibrated probability of that value, from 0 to 1.
        features: The features from which the value was read.
    """

    value: Int[Tensor, " row"]
    probability: Float[Tensor, " row"]
    features: Float[Tensor, "row feature"]


@dataclass(frozen=True, kw_only=True)
class ReadOut:
    """Logits of the values of a variable, quadratic in its features.

    Args:
        values: The values of the variable, at least two, in the order of the logits.
        quadratic: Symmetric matrix A_c of each value.
        linear: Vector b_c of each value.
        constant: Number a_c of each value.
        method: The method that was more accurate on rows to which it was not fitted.
        accuracy: Share of rows with the correct value, on rows to which the read-out was not fitted.
    """

    values: Int[Tensor, " value"]
    quadratic: Float[Tensor, "value feature feature"]
    linear: Float[Tensor, "value feature"]
    constant: Float[Tensor, " value"]
    method: ReadOutMethod
    accuracy: float

    def logits(self, features: Float[Tensor, "row feature"]) -> Float[Tensor, "row value"]:
        """Log-probabilities of the values, up to a constant per row."""
        curved = torch.einsum("rf,vfg,rg->rv", features, self.quadratic, features)
        return curved + features @ self.linear.T + self.constant

    def read(self, features: Float[Tensor, "row feature"]) -> Extraction:
        """The most probable value of each row, and its probability."""
        return self.prepare(features).read(features)

    def prepare(self, like: Tensor) -> PreparedReadOut:
        """Prepare the read-out for many rows.

        Args:
            like: A tensor with the precision and the device of the features.
        """
        quadratic, linear = self.quadratic.double(), self.linear.double()
        eigenvalues, vectors = torch.linalg.eigh(quadratic[1:] - quadratic[:1])
        slope = (linear[1:] - linear[:1]).unsqueeze(1)
        return PreparedReadOut(
            values=self.values.to(like.device),
            directions=torch.cat([vectors.transpose(1, 2), slope], 1).to(like).contiguous(),
            weight=torch.cat([eigenvalues, torch.ones_like(eigenvalues[:, :1])], 1).to(like),
            constant=(self.constant[1:] - self.constant[:1]).to(like),
        )

    def to_tensors(self) -> tuple[dict[str, Tensor], JsonObject]:
        """The tensors of a file, and the plain values of its header."""
        tensors = {name: getattr(self, name) for name in ("values", "quadratic", "linear", "constant")}
        return tensors, {"method": self.method, "accuracy": self.accuracy}


class PreparedReadOut(NamedTuple):
    """A read-out in its fastest form: differences to the logit of the first value, as sums of squares.

    Rows are the last axis, since sums and maxima over few values are many times faster that way.

    Args:
        values: The values of the variable. The other tensors belong to the values after the first.
        directions: Unit eigenvectors u_i of A_c − A_0, and b_c − b_0 as the last row.
        weight: Eigenvalues w_i, so that xᵀ (A_c − A_0) x = Σ_i w_i (u_i·x)², and one for the last row.
        constant: Differences a_c − a_0.
    """

    values: Int[Tensor, " value"]
    directions: Float[Tensor, "other row feature"]
    weight: Float[Tensor, "other row"]
    constant: Float[Tensor, " other"]

    def read(self, features: Float[Tensor, "row feature"]) -> Extraction:
        """The most probable value of each row, and its probability."""
        logits = [self._logit(other, features.T) for other in range(len(self.directions))]
        if len(logits) == 1:  # the fastest way for two values
            (logit,) = logits
            value = torch.where(logit > 0, self.values[1], self.values[0])
            return Extraction(value=value, probability=logit.abs().sigmoid(), features=features)
        every = torch.stack([torch.zeros_like(logits[0]), *logits])
        best, index = every.max(0)
        probability = (every - best).exp().sum(0).reciprocal()
        return Extraction(value=self.values[index], probability=probability, features=features)

    def _logit(self, other: int, columns: Float[Tensor, "feature row"]) -> Float[Tensor, " row"]:
        projected = self.directions[other] @ columns
        projected[:-1].square_()
        return self.weight[other] @ projected + self.constant[other]
