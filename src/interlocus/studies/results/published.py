"""What others have published about the same networks, and ours beside it.

The figures lie in `reference/published.csv`: for arXiv 2507.08802 from its published result files, over ten networks
each; for arXiv 2303.02536 from its table, which seems to hold the best of three seeds.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from interlocus.core.statistics import Interval
from interlocus.studies.results.summary import Line, SizeLine
from interlocus.studies.spec.networks import NetworkGroup
from interlocus.studies.spec.study import Study

_TASKS: Mapping[str, str] = {"hierarchical equality": "hierarchical_equality", "distributive law": "distributive_law"}
_WIDTHS: Mapping[str, tuple[int, ...]] = {"hierarchical_equality": (16, 16, 16), "distributive_law": (24, 24, 24)}
_HYPOTHESES: Mapping[str, str] = {"And-Or-And": "and_or_and", "And-Or": "and_or"}
_MAPS: Mapping[str, tuple[str, str]] = {
    "rotation": ("rotation", ""),
    "coupling (RevNet 10 blocks)": ("coupling", ""),
    "greedy neurons": ("identity", "neurons_greedy"),
    "window of neurons": ("identity", "neurons_window"),
}
"""For a published method the featurizer, and the start where that decides."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """One published score.

    Args:
        source: where it stands.
        networks: `trained`, `untrained`, or what was planted.
        task: by our name, like the hypothesis; `method` is as published.
        site: where.
        size: features a variable.
        mean: over networks, with the lowest and the highest; `None` where only the best is published.
        lowest: likewise.
        highest: the best.
    """

    source: str
    networks: str
    task: str
    hypothesis: str
    method: str
    site: str
    size: int
    mean: float | None
    lowest: float | None
    highest: float | None

    @property
    def value(self) -> float | None:
        """The mean, or where that is not published the best."""
        return self.highest if self.mean is None else self.mean

    def __str__(self) -> str:
        paper = " ".join(self.source.split()[:2]).rstrip(",")
        if self.mean is None:
            return f"{self.value:.3f} ({paper}, apparently the best of a few)"
        return f"{self.mean:.3f} ({paper}, networks from {self.lowest:.3f} to {self.highest:.3f})"


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One published score, and ours.

    Args:
        published: the score.
        group: of our networks.
        map: our class of maps, with its schedule.
        iia: our mean over networks.
    """

    published: Published
    group: str
    map: str
    iia: Interval


@cache
def published() -> tuple[Published, ...]:
    """Every published score that is shipped."""
    text = resources.files("interlocus.studies.results").joinpath("reference/published.csv").read_text(encoding="utf-8")
    return tuple(map(_read, csv.DictReader(text.splitlines())))


def _read(row: Mapping[str, str]) -> Published:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Published(
        source=row["source"],
        networks=row["networks"],
        task=_TASKS.get(row["task"], row["task"]),
        hypothesis=_HYPOTHESES.get(row["hypothesis"], row["hypothesis"]),
        method=row["map"],
        site=row["site"],
        size=int(row["size_per_variable"]),
        mean=number("iia_mean"),
        lowest=number("iia_min"),
        highest=number("iia_max"),
    )


def beside_published(study: Study, lines: Sequence[Line]) -> list[Beside]:
    """For each published score of networks like those of a study what the study has; nothing where none are alike.

    Alike are ReLU networks of the published widths, in hierarchical equality with uniform items. Of a score that is the
    best of a few seeds the counterpart is a line with several attempts a network.
    """
    groups = {group.name: _of_kind(study, group) for group in study.networks}
    found = []
    for line in lines:
        for entry in line.sizes:
            for one in published():
                about = one.networks, one.task, one.hypothesis, one.site, one.size
                ours = groups[line.group], study.task.name, line.hypothesis, line.site, entry.size
                if about == ours and one.value is not None and _same_method(one, line, entry):
                    found.append(Beside(published=one, group=line.group, map=line.map, iia=entry.iia))
    return found


def _of_kind(study: Study, group: NetworkGroup) -> str | None:
    """As the reference calls such networks; `None` where it has none like them."""
    uniform = (study.task.model_extra or {}).get("items") == "uniform" or study.task.name != "hierarchical_equality"
    alike = group.network == "mlp" and group.activation == "relu" and group.hidden == _WIDTHS.get(study.task.name)
    if not (uniform and alike) or group.until is not None or group.examples is not None:
        return None
    return "trained" if group.trained else "untrained"


def _same_method(one: Published, line: Line, entry: SizeLine) -> bool:
    featurizer, start = _MAPS.get(one.method, ("", ""))
    if line.featurizer != featurizer or (start and list(entry.solved) != [start]):
        return False
    several = sum(solved.count for solved in entry.solved.values()) > line.networks
    return several or one.mean is not None or bool(start)


def sentences(found: Sequence[Beside]) -> list[str]:
    """One sentence a site."""
    said = []
    for site in dict.fromkeys(one.published.site for one in found):
        parts = [
            f"{one.map} at size {one.published.size} {one.iia}, published {one.published}"
            for one in found
            if one.published.site == site
        ]
        said.append(f"{site}: {'; '.join(parts)}.")
    return said
