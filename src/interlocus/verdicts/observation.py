"""What a verdict looks at: everything that was measured of one variable at one site of one network, as numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from interlocus.alignment.dimensions import Size
from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.ground_truth.planted_result import Power


@dataclass(frozen=True, kw_only=True)
class UsedSubspaceEvidence:
    """What was measured inside the subspace that the rest of the network needs.

    Args:
        rank: Number of directions of the subspace.
        width: Number of activations of the site, at least `rank`.
        agreement: Share of its own answers that the network keeps with the rest of the state from another example.
        effects: Effects of the searches inside; empty if it has fewer directions than there are variables.
        output: For each size the lower end of the output's IIA inside.
        changed: Share of the network's answers that change when the whole state comes from another example.
        natural: IIA of the site's alignment in the full state, with exchanged states kept within the range of natural
            ones; `None` where it was not measured.
        natural_inside: The same of what is found inside; `None` where nothing is, or where it was not measured.
    """

    rank: int
    width: int
    agreement: float
    effects: tuple[Effect, ...]
    output: dict[Size, float]
    changed: float = 1.0
    natural: float | None = None
    natural_inside: float | None = None

    @property
    def highest(self) -> float:
        """The highest upper end of an IIA inside; 0 if there are fewer directions than variables."""
        return max((effect.high for effect in self.effects), default=0.0)


@dataclass(frozen=True, kw_only=True)
class SiteObservation:
    """Everything that is known of a variable at a site of one network.

    Args:
        site: Name of the site.
        variable: Name of the variable.
        hidden: Whether the site is not the input. The input holds everything and computes nothing.
        effects: What searches found in the full state, one effect for each featurizer and size; at least one.
        no_effect: IIA of an intervention that changes nothing.
        one_directional: IIA of a map that can remove a value and not restore it, or the reverse; `None` where there is
            none.
        null: The best IIA of all searches in untrained networks, or with shuffled labels; `None` where it was not
            measured.
        null_limit: The IIA that a new untrained network would exceed with probability .05, at least `null`; by default
            `null`. A variable is found only above it.
        untrained_count: Number of untrained networks behind `null`; 0 if it is not known.
        untrained: How the parameters of the untrained networks behind `null` were made; empty if that is not known.
        linear_ceiling: IIA that no linear map can exceed here; `None` where there is no such ceiling.
        used: What was measured inside the used subspace; `None` where it was not measured.
        power: How often the searches find a planted variable; `None` where it was not measured.
        decodable: Accuracy with which a linear probe decodes the variable on fresh examples; `None` where it was not
            measured.
        kept_by_values: Share of its answers that the network keeps when each state is replaced by the mean of its cell
            of values of all variables, the lower end; `None` where it was not measured.
        read_as: What suffices for the network's answers where cell means keep them, such as `count(left, right)`;
            `None` where they do not, or where nothing coarser than all values does.
        cases: In which cases an exchange inside the used subspace works, as a sentence; empty where it was not
            measured.
        results: For each control that was measured its result, for the evidence; the fields above decide.
        failed: For each control that failed its error.
    """

    site: str
    variable: str
    hidden: bool
    effects: tuple[Effect, ...]
    no_effect: float
    one_directional: float | None
    null: float | None
    null_limit: float | None = None
    untrained_count: int = 0
    untrained: str = ""
    linear_ceiling: float | None = None
    used: UsedSubspaceEvidence | None = None
    power: Power | None = None
    decodable: float | None = None
    kept_by_values: float | None = None
    read_as: str | None = None
    cases: str = ""
    results: Mapping[str, object] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def chance_level(self) -> float:
        """The highest IIA that was reached without the variable. An absent variable scores no higher."""
        levels = (self.no_effect, self.one_directional, self.null, self.linear_ceiling)
        return max(level for level in levels if level is not None)

    @property
    def null_level(self) -> float:
        """The IIA that untrained networks may reach, 0 if it was not measured; a found effect exceeds it."""
        return max(self.null or 0.0, self.null_limit or 0.0)

    @property
    def power_inside(self) -> Power | None:
        """How often the searches inside the used subspace find a planted variable; `None` if it was not measured."""
        return self.power.inside if self.power is not None else None

    @property
    def impossible(self) -> str | None:
        """Why no search could find the variable here, however good it is; `None` where one could."""
        if self.linear_ceiling is not None:
            return "only linear layers follow this site, so no linear map exceeds that ceiling"
        return None


def is_partial(effect: Effect, observation: SiteObservation, thresholds: Thresholds) -> bool:
    """Whether an effect lies above everything that is reached without the variable, in both directions of change."""
    return (
        not effect.fills
        and effect.low > max(observation.chance_level, observation.null_level, effect.random_directions or 0.0)
        and effect.value_change >= thresholds.value_change
        and effect.answer_change_rate >= thresholds.answer_change_rate
    )
