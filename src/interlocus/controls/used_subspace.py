"""The control `used_subspace`: the directions that the rest of the network needs, and scores inside them."""

from __future__ import annotations

from dataclasses import dataclass

from interlocus.alignment.dimensions import fills_site
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.criteria import is_found
from interlocus.controls.used.natural import natural_iia
from interlocus.controls.used.search import ByFeaturizer, RestrictedResult


@dataclass(frozen=True, kw_only=True)
class UsedSubspaceResult:
    """The used subspace of one network at one site.

    Args:
        rank: Number of directions that the rest of the network needs.
        width: Width of the site, in directions.
        agreement: Share of its own answers that the network keeps with the rest of the state from another example.
        agreement_at_mean: The same share with the rest of the state at its mean.
        changed: Share of its answers that change when the whole state comes from another example.
        lenient_rank: Number of directions that would be enough for an agreement of .99.
        strict_rank: The same for .9999.
        natural: IIA of the site's alignment with exchanged states kept within the range of natural ones; `None` for a
            site without an alignment.
        natural_inside: The same of what is found inside the used subspace, at the size and featurizer where it is
            highest; `None` where nothing is found.
        found: Restarts of every size inside the used subspace, by hypothesis and featurizer.
    """

    rank: int
    width: int
    agreement: float
    agreement_at_mean: float
    found: dict[str, ByFeaturizer]
    changed: float = 1.0
    lenient_rank: int = 0
    strict_rank: int = 0
    natural: float | None = None
    natural_inside: float | None = None

    def restarts_of(self, hypothesis: str) -> ByFeaturizer:
        """The restarts for one hypothesis; empty if it has more variables than the subspace has directions.

        Args:
            hypothesis: Name of the hypothesis, or `OUTPUT` for the output.
        """
        return self.found.get(hypothesis, {})


class UsedSubspaceControl(AbstractControl[UsedSubspaceResult]):
    """The smallest sufficient subspace of a site. An unused copy of a variable lies outside of it."""

    name = "used_subspace"
    description = (
        "the lowest-rank part of a site with which a network keeps {agreement:.1%} of its own answers, the rest taken "
        "from another input, was found, and "
        "the searches were repeated inside it"
    )

    def measure(self, context: ControlContext) -> list[UsedSubspaceResult | None]:
        width = context.networks.width(context.site)
        return [
            UsedSubspaceResult(
                rank=used.rank,
                width=width,
                agreement=used.agreement,
                agreement_at_mean=used.agreement_at_mean,
                found=restricted.restarts,
                changed=used.changed,
                lenient_rank=used.lenient_rank,
                strict_rank=used.strict_rank,
                natural=context.natural[index],
                natural_inside=_natural_inside(context, index, restricted),
            )
            for index, (used, restricted) in enumerate(zip(context.used, context.restricted, strict=True))
        ]

    def evidence(self, result: UsedSubspaceResult | None, context: EvidenceContext) -> list[Evidence]:
        if result is None or context.inside is None:
            text = "It was not measured how many directions the rest of the network needs."
            return [Evidence(control="used subspace", text=text, passes=None)]
        text = f"{result.rank} of {result.width} directions keep {result.agreement:.4f} of the network's own answers "
        text += f"with the rest from another input, {result.agreement_at_mean:.4f} with the rest at its mean "
        text += f"({result.lenient_rank} at .99, {result.strict_rank} at .9999); "
        if not context.inside:
            text += "these are fewer than there are variables."
            return [Evidence(control="used subspace", text=text, passes=False), *_natural_row(result, context)]
        best = max(context.inside, key=lambda effect: effect.iia)
        text += f"inside, IIA {best.iia:.3f} [{best.low:.3f}, {best.high:.3f}] at size {best.size} ({best.featurizer})."
        passes = any(is_found(effect, context.thresholds, context.null_level) for effect in context.inside)
        return [Evidence(control="used subspace", text=text, passes=passes), *_natural_row(result, context)]


def _natural_inside(context: ControlContext, index: int, restricted: RestrictedResult) -> float | None:
    """The highest IIA within the range of natural states, of the linear alignments that are found inside."""
    task, network = context.task, context.networks[index]
    hypothesis = task.hypothesis(context.portfolio.hypothesis)
    lifted = restricted.in_full_state(hypothesis, task, network)
    best: float | None = None
    for restarts, alignment in restricted.alignments(hypothesis, task):
        if restarts.best.score.iia < context.thresholds.found or alignment.featurizer not in lifted:
            continue
        if fills_site(restarts.size, len(hypothesis.variables), network.width(context.site)):
            continue  # no evidence of its own, see `Effect.fills`
        full = lifted[alignment.featurizer][restarts.size]
        best = max(best or 0.0, natural_iia(full, network, task, seed=context.portfolio.seed))
        if best >= context.thresholds.found:
            break
    return best


def _natural_row(result: UsedSubspaceResult, context: EvidenceContext) -> list[Evidence]:
    """Whether exchanges work with states like those that occur."""
    scores = {"in the full state": result.natural, "inside": result.natural_inside}
    shown = [f"{iia:.3f} {place}" for place, iia in scores.items() if iia is not None]
    if not shown:
        return []
    text = f"With exchanged states kept within the range of those that occur, the IIA is {' and '.join(shown)}."
    deciding = result.natural if result.natural_inside is None else result.natural_inside
    passes = None if deciding is None else deciding >= context.thresholds.natural
    return [Evidence(control="natural states", text=text, passes=passes)]
