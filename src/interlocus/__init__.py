"""Finds whether, where and in how few dimensions a trained network computes a hypothesised intermediate variable.

The way of the data: `CausalModel → Pool → Site → Features → Alignment → Score → Record → page`. Names are loaded when
they are used, so that `import interlocus` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from interlocus import featurizers, networks, starts, tasks
    from interlocus.alignment import Alignment
    from interlocus.audits import Audit, audit
    from interlocus.budget import Budget, Phase
    from interlocus.causal import CausalModel, Hypothesis, Variable
    from interlocus.errors import InterlocusError
    from interlocus.evaluation import evaluate
    from interlocus.examination import examine
    from interlocus.foreign import from_pyvene, to_pyvene
    from interlocus.found import Found, search
    from interlocus.metrics import Score
    from interlocus.progress import show_progress
    from interlocus.reuse import Reuse, measure_reuse
    from interlocus.run import Run
    from interlocus.study import Study
    from interlocus.task_check import check_task
    from interlocus.tensorboard import TensorBoard

_HOME = {
    "Alignment": "alignment",
    "Audit": "audits",
    "Budget": "budget",
    "CausalModel": "causal",
    "Found": "found",
    "Hypothesis": "causal",
    "InterlocusError": "errors",
    "Phase": "budget",
    "Reuse": "reuse",
    "Run": "run",
    "Score": "metrics",
    "Study": "study",
    "TensorBoard": "tensorboard",
    "Variable": "causal",
    "audit": "audits",
    "check_task": "task_check",
    "evaluate": "evaluation",
    "examine": "examination",
    "from_pyvene": "foreign",
    "measure_reuse": "reuse",
    "search": "found",
    "show_progress": "progress",
    "to_pyvene": "foreign",
}
_MODULES = ("featurizers", "networks", "starts", "tasks")

__all__ = [
    "Alignment",
    "Audit",
    "Budget",
    "CausalModel",
    "Found",
    "Hypothesis",
    "InterlocusError",
    "Phase",
    "Reuse",
    "Run",
    "Score",
    "Study",
    "TensorBoard",
    "Variable",
    "audit",
    "check_task",
    "evaluate",
    "examine",
    "featurizers",
    "from_pyvene",
    "measure_reuse",
    "networks",
    "search",
    "show_progress",
    "starts",
    "tasks",
    "to_pyvene",
]


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
