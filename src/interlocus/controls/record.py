"""What all controls say of one network at one site, as one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from interlocus.controls._base import AbstractControl, ControlContext
from interlocus.core.plugins import CONTROLS

ALWAYS_MEASURED = ("random_directions", "linear_ceiling")
"""Controls that are measured wherever any control is: they are cheap, and every score is compared with them."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class ControlRecord:
    """What controls say of one network at one site.

    Args:
        network: Name of the network.
        group: Name of its group.
        site: Name of the site.
        results: For each control that was measured its result, by the name of the control.
    """

    network: str
    group: str
    site: str
    results: Mapping[str, object]

    def result(self, control: type[AbstractControl[Kind]]) -> Kind | None:
        """The result of one control; `None` where it was not measured."""
        return self.results.get(control.name)  # pyright: ignore[reportReturnType]: results are those of their control

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        results = {name: CONTROLS.get(name)().to_json(result) for name, result in self.results.items()}
        return {"network": self.network, "group": self.group, "site": self.site, "results": results}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ControlRecord:
        """The record that `to_json` wrote.

        Raises:
            UnknownNameError: A control that is not installed here.
        """
        results = {name: CONTROLS.get(name)().from_json(result) for name, result in data["results"].items()}
        return cls(network=data["network"], group=data["group"], site=data["site"], results=results)


def measure_controls(context: ControlContext, *, names: Sequence[str], group: str) -> list[ControlRecord]:
    """Measure all controls of a context; one record for each of its networks.

    Args:
        context: What is measured, and on what.
        names: Names of the networks, in their order.
        group: Name of their group.
    """
    results: list[dict[str, object]] = [{} for _ in names]
    for control in controls_of((*ALWAYS_MEASURED, *context.controls)):
        if control.deferred:
            continue
        for own, result in zip(results, control.measure(context), strict=True):
            if result is not None:
                own[control.name] = result
    return [
        ControlRecord(network=name, group=group, site=context.site, results=own)
        for name, own in zip(names, results, strict=True)
    ]


def controls_of(names: Sequence[str]) -> list[AbstractControl[Any]]:
    """The controls of these names, each once, in the order in which evidence lists them."""
    return [CONTROLS.get(name)() for name in CONTROLS if name in names]
