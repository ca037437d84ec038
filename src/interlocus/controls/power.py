"""The control `power`: in what share of networks with planted variables the same searches find them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from interlocus.alignment.dimensions import mean_size
from interlocus.causal.hypothesis import Hypothesis
from interlocus.controls._base import AbstractControl, ControlContext, Evidence, EvidenceContext
from interlocus.controls.criteria import Effect, Thresholds, is_found
from interlocus.controls.ground_truth.planted_result import (
    INSIDE_KIND,
    PLANTED_COUNT,
    PlantedResult,
    Power,
    networks_to_search,
    power_of,
)
from interlocus.controls.ground_truth.planting import ADMITTED_IIA, Plantable, Planted, PlantingRequest
from interlocus.controls.ground_truth.recipes import PLANTING_RECIPES
from interlocus.controls.used.search import search_restricted
from interlocus.controls.used.subspace import used_subspaces
from interlocus.core.errors import SpecificationError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP, AbstractNetworks
from interlocus.networks.validation import can_be_trained
from interlocus.searches.engine import solve
from interlocus.searches.portfolio import Portfolio
from interlocus.searches.results import Restarts
from interlocus.tasks import AbstractTask

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

    They are planted in the sizes that the portfolio searches, in equal shares.

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
    stacked, variables = isinstance(likes[0], MLP), len(task.hypothesis(portfolio.hypothesis).variables)
    sizes = [size for size in portfolio.sizes if size * variables <= likes[0].width(site)] or [1]
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
                sizes=sizes if stacked else [sizes[number % len(sizes)]],
                allowed_failures=allowed_failures,
                seed=seed + SEED_STRIDE * number,
            )
            planted = recipe.plant(request)
        except SpecificationError:  # for instance variables that depend on the same inputs have no neurons of their own
            return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=count)
        rounds.append(search_planted(portfolio, task, planted, site, kind, thresholds=thresholds, device=device))
        hits = [hit for result in rounds for hit in result.hits]
        needed = networks_to_search(hits)
        on_progress(min(1.0, len(hits) / needed))
        if len(hits) >= needed or (not hits and count * len(rounds) >= GIVE_UP_AFTER):
            break  # there are enough, or planting does not succeed here
    return PlantedResult.combine(rounds, networks_to_search([hit for result in rounds for hit in result.hits]))


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

    The largest size is searched first. A network is not searched further once its variables are found. Networks of the
    kind `INSIDE_KIND` are searched inside their used subspaces as well.
    """
    admitted = planted.admitted
    left_out = len(planted.scores) - len(admitted)
    if not admitted:
        return PlantedResult(kind=kind, planted=(), best=(), hits=(), left_out=left_out)
    hypothesis, data = task.hypothesis(portfolio.hypothesis), portfolio.data(task)
    comparisons = 2 * len(portfolio.featurizers) * len(portfolio.sizes)  # in the full state and inside
    width = planted.networks.width(site)
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
                place = remaining[result.network]
                effects = _effects(restarts, hypothesis, featurizer, comparisons, width)
                best[place] = max(best[place], effects[0].iia)
                hits[place] = hits[place] or _passes(effects, planted.scores[admitted[place]].iia, thresholds)
    inside = (
        _search_inside(portfolio, task, planted, site, thresholds=thresholds, device=device)
        if kind == INSIDE_KIND
        else []
    )
    return PlantedResult(
        kind=kind,
        planted=tuple(planted.scores[i].iia for i in admitted),
        best=tuple(best),
        hits=tuple(hits),
        left_out=left_out,
        best_inside=tuple(iia for iia, _ in inside),
        hits_inside=tuple(hit for _, hit in inside),
    )


def _search_inside(
    portfolio: Portfolio, task: AbstractTask, planted: Planted, site: str, *, thresholds: Thresholds, device: str
) -> list[tuple[float, bool]]:
    """For each admitted network the best IIA inside its used subspace, and whether the variables are found there.

    The used subspace is found as in a studied network, without a hint of where the variables are.
    """
    hypothesis = task.hypothesis(portfolio.hypothesis)
    networks: AbstractNetworks = planted.networks.select(list(planted.admitted)).to(device)
    used = used_subspaces(networks, task, site=site, agreement=thresholds.agreement, seed=portfolio.seed)
    found = []
    for index, result in zip(
        planted.admitted, search_restricted(replace(portfolio, rivals=()), networks, task, site, used), strict=True
    ):
        maps = result.restarts.get(hypothesis.name, {})
        comparisons = 2 * max(sum(map(len, maps.values())), 1)
        effects = [
            _effects(restarts, hypothesis, featurizer, comparisons, networks.width(site))
            for featurizer, entries in maps.items()
            for restarts in entries
        ]
        hit = any(_passes(of_size, planted.scores[index].iia, thresholds) for of_size in effects)
        found.append((max((of_size[0].iia for of_size in effects), default=0.0), hit))
    return found


def _effects(restarts: Restarts, hypothesis: Hypothesis, featurizer: str, comparisons: int, width: int) -> list[Effect]:
    """The effect of each variable at one size."""
    return [
        Effect.from_score(
            restarts.best.score,
            variable,
            featurizer=featurizer,
            size=restarts.size,
            comparisons=comparisons,
            width=width,
        )
        for variable in hypothesis.variables
    ]


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
            power = power_of(measured, context.thresholds.power)
            if power is not None:
                return [power] * len(networks)
        return [None] * len(networks)

    def evidence(self, result: Power | None, context: EvidenceContext) -> list[Evidence]:
        if context.impossible is not None:
            return [Evidence(control="power", text=f"None is needed: {context.impossible}.", passes=None)]
        if result is None:
            text = "The search was not tried on planted variables, or none could be planted."
            return [Evidence(control="power", text=text, passes=None)]
        least = context.thresholds.power
        text = (
            f"The same search finds {result.found} of {result.of} planted variables ({result.kind}): at least "
            f"{result.low:.2f}; {least:g} is required."
        )
        if result.unknown:
            text += (
                f" Unknown for {', '.join(result.unknown)}: too few could be made. Two kinds are required, and "
                f"{result.kinds} could be made."
            )
        rows = [Evidence(control="power", text=text, passes=result.missing(least) is None)]
        if result.inside is not None:
            inside = result.inside
            text = (
                f"Inside the used subspace it finds {inside.found} of {inside.of} ({inside.kind}): at least "
                f"{inside.low:.2f}."
            )
            rows.append(Evidence(control="power inside", text=text, passes=inside.low >= least))
        return rows
