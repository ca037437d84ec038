"""Names for what is interchangeable: tasks, featurizers, starts, executors.

A registry knows a name, a line about it and where it lives; the module is imported when it is asked for, so listing
what there is costs nothing. Third parties add to it by an entry point in the group `interlocus.<kind>s`, whose name is
the name and whose value is `module:attribute`.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from interlocus.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One name of a registry.

    Args:
        target: `"module:attribute"`.
        summary: one line for people.
        arguments: what the attribute is called with under this name, where one class answers to several names.
    """

    target: str
    summary: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the module and return the attribute, with its arguments where there are any."""
        module, attribute = self.target.split(":")
        loaded = getattr(importlib.import_module(module), attribute)
        return partial(loaded, **self.arguments) if self.arguments else loaded


class Registry:
    """Names of one kind.

    Args:
        kind: the kind in the singular, as it stands in messages.
        shipped: what the library itself brings.
        plural: of the kind, where that is not formed with an s.
    """

    def __init__(self, kind: str, shipped: dict[str, Entry], *, plural: str | None = None) -> None:
        self.kind, self.plural = kind, plural or f"{kind}s"
        self._shipped = shipped

    def entries(self) -> dict[str, Entry]:
        """All names with their entries; the shipped ones first and never overridden."""
        foreign = {
            point.name: Entry(target=point.value, summary=f"from {point.dist.name if point.dist else 'elsewhere'}")
            for point in entry_points(group=f"interlocus.{self.plural}")
        }
        return foreign | self._shipped

    def __iter__(self):
        return iter(self.entries())

    def get(self, name: str) -> Any:
        """The object of that name.

        Raises:
            UnknownNameError: nothing has this name.
        """
        if name in self._shipped:  # looking at what is installed takes long
            return self._shipped[name].load()
        entries = self.entries()
        if name not in entries:
            raise UnknownNameError(self.kind, name, entries)
        return entries[name].load()


TASKS = Registry(
    "task",
    {
        "hierarchical_equality": Entry(
            target="interlocus.tasks.hierarchical_equality:HierarchicalEquality",
            summary="is (a = b) the same as (c = d)? Four vectors in, two classes out",
        ),
        "digits": Entry(
            target="interlocus.tasks.digits:Digits",
            summary="is (a = b) the same as (c = d)? Four photographs of handwritten digits in, two classes out",
        ),
        "simple_equality": Entry(
            target="interlocus.tasks.simple_equality:SimpleEquality",
            summary="is a = b? Two vectors in, two classes out",
        ),
        "distributive_law": Entry(
            target="interlocus.tasks.distributive_law:DistributiveLaw",
            summary="(e1 ∧ e2) ∨ (e2 ∧ e3) over equalities of items: one function, two algorithms",
        ),
        "parity": Entry(target="interlocus.tasks.bits:Parity", summary="is the number of set bits among four odd?"),
        "and_or": Entry(
            target="interlocus.tasks.bits:AndOr", summary="(x1 ∧ x2) ∨ x3: two algorithms that are hard to tell apart"
        ),
        "sum_of_three": Entry(
            target="interlocus.tasks.sum_of_three:SumOfThree", summary="what is the sum of three small numbers?"
        ),
    },
)

FEATURIZERS = Registry(
    "featurizer",
    {
        "identity": Entry(
            target="interlocus.featurizers.identity:Identity",
            summary="the neurons themselves; nothing is learned, the start chooses them",
        ),
        "rotation": Entry(
            target="interlocus.featurizers.rotation:Rotation",
            summary="orthonormal directions, as in distributed alignment search",
        ),
        "linear": Entry(
            target="interlocus.featurizers.linear:Linear",
            summary="any invertible linear map; its directions may be oblique",
        ),
        "linear_bounded": Entry(
            target="interlocus.featurizers.linear:Linear",
            summary="an invertible linear map whose oblique projections are kept below a norm of about 2",
            arguments={"bound": 2.0},
        ),
        "frame": Entry(
            target="interlocus.featurizers.frame:Frame",
            summary="directions that may drift, written back by their pseudo-inverse",
        ),
        "frame_transposed": Entry(
            target="interlocus.featurizers.frame:Frame",
            summary="directions that may drift, written back naively by their transpose",
            arguments={"write": "transpose"},
        ),
        "principal": Entry(
            target="interlocus.featurizers.principal:Principal",
            summary="principal components of the covariance; nothing is learned, the start chooses them",
        ),
        "principal_uncentred": Entry(
            target="interlocus.featurizers.principal:Principal",
            summary="principal components of the second moment, the mean left in",
            arguments={"centred": False},
        ),
        "mask": Entry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over neurons; its size is learned too",
        ),
        "mask_principal": Entry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over principal components; its size is learned too",
            arguments={"over": "principal"},
        ),
        "mask_rotation": Entry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over a rotation that is learned with it; its size is learned too",
            arguments={"over": "rotation"},
        ),
        "boundless": Entry(
            target="interlocus.featurizers.boundless:Boundless",
            summary="orthonormal directions with learned boundaries, so that sizes are learned too",
        ),
        "rotation_overlapping": Entry(
            target="interlocus.featurizers.overlapping:Overlapping",
            summary="orthonormal directions of each variable by itself; those of two may be the same",
        ),
        "linear_overlapping": Entry(
            target="interlocus.featurizers.overlapping:Overlapping",
            summary="an invertible linear map for each variable by itself; their directions may be the same",
            arguments={"each": "linear"},
        ),
        "coupling": Entry(
            target="interlocus.featurizers.coupling:Coupling",
            summary="an invertible map that is not linear: additive couplings, as in reversible networks",
        ),
    },
)

STARTS = Registry(
    "start",
    {
        "random": Entry(
            target="interlocus.starts.random:Random", summary="orthonormal directions drawn at random (Haar)"
        ),
        "covariance": Entry(
            target="interlocus.starts.covariance:Covariance",
            summary="directions whose variance differs most between the values of the variable, in closed form",
        ),
        "mean_difference": Entry(
            target="interlocus.starts.mean_difference:MeanDifference",
            summary="the difference of the means where the variable has a value and where it has another",
        ),
        "discriminant": Entry(
            target="interlocus.starts.discriminant:Discriminant",
            summary="Fisher's discriminants: where the means differ, for the spread that there is",
        ),
        "principal": Entry(
            target="interlocus.starts.principal:Principal", summary="the principal components, largest variance first"
        ),
        "probe": Entry(
            target="interlocus.starts.probe:Probe",
            summary="the weights of a logistic regression that predicts the value",
        ),
        "gradient": Entry(
            target="interlocus.starts.gradient:Gradient", summary="the directions that move the answer most"
        ),
        "neurons_exhaustive": Entry(
            target="interlocus.starts.neurons:Neurons",
            summary="the best set of neurons of all, while they can be tried",
            arguments={"method": "exhaustive"},
        ),
        "neurons_greedy": Entry(
            target="interlocus.starts.neurons:Neurons",
            summary="neurons chosen one by one, each time the one that helps most",
            arguments={"method": "greedy"},
        ),
        "neurons_window": Entry(
            target="interlocus.starts.neurons:Neurons",
            summary="the best neurons that lie side by side",
            arguments={"method": "window"},
        ),
        "nested": Entry(
            target="interlocus.starts.nested:Nested",
            summary="what the other starts found at a smaller size, grown, or at a larger one, pruned",
        ),
    },
)

LOSSES = Registry(
    "loss",
    {
        "cross_entropy": Entry(
            target="interlocus.losses:CrossEntropy", summary="minus the log-probability of the label"
        ),
        "bounded": Entry(
            target="interlocus.losses:Bounded",
            summary="one minus the probability of the label; near to the score, for a second phase",
        ),
    },
    plural="losses",
)

NETWORKS = Registry(
    "network",
    {
        "mlp": Entry(target="interlocus.kinds:Perceptrons", summary="perceptrons that are trained here, many at once"),
        "shared_encoder": Entry(
            target="interlocus.networks.shared_encoder:make_shared_encoder",
            summary="one encoder for four items, and layers over their codes",
        ),
    },
)

EXECUTORS = Registry(
    "executor",
    {
        "local": Entry(target="interlocus.executors.local:Local", summary="processes of this machine, one thread each"),
    },
)

RUN = Entry(target="interlocus.run:run_study", summary="does a study")
EXPORT = Entry(target="interlocus.extract:export", summary="an alignment as a program of its own")
PAGE = Entry(target="interlocus.report:write_report", summary="a run as a page")
SHOW = Entry(target="interlocus.run_text:as_text", summary="a run in words")
