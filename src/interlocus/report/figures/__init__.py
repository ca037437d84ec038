"""The figures of a run, one file a kind, found through the registry `core.plugins.FIGURES`.

Nothing is computed here: means and intervals come from `studies.results`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from interlocus.core.plugins import FIGURES
from interlocus.report.figures._base import AbstractFigure, Picture, Section, fix_layout, render
from interlocus.studies.run import Run

__all__ = ["AbstractFigure", "Picture", "SavedPicture", "Section", "figures", "render", "save_figures"]


@dataclass(frozen=True, kw_only=True)
class SavedPicture:
    """A picture in the run folder.

    Args:
        section: Section of the page that shows it; `None` for a picture that is only a file.
        label: What it shows, in words.
        caption: Text below the picture.
        group: Group of networks under which the page folds it; empty where it is not folded.
        path: The SVG file; a PNG file of the same name stands beside it.
    """

    section: Section | None
    label: str
    caption: str
    group: str
    path: Path


def figures(run: Run) -> dict[str, Figure]:
    """Every figure that the run holds anything for, by the name of its file without the ending."""
    return {_file_name(figure, picture): picture.drawing for figure, picture in _pictures(run)}


def save_figures(run: Run) -> list[SavedPicture]:
    """Write every figure as SVG and PNG into the folder `figures` of the run.

    Raises:
        RunFolderError: The folder cannot be written.
    """
    folder = run.store.folder / "figures"
    with suppress(OSError):  # the first write reports what is wrong
        folder.mkdir(exist_ok=True)
    saved = []
    for figure, picture in _pictures(run):
        path = folder / f"{_file_name(figure, picture)}.svg"
        fix_layout(picture.drawing)
        run.store.write(path, render(picture.drawing, "svg"))
        run.store.write(path.with_name(f"{_file_name(figure, picture)}.png"), render(picture.drawing, "png"))
        saved.append(
            SavedPicture(
                section=figure.section,
                label=figure.label.format(subject=picture.subject),
                caption=figure.caption.format(subject=picture.subject),
                group=picture.group,
                path=path,
            )
        )
    return saved


def _pictures(run: Run) -> Iterator[tuple[AbstractFigure, Picture]]:
    for name in FIGURES:
        figure: AbstractFigure = FIGURES.get(name)()
        if figure.available(run):
            yield from ((figure, picture) for picture in figure.draw(run))


def _file_name(figure: AbstractFigure, picture: Picture) -> str:
    return f"{figure.name}_{picture.suffix}" if picture.suffix else figure.name
