"""Published scores of the same kinds of networks, beside ours.

The numbers are in `reference/published.csv`. Those of arXiv 2507.08802 come from its published result files, over ten
networks each. Those of arXiv 2303.02536 come from its table, which seems to hold the best of three seeds.
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
"""For a published method the featurizer, and the start if the method is defined by it."""


@dataclass(frozen=True, kw_only=True)
class PublishedScore:
    """One published score.

    Args:
        source: The paper, and where in it the score stands.
        networks: `trained`, `untrained`, or what was planted in the networks.
        task: Name of the task, in our terms.
        hypothesis: Name of the hypothesis, in our terms.
        method: Name of the method, in the terms of the paper.
        site: Name of the site.
        size: Features per variable, equal for all variables.
        mean: Mean IIA over networks; `None` where only the best is published.
        lowest: Smallest IIA of a network; `None` where it is not published.
        highest: Largest IIA of a network; `None` where it is not published.
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
        """The mean, or if it is not published the largest IIA."""
        return self.highest if self.mean is None else self.mean

    def __str__(self) -> str:
        paper = " ".join(self.source.split()[:2]).rstrip(",")
        if self.mean is None:
            return f"{self.value:.3f} ({paper}, apparently the best of a few)"
        return f"{self.mean:.3f} ({paper}, networks from {self.lowest:.3f} to {self.highest:.3f})"


@dataclass(frozen=True, kw_only=True)
class PublishedComparison:
    """A published score and ours.

    Args:
        published: The published score, with its source.
        group: Name of our network group.
        map: Our featurizer, with its schedule if that has a name.
        iia: Our mean IIA over networks, with Student's interval.
    """

    published: PublishedScore
    group: str
    map: str
    iia: Interval


@cache
def published() -> tuple[PublishedScore, ...]:
    """All published scores that are shipped."""
    text = resources.files("interlocus.studies.results").joinpath("reference/published.csv").read_text(encoding="utf-8")
    return tuple(map(_from_row, csv.DictReader(text.splitlines())))


def _from_row(row: Mapping[str, str]) -> PublishedScore:
    def number(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return PublishedScore(
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


def compare_with_published(study: Study, lines: Sequence[Line]) -> list[PublishedComparison]:
    """The published scores of networks like those of a study, each beside ours.

    Networks are alike if they are ReLU networks of the published widths and, in hierarchical equality, have uniform
    items. A published score that is the best of a few seeds is compared with lines of several restarts a network only.

    Args:
        study: The study that the lines belong to.
        lines: Its lines. Where no networks are alike, the result is empty.
    """
    kinds = {group.name: _kind(study, group) for group in study.networks}
    return [
        PublishedComparison(published=score, group=line.group, map=line.map, iia=entry.iia)
        for line in lines
        for entry in line.sizes
        for score in published()
        if score.value is not None
        and (score.networks, score.task) == (kinds[line.group], study.task.name)
        and (score.hypothesis, score.site, score.size) == (line.hypothesis, line.site, entry.size)
        and _is_same_method(score, line, entry)
    ]


def _kind(study: Study, group: NetworkGroup) -> str | None:
    """The word of the reference for such networks; `None` where it has none like them."""
    uniform = (study.task.model_extra or {}).get("items") == "uniform" or study.task.name != "hierarchical_equality"
    alike = group.network == "mlp" and group.activation == "relu" and group.hidden == _WIDTHS.get(study.task.name)
    if not (uniform and alike) or group.until is not None or group.examples is not None:
        return None
    return "trained" if group.trained else "untrained"


def _is_same_method(score: PublishedScore, line: Line, entry: SizeLine) -> bool:
    featurizer, start = _MAPS.get(score.method, ("", ""))
    if line.featurizer != featurizer or (start and list(entry.solved) != [start]):
        return False
    several_restarts = sum(solved.count for solved in entry.solved.values()) > line.networks
    return several_restarts or score.mean is not None or bool(start)


def published_sentences(comparisons: Sequence[PublishedComparison]) -> list[str]:
    """One sentence for each site.

    Args:
        comparisons: The comparisons that `compare_with_published` gives.
    """
    sentences = []
    for site in dict.fromkeys(comparison.published.site for comparison in comparisons):
        parts = [
            f"{comparison.map} at size {comparison.published.size} {comparison.iia}, published {comparison.published}"
            for comparison in comparisons
            if comparison.published.site == site
        ]
        sentences.append(f"{site}: {'; '.join(parts)}.")
    return sentences
