"""A run -> one page that opens from disk, in any light, without a network connection.

The page is written with the figures: what it shows is what lies in `figures/`. A new section is a part of
`templates/report.html.jinja`, which sees the run itself.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from interlocus.figures import save_figures
from interlocus.registry import FEATURIZERS, STARTS
from interlocus.run import Run

Kind = Literal["heat_map", "size_curve"]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on the page.

    Args:
        kind: which kind of figure.
        hypothesis: what it shows.
        width: in points.
        drawing: what stands in the `<svg>` tag after its name, and all that follows.
    """

    kind: Kind
    hypothesis: str
    width: float
    drawing: str


def write_report(run: Run) -> Path:
    """Write the figures and the page into the run folder; returns the path of the page.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    pictures = [_picture(name, path) for name, path in save_figures(run).items()]
    run.store.write(run.store.page, _page(run, pictures).encode())
    return run.store.page


def _page(run: Run, pictures: list[Picture]) -> str:
    environment = Environment(loader=PackageLoader("interlocus"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {"digits": _digits, "duration": _duration}
    task, folder = run.study.task.build(), str(run.store.folder)
    names = dict.fromkeys(name for search in run.study.searches for name in search.hypotheses)
    return environment.get_template("report.html.jinja").render(
        run=run,
        study=run.study,
        pictures=pictures,
        variables={name: task.hypothesis(name).variables for name in names},
        featurizers=FEATURIZERS.entries(),
        starts=STARTS.entries(),
        settings=yaml.safe_dump(run.study.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None),
        again=shlex.join(["interlocus", "report", folder]),
        resume=shlex.join(["interlocus", "study", str(run.store.folder / "study.yaml"), "--out", folder]),
    )


def _picture(name: str, path: Path) -> Picture:
    """An SVG file, made fit for a page that holds others."""
    kind: Kind = "heat_map" if name.startswith("heat_map") else "size_curve"
    _, _, drawing = path.read_text(encoding="utf-8").partition("<svg")  # what stands before it is for a file of its own
    width = float(drawing.partition('width="')[2].partition("pt")[0])
    drawing = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{name}-", drawing)  # an id occurs once in a page
    return Picture(kind=kind, hypothesis=name.removeprefix(f"{kind}_"), width=width, drawing=drawing)


def _digits(value: float) -> str:
    return f"{value:.3f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
