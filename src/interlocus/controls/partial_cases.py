"""The control `partial_cases`: for which inputs the exchange of a variable works, if it works for some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.preprocessing import StandardScaler

from interlocus.alignment.alignment import Alignment
from interlocus.causal.interventions import counterfactual_labels
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.core.random import derived_generator
from interlocus.networks import AbstractNetworks
from interlocus.tasks import AbstractTask, Split

CASES = 6000
"""Examples, each of which is the base of one exchange."""
MIN_CASES = 200
"""Exchanges of each outcome that a gate is fitted to; with fewer there is none."""
MAX_COLUMNS = 256
"""Numbers by which a base may be described; the inputs are left out where they have more."""
NAMED_COLUMNS = 3
"""Numbers that are named, those that the gate depends on most."""
GATE_ACCURACY = 0.75
"""Balanced accuracy from which a gate tells where an exchange works; one half is a guess."""


@dataclass(frozen=True, kw_only=True)
class Cases:
    """In which cases an exchange of one variable sets the answer that the causal model gives.

    Args:
        share: Share of the exchanges that should change the answer and do, from 0 to 1.
        count: Number of exchanges that should change the answer.
        accuracy: Balanced accuracy with which a linear gate on the base tells the cases in which it does, on fresh
            exchanges; `None` where one of the two outcomes is too rare.
        columns: What the gate depends on most, such as `input 3` or the name of a variable.
    """

    share: float
    count: int
    accuracy: float | None
    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """Share and gate in one sentence."""
        text = f"Of {self.count} exchanges that should change the answer, {self.share:.2f} do"
        if self.accuracy is None:
            return f"{text}."
        if self.accuracy < GATE_ACCURACY:
            return f"{text}; no linear gate on the base tells which (balanced accuracy {self.accuracy:.2f})."
        names = ", ".join(self.columns)
        return f"{text}; a linear gate on the base tells which (balanced accuracy {self.accuracy:.2f}), by {names}."


CasesByVariable = dict[str, Cases]
"""The cases of each variable, by its name."""


class _Exchanges(NamedTuple):
    """The exchanges that should change the answer: whether each does, and a description of its base."""

    works: Bool[np.ndarray, " row"]
    bases: Float[np.ndarray, "row column"]
    columns: tuple[str, ...]


def partial_cases(
    alignment: Alignment, variable: str, network: AbstractNetworks, task: AbstractTask, *, seed: int = 0
) -> Cases:
    """Exchange one variable between random examples, and fit a gate to where the exchange works.

    A base is described by its encoded inputs and by the values of the discrete variables of the causal model.

    Args:
        alignment: The alignment whose features are exchanged.
        variable: Name of one of its variables.
        network: The single network to which the alignment belongs.
        task: The task that the network solves.
        seed: Seed of the examples.
    """
    train = _exchanges(alignment, variable, network, task, "train", seed)
    test = _exchanges(alignment, variable, network, task, "test", seed)
    share, count = float(test.works.mean()) if len(test.works) else 0.0, len(test.works)
    rarest = min((int(side.sum()) for part in (train, test) for side in (part.works, ~part.works)), default=0)
    if rarest < MIN_CASES:
        return Cases(share=share, count=count, accuracy=None, columns=())
    scale = StandardScaler().fit(train.bases)
    gate = LogisticRegression(class_weight="balanced", max_iter=500).fit(scale.transform(train.bases), train.works)
    accuracy = float(balanced_accuracy_score(test.works, gate.predict(scale.transform(test.bases))))
    order = np.argsort(-np.abs(gate.coef_[0]))[:NAMED_COLUMNS]
    return Cases(share=share, count=count, accuracy=accuracy, columns=tuple(train.columns[i] for i in order))


def _exchanges(
    alignment: Alignment, variable: str, network: AbstractNetworks, task: AbstractTask, split: Split, seed: int
) -> _Exchanges:
    hypothesis = task.hypothesis(alignment.hypothesis)
    pool = task.draw_examples(
        CASES,
        split=split,
        generator=derived_generator(seed, "partial cases", split),
        for_hypotheses=(hypothesis.name,),
    )
    rows = pool.rows(hypothesis)
    base = torch.arange(len(pool.inputs))[rows]
    source = base.roll(1)
    place = hypothesis.variables.index(variable)
    sources = base.expand(len(hypothesis.variables), -1).clone()
    sources[place] = source
    labels = counterfactual_labels(pool, hypothesis, base, sources)
    inputs = pool.inputs.to(network.device)
    with torch.no_grad():
        before = network(inputs[base])[0].argmax(1).cpu()
        after = alignment.intervene(network, inputs[base], **{variable: inputs[source]}).argmax(1).cpu()
    decisive = labels != before
    columns, parts = [], []
    flat = pool.inputs[base].flatten(1).double()
    if flat.shape[1] <= MAX_COLUMNS:
        parts.append(flat)
        columns += [f"input {i}" for i in range(flat.shape[1])]
    for name, of_variable in hypothesis.model.variables.items():
        if of_variable.values is not None and name in pool.values:
            parts.append(pool.values[name][base].double().unsqueeze(1))
            columns.append(name)
    described = torch.cat(parts, 1) if parts else torch.zeros(len(base), 1, dtype=torch.float64)
    return _Exchanges(
        works=(after == labels)[decisive].numpy(),
        bases=described[decisive].numpy(),
        columns=tuple(columns) or ("nothing",),
    )


class PartialCasesControl(AbstractControl[CasesByVariable]):
    """For which inputs a variable can be exchanged inside the used subspace. It explains the verdict `partial`."""

    name = "partial_cases"
    description = "a gate was fitted to the cases in which an exchange works"

    def measure(self, context: ControlContext) -> list[CasesByVariable | None]:
        hypothesis = context.task.hypothesis(context.portfolio.hypothesis)
        measured: list[CasesByVariable | None] = []
        for restricted in context.restricted:
            found = restricted.alignments(hypothesis, context.task)
            if not found:
                measured.append(None)
                continue
            _, best = max(found, key=lambda pair: pair[0].best.score.iia)
            measured.append(
                {
                    variable: partial_cases(
                        best, variable, restricted.network, context.task, seed=context.portfolio.seed
                    )
                    for variable in hypothesis.variables
                }
            )
        return measured

    def evidence(self, result: CasesByVariable | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.variable not in result:
            return []
        text = result[context.variable].text
        return [Evidence(control="partial cases", text=f"Inside the used subspace: {text}", passes=None)]
