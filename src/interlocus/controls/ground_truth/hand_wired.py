"""Networks in which a variable is known not to be, though they solve the task: what a search must not find there.

They are written down (`wiring`) rather than trained, so what a site carries is certain, and it is measured besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.controls.ground_truth.planting import ADMITTED_IIA
from interlocus.controls.ground_truth.wiring import CODE_VALUES, Wired, assembled, wire
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import HierarchicalEquality

_ASKED = {"bits": "both", "count": "count", "pair": "symmetric", "output": "output", "copies": "count"}
"""The hypothesis that says what is known of a code."""
_MIDDLE = {"bits", "pair"}


@dataclass(frozen=True, kw_only=True)
class Decoys:
    """Networks of one architecture with what one of their sites carries.

    Args:
        networks: the networks.
        site: where their truth is known.
        carries: `count`, `pair`, `output`, or `copies` (the count, read on, and left and right, which nobody reads).
        accuracy: of each, on fresh examples.
        alignments: for each the directions in which what is read on lies.
        scores: for each what exchanging these scores, on fresh examples.
        shadows: where there are copies, for each network linear maps that read the unused copies of left and right and
            write what is read on.
        shadow_scores: what exchanging these scores: about one, though only the count is used.
    """

    networks: MLP
    site: str
    carries: str
    accuracy: tuple[float, ...]
    alignments: tuple[Alignment, ...]
    scores: tuple[Score, ...]
    shadows: tuple[Alignment, ...] = ()
    shadow_scores: tuple[Score, ...] = field(default=())

    @property
    def admitted(self) -> tuple[int, ...]:
        """The networks that solve the task, and whose site certainly carries what it should."""
        measured = zip(self.accuracy, self.scores, self.shadow_scores or self.scores, strict=True)
        return tuple(i for i, (a, *both) in enumerate(measured) if min(a, *(s.iia for s in both)) >= ADMITTED_IIA)


def count_only(
    task: HierarchicalEquality,
    *,
    site: str,
    code: Literal["count", "pair"] = "count",
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> Decoys:
    """Networks of which a site carries how many pairs are equal, and not which: left and right cannot be told there.

    Layers before the site hold both truth values, and those behind it the count too. As a `pair` it is (both are equal,
    none is), two numbers that the next layer reads one by one.

    Args:
        task: what they solve.
        site: a hidden layer behind the first; the first is linear in the items before its activation.
        code: as one number or two.
        hidden: widths of the hidden layers.
        activation: between the layers.
        count: how many networks.
        seed: decides on directions and weights.

    Raises:
        UnknownNameError: no such site or activation.
        SpecificationError: the site is not behind the first layer, or a layer is too narrow.
    """
    place = _place(site, hidden, first=2, last=len(hidden))
    codes = ["bits"] * (place - 2) + [code] * (len(hidden) - place + 1)
    return _made(task, site, codes, hidden, activation, count, seed)


def output_only(
    task: HierarchicalEquality,
    *,
    site: str,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> Decoys:
    """Networks of which a site and all behind it carry the answer and nothing else.

    At `layer2` they go straight to the end: from the first layer on only the answer is read. At a later layer the truth
    values are there before. At `layer1`, what is read of it is the answer alone, while its units hold more than that;
    no linear map finds the truth values, for a sum of what is known of the base and of the source is no XOR.

    Args:
        task: what they solve.
        site: a hidden layer.
        hidden: widths of the hidden layers.
        activation: between the layers.
        count: how many networks.
        seed: decides on directions and weights.

    Raises:
        UnknownNameError: no such site or activation.
        SpecificationError: the input is named, or a layer is too narrow.
    """
    place = max(2, _place(site, hidden, first=1, last=len(hidden)))
    codes = ["bits"] * (place - 2) + ["output"] * (len(hidden) - place + 1)
    return _made(task, site, codes[: len(hidden) - 1], hidden, activation, count, seed)


def dormant(
    task: HierarchicalEquality,
    *,
    site: str,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> Decoys:
    """Networks of which a site carries the count, and copies of left and right in neurons that nobody reads.

    A free linear map reads a copy and writes the count, and scores one; the network uses the count only.

    Args:
        task: what they solve.
        site: a hidden layer, neither the first nor the last.
        hidden: widths of the hidden layers.
        activation: between the layers.
        count: how many networks.
        seed: decides on directions and weights.

    Raises:
        UnknownNameError: no such site or activation.
        SpecificationError: the first or the last hidden layer is named, or a layer is too narrow.

    Source: the dormant pathways of arXiv 2311.17030.
    """
    place = _place(site, hidden, first=2, last=len(hidden) - 1)
    codes = ["bits"] * (place - 2) + ["copies"] + ["count"] * (len(hidden) - place)
    return _made(task, site, codes, hidden, activation, count, seed)


def _place(site: str, hidden: Sequence[int], *, first: int, last: int) -> int:
    """The number of a hidden layer."""
    names = [f"layer{i}" for i in range(1, len(hidden) + 1)]
    if site not in (INPUT_SITE, *names):
        raise UnknownNameError("site", site, names, "such a network")
    place = names.index(site) + 1 if site in names else 0
    if not first <= place <= last:
        raise SpecificationError(
            f"The site {site!r} of a network with {len(hidden)} hidden layers is asked for.",
            "What it carries there could not be written down.",
            f"Ask for one from layer{first} to layer{last}." if first <= last else "Use more hidden layers.",
        )
    return place


def _made(
    task: HierarchicalEquality,
    site: str,
    codes: Sequence[str],
    hidden: Sequence[int],
    activation: str,
    count: int,
    seed: int,
) -> Decoys:
    """Write the networks down, and measure that they are what they should be."""
    find_activation(activation)
    place = int(site.removeprefix("layer")) - 1
    carries = codes[place - 1] if place else "output"
    following = codes[place] if place < len(codes) else "output"
    with one_thread():
        wired = [
            wire(task, codes, hidden=hidden, activation=activation, seed=seed, network=number)
            for number in range(count)
        ]
        networks = assembled(wired, activation)
        known = [_known(one, place, carries, following) for one in wired]
        alignments = _alignments(networks, task, site, _ASKED[carries], known)
        scores = tuple(evaluate(one, networks[i], task, seed=seed) for i, one in enumerate(alignments))
        shadows = _alignments(networks, task, site, "both", [_shadow(one, place) for one in wired if one.copies])
        return Decoys(
            networks=networks,
            site=site,
            carries=carries,
            accuracy=tuple(networks.accuracy(task, seed=seed)),
            alignments=alignments,
            scores=scores,
            shadows=shadows,
            shadow_scores=tuple(evaluate(one, networks[i], task, seed=seed) for i, one in enumerate(shadows)),
        )


def _known(wired: Wired, place: int, carries: str, following: str) -> Frames:
    """Where what is read on lies: one direction, or for a pair one for each of its numbers."""
    reading = wired.readings[place].weight
    if carries != "pair":
        row = torch.nn.functional.normalize(reading, dim=1).unsqueeze(1)
        return Frames(read=row, write=row)
    write = torch.linalg.pinv(reading).T
    if following == "output":  # its sum is read
        states, values = wired.states[place - 1], torch.stack(CODE_VALUES["pair"], 1)
        read = (torch.linalg.pinv(states - states.mean(0)) @ (values - values.mean(0))).T
        return Frames(read=read.unsqueeze(1), write=write.expand(2, -1).unsqueeze(1).contiguous())
    return Frames(read=reading.unsqueeze(1), write=write.unsqueeze(1))


def _shadow(wired: Wired, place: int) -> Frames:
    """Read the copies, write the count."""
    assert wired.copies is not None
    write = torch.linalg.pinv(wired.readings[place].weight).T
    return Frames(read=wired.copies.weight.unsqueeze(1), write=write.expand(2, -1).unsqueeze(1).contiguous())


def _alignments(
    networks: MLP, task: HierarchicalEquality, site: str, hypothesis: str, maps: Sequence[Frames]
) -> tuple[Alignment, ...]:
    return tuple(
        Alignment(
            site=site,
            hypothesis=hypothesis,
            variables=task.hypothesis(hypothesis).variables,
            featurizer="linear" if len(frames.read) > 1 else "rotation",
            network=networks[i].fingerprint(),
            task=task.name,
            frames=frames,
        )
        for i, frames in enumerate(maps)
    )
