"""The results of all controls for one network at one site, as one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from interlocus.controls._base import AbstractControl, ControlContext
from interlocus.core.json_record import JsonObject, from_json
from interlocus.core.plugins import CONTROLS

ALWAYS_MEASURED = ("random_directions", "linear_ceiling")
"""Controls that are measured even if a study does not name them: every score is compared with these chance levels."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, kw_only=True)
class ControlRecord:
    """The results of controls for one network at one site.

    Args:
        network: Name of the network within the study.
        group: Name of the network group to which it belongs.
        site: Name of the site that was measured.
        results: Results by the name of the control; controls that were not measured are missing.
        failed: For each control that failed its error, by the name of the control. A resumed run measures again.
    """

    network: str
    group: str
    site: str
    results: Mapping[str, object]
    failed: Mapping[str, str] = field(default_factory=dict)

    def result(self, control: type[AbstractControl[Kind]]) -> Kind | None:
        """The result of one control; `None` if it was not measured.

        Args:
            control: Class of the control, whose `name` is looked up.
        """
        return self.results.get(control.name)  # pyright: ignore[reportReturnType]: results are those of their control

    def to_json(self) -> JsonObject:
        """The record as plain values; each result is stored by the type that its control declares."""
        results = {name: CONTROLS.get(name)().to_json(result) for name, result in self.results.items()}
        return {
            "network": self.network,
            "group": self.group,
            "site": self.site,
            "results": results,
            "failed": dict(self.failed),
        }

    @classmethod
    def from_json(cls, data: JsonObject) -> ControlRecord:
        """Read a record from the values that `to_json` returned.

        Args:
            data: The values after JSON stored them.

        Raises:
            UnknownNameError: The record contains a control that is not installed.
            ValueError: A result has another type than its control declares.
        """
        plain: ControlRecord = from_json(cls, data)
        results = {name: CONTROLS.get(name)().from_json(value) for name, value in plain.results.items()}
        return replace(plain, results=results)


def measure_controls(context: ControlContext, *, names: Sequence[str], group: str) -> list[ControlRecord]:
    """Measure all controls of a context; one record for each of its networks.

    A control that fails does not stop the others; the records say what its error was.

    Args:
        context: The networks, the site and the searches to measure.
        names: Names of the networks, in the order of `context.networks`.
        group: Name of the network group to which they belong.
    """
    results: list[dict[str, object]] = [{} for _ in names]
    failed: dict[str, str] = {}
    for control in controls_of((*ALWAYS_MEASURED, *context.controls)):
        if control.deferred:
            continue
        try:
            measured = control.measure(context)
        except Exception as error:  # noqa: BLE001 whatever it is, the other controls are worth having, and the verdict names it
            failed[control.name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        for by_control, result in zip(results, measured, strict=True):
            if result is not None:
                by_control[control.name] = result
    return [
        ControlRecord(network=name, group=group, site=context.site, results=by_control, failed=failed)
        for name, by_control in zip(names, results, strict=True)
    ]


def controls_of(names: Sequence[str]) -> list[AbstractControl[object]]:
    """The controls with these names, each once, in the order in which evidence lists them.

    Args:
        names: Names of registered controls, in any order; other names are ignored.
    """
    return [CONTROLS.get(name)() for name in CONTROLS if name in names]
