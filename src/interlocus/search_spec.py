"""What every network of a study is put to, as a person writes it."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from interlocus.budget import Count, Phase, VariableSizes, Written
from interlocus.causal import Hypothesis
from interlocus.size import Size, size_for

Item = TypeVar("Item")
Some = Annotated[tuple[Item, ...], Field(min_length=1)]


class SearchSpec(Written):
    """Searches that every network is put to.

    Args:
        hypotheses: what for.
        sizes: features a variable, each of which is searched: one number for all variables, or one for each,
            `{left: 4, right: 2}`.
        featurizers: with which maps; those whose name ends in `overlapping` let variables share directions.
        sites: where, of the sites of the study; without it, at all of them.
        schedule: a name for how these searches begin and go on, where that is not as in the rest of the study. Entries
            of different schedules are kept apart in every table.
        starts: where they begin; without it, as the study says.
        phases: how they go on; likewise.
    """

    hypotheses: Some[str]
    sizes: Some[VariableSizes]
    featurizers: Some[str] = ("rotation",)
    sites: tuple[str, ...] = ()
    schedule: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]*)?$")
    starts: dict[str, Count] = Field(default_factory=dict)
    phases: tuple[Phase, ...] = ()

    def at(self, site: str) -> bool:
        """Whether it is asked at a site."""
        return not self.sites or site in self.sites

    def sizes_for(self, hypothesis: Hypothesis) -> tuple[Size, ...]:
        """The sizes, for the variables of one hypothesis."""
        return tuple(size_for(size, hypothesis.variables, hypothesis.name) for size in self.sizes)


Control = Literal["used", "purity", "power", "decodable", "aside", "shuffled", "decoy"]
"""What is measured beside the searches: the used subspace and what is found inside it, how much of the operands rides
along there, whether the searches find planted variables, what probes can tell from the activations, further figures of
the best alignment (`interlocus.asides`), what the whole portfolio reaches with shuffled labels, and what it makes of
networks in which the variables can be decoded and nobody reads them (`interlocus.decoyed`)."""
CONTROLS_BY_DEFAULT: tuple[Control, ...] = ("used", "purity", "power", "decodable", "aside")
"""All but the shuffled labels, which take as long as the searches and are no higher a bar than untrained networks, and
the decoys, which take as long as planting."""
