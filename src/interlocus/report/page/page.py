"""A run -> one page that opens from disk, in light or dark mode, without a network connection.

A new section is a part of `templates/report.html.jinja`, or comes with a new figure. The template sees the run itself
and what is laid out for it: heat maps with details (`heat_maps`), verdicts (`verdict_grid`), figures (`sections`) and
the methods paragraph (`methods_paragraph`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from interlocus.core.plugins import FEATURIZERS, STARTS
from interlocus.report.figures import save_figures
from interlocus.report.figures._base import hypotheses, hypothesis_text, starts_of
from interlocus.report.page.heat_maps import heat_map_details
from interlocus.report.page.methods_paragraph import methods_text
from interlocus.report.page.rendering import render_page
from interlocus.report.page.sections import FigureSection, figure_sections
from interlocus.report.page.verdict_grid import verdict_grid
from interlocus.report.questions import EASY_TO_FIND, VARIABLES_FIRST
from interlocus.studies.results.answers import SOLVED_WITHIN, restarts
from interlocus.studies.run import Run


def write_report(run: Run) -> Path:
    """Write the figures and the page of a run into its folder.

    Args:
        run: A run, finished or not; what it does not hold yet is named on the page.

    Returns:
        The path of the page, `report.html` in the run folder.

    Raises:
        RunFolderError: The folder cannot be written.
    """
    sections = figure_sections(save_figures(run))
    run.store.write(run.store.page, _page(run, sections).encode())
    return run.store.page


def _page(run: Run, sections: Sequence[FigureSection]) -> str:
    study, folder = run.study, str(run.store.folder)
    maps, grid = heat_map_details(run), verdict_grid(run)
    return render_page(
        "report.html.jinja",
        {
            "run": run,
            "study": study,
            "sections": sections,
            "maps": maps.maps,
            "grid": grid,
            "data": {"entries": maps.entries, "verdicts": grid.verdicts},
            "questions": {"direct": VARIABLES_FIRST, "search": EASY_TO_FIND},
            "answer": run.answer,
            "hypothesis_texts": {name: hypothesis_text(study, name) for name in hypotheses(study)},
            "featurizers": FEATURIZERS.entries(),
            "restart_counts": starts_of(study),
            "starts": STARTS.entries(),
            "methods": methods_text(run),
            "solved_shares": _solved_shares(run),
            "solved_within": f"{SOLVED_WITHIN:g}",
            "incomplete": run.incomplete,
            "times": _search_times(run),
            "settings": yaml.safe_dump(study.to_dict(), sort_keys=False, allow_unicode=True, default_flow_style=None),
            "again": shlex.join(["interlocus", "report", folder]),
            "resume": shlex.join(["interlocus", "study", str(run.store.folder / "study.yaml"), "--out", folder]),
        },
    )


def _solved_shares(run: Run) -> list[tuple[str, dict[str, float]]]:
    """For each site the share of restarts that came near the best, by start."""
    by_site = restarts(run.study, list(run.records))
    return [(site, {reached.start: reached.share for reached in starts}) for site, starts in by_site.items()]


def _search_times(run: Run) -> list[tuple[str, list[float]]]:
    """For each group that was searched, the seconds that its searches took at each site."""
    spent: dict[tuple[str, str], float] = {}
    for record in run.records:
        place = record.trial.group, record.trial.site
        spent[place] = spent.get(place, 0.0) + record.seconds
    return [
        (group.name, [spent.get((group.name, site), 0.0) for site in run.study.sites])
        for group in run.study.networks
        if any(name == group.name for name, _ in spent)
    ]
