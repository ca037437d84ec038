"""The control `power`: in what share of networks with planted variables the same searches find them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from interlocus.alignment.dimensions import mean_size
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.controls.ground_truth.planting import ADMITTED_IIA, Plantable, Planted, PlantingRequest
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.core.errors import SpecificationError
from interlocus.core.json_record import JsonRecord
from interlocus.core.random import derived_generator
from interlocus.core.statistics import clopper_pearson
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.validation import can_be_trained
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import Portfolio
from interlocus.tasks import AbstractTask

PLANTED_COUNT = 17
"""Networks that are searched. If all 17 are found, the lower end of the share is .805; of 16 it would be .794, which is
less than the required .80."""
IIA_TOLERANCE = 0.02
"""A planted variable with a true IIA below 1 counts as found if the best IIA is at most this much lower."""
ALLOWED_FAILURES = 4
"""Networks that are trained in addition, since training stops before the slowest ones converge."""
MAX_PLANTING_ROUNDS = 3
"""Maximal number of rounds of planting, if planting fails in some networks."""
SEED_STRIDE = 100
"""Difference between the seeds of two rounds. A round also uses some of the seeds that follow its own."""
GIVE_UP_AFTER = 3
"""Number of failures without any success after which planting ends."""


@dataclass(frozen=True, kw_only=True)
class Power:
    """The power of a search: in how many networks with planted variables it finds them, for the hardest recipe.

    Args:
        kind: Name of the planting recipe.
        found: Number of networks in which the variables were found.
        of: Number of networks that were searched.
    """

    kind: str
    found: int
    of: int

    @property
    def low(self) -> float:
        """Lower end of the exact 95 % interval of the share found.

        The hardest recipe of several needs no correction: power is claimed only if every recipe shows it.
        """
        return clopper_pearson(self.found, self.of)[0]


@dataclass(frozen=True, kw_only=True)
class PlantedResult(JsonRecord):
    """The results of searches in networks that were planted with one recipe.

    Args:
        kind: Name of the planting recipe.
        planted: For each network the true IIA, that of the planted subspace.
        best: For each network the highest IIA of the searches, which end with the first that finds the variables.
        hits: For each network whether the variables were found. If its true IIA is below 1, an IIA near it is enough.
        left_out: Number of networks in which planting failed.
    """

    kind: str
    planted: tuple[float, ...]
    best: tuple[float, ...]
    hits: tuple[bool, ...]
    left_out: int

    @property
    def found(self) -> int:
        """Number of networks in which the variables were found."""
        return sum(self.hits)

    @property
    def count(self) -> int:
        """Number of networks that were searched."""
        return len(self.hits)

    @property
    def power(self) -> Power:
        """The counts that a verdict uses."""
        return Power(kind=self.kind, found=self.found, of=self.count)


def hardest_of(measured: Sequence[PlantedResult], least: float) -> PlantedResult | None:
    """The result of the recipe with the lowest power.

    It is `None` while recipes are left to measure and none of the measured ones is below the threshold.

    Args:
        measured: The results so far, one for each recipe.
        least: Threshold for the lower end of the share that is found, from 0 to 1.
    """
    hardest = min((result for result in measured if result.count), key=lambda result: result.power.low, default=None)
    if hardest is None or (len(measured) < len(PLANTING_RECIPES) and hardest.power.low >= least):
        return None
    return hardest


def measure_planted(
    portfolio: Portfolio,
    task: AbstractTask,
    likes: Sequence[Plantable],
    site: str,
    kind: str,
    *,
    thresholds: Thresholds,
    device: str = "cpu",
    on_progress: Callable[[float], None] = lambda share: None,
) -> PlantedResult:
    """Plant the variables of a portfolio's hypothesis in networks of one architecture, and search them there.

    Args:
        portfolio: The searches, and the hypothesis whose variables are planted.
        task: The task that the networks solve.
        likes: Networks of that architecture: perceptrons in one stack, or single modules.
        site: Name of the site.
        kind: Name of the way of planting, a key of `PLANTING_RECIPES`.
        thresholds: The scores from which a variable counts as found.
        device: Device of the searches, `"cpu"` or `"cuda"`.
        on_progress: Called with the share of the networks that are done, from 0 to 1.
    """
    recipe = PLANTING_RECIPES[kind]
    # a seed of its own, so that no planted network is a network of the study; "twins" names the random stream
    seed = derived_generator(portfolio.seed, "twins", recipe.random_stream).initial_seed() % 2**31
    stacked = isinstance(likes[0], MLP)
    count, allowed_failures = (PLANTED_COUNT + ALLOWED_FAILURES, ALLOWED_FAILURES) if stacked else (1, 0)
    rounds: list[PlantedResult] = []
    for number in range(MAX_PLANTING_ROUNDS if stacked else MAX_PLANTING_ROUNDS * PLANTED_COUNT):
        try:
            request = PlantingRequest(
                task=task,
                hypothesis=portfolio.hypothesis,
                site=site,
                like=likes[number % len(likes)],
                count=count,
                allowed_failures=allowed_failures,
                seed=seed + SEED_STRIDE * number,
            )
            planted = recipe.plant(request)
        except SpecificationError:  # for instance variables that depend on the same inputs have no neurons of their own
            return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=count)
        rounds.append(search_planted(portfolio, task, planted, site, kind, thresholds=thresholds, device=device))
        made = sum(result.count for result in rounds)
        on_progress(min(1.0, made / PLANTED_COUNT))
        if made >= PLANTED_COUNT or (not made and count * len(rounds) >= GIVE_UP_AFTER):
            break  # there are enough, or planting does not succeed here
    return _combined(rounds)


def _combined(rounds: Sequence[PlantedResult]) -> PlantedResult:
    """The results of all rounds as one, with the first `PLANTED_COUNT` networks."""
    return PlantedResult(
        kind=rounds[0].kind,
        planted=tuple(iia for one in rounds for iia in one.planted)[:PLANTED_COUNT],
        best=tuple(iia for one in rounds for iia in one.best)[:PLANTED_COUNT],
        hits=tuple(hit for one in rounds for hit in one.hits)[:PLANTED_COUNT],
        left_out=sum(one.left_out for one in rounds),
    )


def search_planted(
    portfolio: Portfolio,
    task: AbstractTask,
    planted: Planted,
    site: str,
    kind: str,
    *,
    thresholds: Thresholds,
    device: str = "cpu",
) -> PlantedResult:
    """Search the networks in which planting succeeded. The arguments are those of `measure_planted`.

    The largest size is searched first. A network is not searched further once its variables are found.
    """
    admitted = planted.admitted
    left_out = len(planted.scores) - len(admitted)
    if not admitted:
        return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=left_out)
    hypothesis, data = task.hypothesis(portfolio.hypothesis), portfolio.data(task)
    comparisons = 2 * len(portfolio.featurizers) * len(portfolio.sizes)  # in the full state and inside
    best, hits = [0.0] * len(admitted), [False] * len(admitted)
    *smaller, largest = sorted(portfolio.sizes, key=mean_size)
    for featurizer, sizes in itertools.product(portfolio.featurizers, ([largest], smaller)):
        remaining = [place for place, hit in enumerate(hits) if not hit]
        if not remaining or not sizes:
            continue
        request = portfolio.request(site, (hypothesis,), sizes=sizes, featurizer=featurizer)
        networks: AbstractNetworks = planted.networks.select([admitted[place] for place in remaining]).to(device)
        for result in solve(networks, data, request):
            for restarts in result.sizes:
                score, place = restarts.best.score, remaining[result.network]
                effects = [
                    Effect.from_score(
                        score, variable, featurizer=featurizer, size=restarts.size, comparisons=comparisons
                    )
                    for variable in hypothesis.variables
                ]
                best[place] = max(best[place], score.iia)
                hits[place] = hits[place] or _passes(effects, planted.scores[admitted[place]].iia, thresholds)
    return PlantedResult(
        kind=kind,
        planted=tuple(planted.scores[i].iia for i in admitted),
        best=tuple(best),
        hits=tuple(hits),
        left_out=left_out,
    )


def _passes(effects: Sequence[Effect], true_iia: float, thresholds: Thresholds) -> bool:
    """Whether all variables count as found; if the true IIA is low, whether the IIA comes near it."""
    if true_iia >= ADMITTED_IIA:
        return all(is_found(effect, thresholds) for effect in effects)
    return effects[0].iia >= true_iia - IIA_TOLERANCE


class PowerControl(AbstractControl[Power]):
    """The power of the portfolio's searches, for the hardest planting recipe. It is measured if a verdict needs it."""

    name = "power"
    description = (
        "where nothing was found, the same searches were made in networks in which the variables were planted; they "
        "have to find them in a share whose lower end is {power:g}"
    )
    deferred = True

    def measure(self, context: ControlContext) -> list[Power | None]:
        networks, measured = context.networks, list[PlantedResult]()
        if not (isinstance(networks, Plantable) and can_be_trained(networks)):
            return [None] * len(networks)
        for number, kind in enumerate(PLANTING_RECIPES):
            context.on_progress(number / len(PLANTING_RECIPES))
            measured.append(
                measure_planted(
                    context.portfolio, context.task, [networks], context.site, kind, thresholds=context.thresholds
                )
            )
            hardest = hardest_of(measured, context.thresholds.power)
            if hardest is not None:
                return [hardest.power] * len(networks)
        return [None] * len(networks)

    def evidence(self, result: Power | None, context: EvidenceContext) -> list[Evidence]:
        if context.impossible is not None:
            return [Evidence(control="power", text=f"None is needed: {context.impossible}.", passes=None)]
        if result is None:
            text = "The search was not tried on planted variables."
            return [Evidence(control="power", text=text, passes=None)]
        return [
            Evidence(
                control="power",
                text=f"The same search finds {result.found} of {result.of} planted variables ({result.kind}): at least "
                f"{result.low:.2f}; {context.thresholds.power:g} is required.",
                passes=result.low >= context.thresholds.power,
            )
        ]
