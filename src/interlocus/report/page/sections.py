"""The sections of the page that hold figures, in the order of the registry of figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from interlocus.core.plugins import FIGURES
from interlocus.report.figures import SavedPicture, Section
from interlocus.report.page.svg import InlinePicture, inline_picture


@dataclass(frozen=True, kw_only=True)
class PictureBlock:
    """Pictures that stand together.

    Args:
        group: Name of the group of networks under which they are folded; empty where they are not folded.
        pictures: One or more pictures.
    """

    group: str
    pictures: tuple[InlinePicture, ...]


@dataclass(frozen=True, kw_only=True)
class FigureSection:
    """A section with its pictures.

    Args:
        section: Anchor, title and introduction.
        blocks: Its pictures; none in a section that is required without them.
    """

    section: Section
    blocks: tuple[PictureBlock, ...]


def figure_sections(saved: Sequence[SavedPicture]) -> list[FigureSection]:
    """The sections that have a picture or are required, in the order of the registry."""
    sections: dict[str, Section] = {}
    for name in FIGURES:
        if section := FIGURES.get(name).section:
            sections.setdefault(section.anchor, section)
    laid_out = [FigureSection(section=section, blocks=_blocks(section, saved)) for section in sections.values()]
    return [section for section in laid_out if section.blocks or section.section.required]


def _blocks(section: Section, saved: Sequence[SavedPicture]) -> tuple[PictureBlock, ...]:
    shown = [picture for picture in saved if picture.section is not None and picture.section.anchor == section.anchor]
    return tuple(
        PictureBlock(
            group=group, pictures=tuple(inline_picture(picture) for picture in shown if picture.group == group)
        )
        for group in dict.fromkeys(picture.group for picture in shown)
    )
