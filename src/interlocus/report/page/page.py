"""A run -> one page that opens from disk, in any light, without a network connection.

The page is written with the figures: what it shows is what lies in `figures/`. A new section is a part of
`templates/report.html.jinja`, which sees the run itself and what is laid out for it: heat maps and what is behind their
entries (`details`), verdicts (`strips`), drawings (`pictures`), the methods paragraph (`methods_text`).
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from interlocus.core.plugins import FEATURIZERS, STARTS
from interlocus.core.statistics import Interval
from interlocus.report.figures import save_figures
from interlocus.report.figures._base import starts_of
from interlocus.report.page.colours import scale_css, step
from interlocus.report.page.heat_maps import details
from interlocus.report.page.methods_paragraph import methods_text
from interlocus.report.page.svg import Picture, picture
from interlocus.report.page.verdict_grid import MARKS, counts, strips
from interlocus.studies.results.answers import SOLVED_WITHIN, restarts
from interlocus.studies.results.verdicts import INPUT_SITE
from interlocus.studies.run import Run


def write_report(run: Run) -> Path:
    """Write the figures and the page into the run folder; returns the path of the page.

    Raises:
        RunFolderError: the folder cannot be written.
    """
    drawn = save_figures(run, run.projections)
    pictures = [one for name, path in drawn.items() if (one := picture(name, path))]
    run.store.write(run.store.page, _page(run, pictures).encode())
    return run.store.page


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A page from one of our templates; whatever comes from a user is escaped, and no other script can run."""
    environment = Environment(
        loader=PackageLoader("interlocus.report.page"), autoescape=True, undefined=StrictUndefined
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {
        "digits": _digits,
        "duration": _duration,
        "interval": _interval,
        "step": step,
        "counts": counts,
    }
    script = resources.files("interlocus.report.page").joinpath("templates/report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    own = {"script": Markup(script), "script_hash": digest, "scale": Markup(scale_css())}  # noqa: S704 ours, not a user's
    return environment.get_template(template).render(own | dict(values))


def _page(run: Run, pictures: Sequence[Picture]) -> str:
    study, folder = run.study, str(run.store.folder)
    task, found, judged = study.task.build(), details(run), strips(run)
    names = dict.fromkeys(name for search in study.searches for name in search.hypotheses)
    return fill(
        "report.html.jinja",
        {
            "run": run,
            "study": study,
            "pictures": pictures,
            "maps": found.maps,
            "judged": judged,
            "marks": MARKS,
            "data": {"entries": found.entries, "verdicts": judged.verdicts},
            "answers": {name: _paragraphs(run, text) for name, text in run.answer.items()},
            "variables": {name: task.hypothesis(name).variables for name in names},
            "featurizers": FEATURIZERS.entries(),
            "begun": starts_of(study),
            "starts": STARTS.entries(),
            "methods": methods_text(run),
            "easy": [
                (site, {one.start: one.share for one in own})
                for site, own in restarts(study, list(run.records)).items()
            ],
            "near": f"{SOLVED_WITHIN:g}",
            "lacking": _lacking(run),
            "times": _times(run),
            "settings": yaml.safe_dump(study.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None),
            "again": shlex.join(["interlocus", "report", folder]),
            "resume": shlex.join(["interlocus", "study", str(run.store.folder / "study.yaml"), "--out", folder]),
        },
    )


def _paragraphs(run: Run, text: str) -> list[tuple[str, str]]:
    """An answer in parts: what is said of each family under its name, and the rest without one."""
    parts, name, rest = [], "", text
    for group in (group.name for group in run.study.networks):
        before, found, after = rest.partition(f"{group}: ")
        if found and (not before or before.endswith(" ")):
            parts.append((name, before.strip()))
            name, rest = group, after
    parts.append((name, rest.strip()))
    return [(name, said) for name, said in parts if said]


def _lacking(run: Run) -> list[str]:
    """Controls that the study asks for and the folder does not hold, and networks that are gone."""
    study, task = run.study, run.study.task.build()
    lacking = []
    for group in study.networks:
        gone = [name for name in group.networks if not run.store.network_path(name).is_file()]
        if gone:
            lacking.append(f"the networks {', '.join(gone)}")
        for site in study.sites:
            if group.trained and study.controls and site != INPUT_SITE and site in group.sites(task):
                bare = [name for name in group.networks if (name, site) not in run.controls]
                if bare:
                    lacking.append(f"controls at {site} of {', '.join(bare)}")
    return lacking


def _times(run: Run) -> list[tuple[str, list[float]]]:
    """For each family the seconds that its searches took, by site."""
    spent: dict[tuple[str, str], float] = {}
    for record in run.records:
        place = record.trial.group, record.trial.site
        spent[place] = spent.get(place, 0.0) + record.seconds
    return [
        (group.name, [spent.get((group.name, site), 0.0) for site in run.study.sites])
        for group in run.study.networks
        if any(name == group.name for name, _ in spent)
    ]


def _interval(value: Interval) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"


def _digits(value: float) -> str:
    return f"{value:.3f}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
