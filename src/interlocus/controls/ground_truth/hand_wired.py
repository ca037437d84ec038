"""Networks that solve the task and are known not to hold a variable: a search must not find it in them.

Their weights are written by hand (`wiring`) and not trained, so what a site carries is certain. It is also measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from interlocus.alignment.alignment import Alignment
from interlocus.alignment.evaluation import evaluate
from interlocus.alignment.metrics import Score
from interlocus.controls.ground_truth.planting import ADMITTED_IIA
from interlocus.controls.ground_truth.wiring import CODE_VALUES, Code, WiredNetwork, stack_wired, wire
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.core.threads import one_thread
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.networks.mlp.activations import find_activation
from interlocus.networks.site import INPUT_SITE
from interlocus.tasks import HierarchicalEquality

_HYPOTHESIS_OF_CODE: dict[Code, str] = {
    "bits": "both",
    "count": "count",
    "pair": "symmetric",
    "output": "output",
    "copies": "count",
}
"""The hypothesis that states what a layer with a code carries."""


@dataclass(frozen=True, kw_only=True)
class HandWiredNetworks:
    """Networks of one architecture, with what one of their sites carries.

    Args:
        networks: The networks, a stack of perceptrons.
        site: Name of the site at which the ground truth is known.
        carries: The code that the site carries: `count`, `pair`, `output`, or `copies` (the count, which the next layer
            reads, and copies of left and right, which nothing reads).
        accuracy: Accuracy of each network on fresh examples.
        alignments: For each network the directions that the next layer reads.
        scores: For each network the score of exchanging these directions, on fresh examples.
        copy_alignments: With `copies`, for each network linear maps that read the unused copies of left and right and
            write the direction that the next layer reads; otherwise empty.
        copy_scores: Scores of exchanging through these maps. They are near one although only the count is used.
    """

    networks: MLP
    site: str
    carries: Code
    accuracy: tuple[float, ...]
    alignments: tuple[Alignment, ...]
    scores: tuple[Score, ...]
    copy_alignments: tuple[Alignment, ...] = ()
    copy_scores: tuple[Score, ...] = ()

    @property
    def admitted(self) -> tuple[int, ...]:
        """Indices of the networks that solve the task, and whose site measurably carries its code."""
        measured = zip(self.accuracy, self.scores, self.copy_scores or self.scores, strict=True)
        return tuple(
            i
            for i, (accuracy, *scores) in enumerate(measured)
            if min(accuracy, *(score.iia for score in scores)) >= ADMITTED_IIA
        )


def count_only(
    task: HierarchicalEquality,
    *,
    site: str,
    code: Literal["count", "pair"] = "count",
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> HandWiredNetworks:
    """Networks with a site that carries how many pairs are equal, but not which: left and right are not there.

    Layers before the site carry both truth values; later layers carry the count. The code `pair` writes the count as
    two numbers, (both are equal, neither is equal), which the next layer reads separately.

    Args:
        task: The task that the networks solve.
        site: Name of a hidden layer other than the first, whose pre-activations are linear in the items.
        code: Whether the count is written as one number or as two.
        hidden: Widths of the hidden layers.
        activation: Activation function of the hidden layers.
        count: Number of networks, 1 or more.
        seed: Seed of directions and weights.

    Raises:
        UnknownNameError: There is no such site or activation.
        SpecificationError: The site is not after the first layer, or a layer is too narrow.
    """
    layer = _layer_number(site, hidden, first=2, last=len(hidden))
    codes = _repeat("bits", layer - 2) + _repeat(code, len(hidden) - layer + 1)
    return _make(task, site, codes, hidden, activation, count, seed)


def output_only(
    task: HierarchicalEquality,
    *,
    site: str,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> HandWiredNetworks:
    """Networks with a site that carries the answer and nothing else, as do all later sites.

    With `layer2` the networks go straight to the end: only the answer is read from the first layer. With a later layer
    the layers before it carry the truth values. With `layer1` only the answer is read from it, although its units hold
    more. No linear map finds the truth values there, because a sum of one number from the base and one from the source
    is not an XOR.

    Args:
        task: The task that the networks solve.
        site: Name of a hidden layer.
        hidden: Widths of the hidden layers.
        activation: Activation function of the hidden layers.
        count: Number of networks, 1 or more.
        seed: Seed of directions and weights.

    Raises:
        UnknownNameError: There is no such site or activation.
        SpecificationError: The site is the input, or a layer is too narrow.
    """
    layer = max(2, _layer_number(site, hidden, first=1, last=len(hidden)))
    codes = _repeat("bits", layer - 2) + _repeat("output", len(hidden) - layer + 1)
    return _make(task, site, codes[: len(hidden) - 1], hidden, activation, count, seed)


def count_with_unused_copies(
    task: HierarchicalEquality,
    *,
    site: str,
    hidden: Sequence[int] = (16, 16, 16),
    activation: str = "relu",
    count: int = 4,
    seed: int = 0,
) -> HandWiredNetworks:
    """Networks with a site that carries the count, and copies of left and right in neurons that nothing reads.

    A free linear map that reads a copy and writes the count scores one, although the network uses the count only.

    Args:
        task: The task that the networks solve.
        site: Name of a hidden layer, neither the first nor the last.
        hidden: Widths of the hidden layers.
        activation: Activation function of the hidden layers.
        count: Number of networks, 1 or more.
        seed: Seed of directions and weights.

    Raises:
        UnknownNameError: There is no such site or activation.
        SpecificationError: The site is the first or the last hidden layer, or a layer is too narrow.

    Source: the dormant pathways of arXiv 2311.17030.
    """
    layer = _layer_number(site, hidden, first=2, last=len(hidden) - 1)
    codes = _repeat("bits", layer - 2) + _repeat("copies", 1) + _repeat("count", len(hidden) - layer)
    return _make(task, site, codes, hidden, activation, count, seed)


def _repeat(code: Code, count: int) -> list[Code]:
    return [code] * count


def _layer_number(site: str, hidden: Sequence[int], *, first: int, last: int) -> int:
    """Number of a hidden layer, from 1 on; the input has number 0."""
    names = [f"layer{i}" for i in range(1, len(hidden) + 1)]
    if site not in (INPUT_SITE, *names):
        raise UnknownNameError("site", site, names, "a network of this depth")
    number = names.index(site) + 1 if site in names else 0
    if not first <= number <= last:
        raise SpecificationError(
            f"The site {site!r} was given for networks with {len(hidden)} hidden layers.",
            "These networks cannot be wired so that this site carries the code.",
            f"Pass a site from layer{first} to layer{last}." if first <= last else "Use more hidden layers.",
        )
    return number


def _make(
    task: HierarchicalEquality,
    site: str,
    codes: Sequence[Code],
    hidden: Sequence[int],
    activation: str,
    count: int,
    seed: int,
) -> HandWiredNetworks:
    """Wire the networks, and measure what their site carries."""
    find_activation(activation)
    layer = int(site.removeprefix("layer")) - 1
    carries: Code = codes[layer - 1] if layer else "output"
    following: Code = codes[layer] if layer < len(codes) else "output"
    with one_thread():
        wired = [
            wire(task, codes, hidden=hidden, activation=activation, seed=seed, network=number)
            for number in range(count)
        ]
        networks = stack_wired(wired, activation)
        read = [_read_directions(network, layer, carries, following) for network in wired]
        alignments = _alignments(networks, task, site, _HYPOTHESIS_OF_CODE[carries], read)
        scores = tuple(evaluate(alignment, networks[i], task, seed=seed) for i, alignment in enumerate(alignments))
        through_copies = [_map_from_copies(network, layer) for network in wired if network.copies]
        copy_alignments = _alignments(networks, task, site, "both", through_copies)
        return HandWiredNetworks(
            networks=networks,
            site=site,
            carries=carries,
            accuracy=tuple(networks.accuracy(task, seed=seed)),
            alignments=alignments,
            scores=scores,
            copy_alignments=copy_alignments,
            copy_scores=tuple(
                evaluate(alignment, networks[i], task, seed=seed) for i, alignment in enumerate(copy_alignments)
            ),
        )


def _read_directions(wired: WiredNetwork, layer: int, carries: Code, following: Code) -> Frames:
    """The directions that the next layer reads: one direction, or for a pair one for each of its numbers."""
    reading = wired.readings[layer].weight
    if carries != "pair":
        row = torch.nn.functional.normalize(reading, dim=1).unsqueeze(1)
        return Frames(read=row, write=row)
    write = torch.linalg.pinv(reading).T
    if following == "output":  # the next layer reads the sum of the pair
        states, values = wired.states[layer - 1], torch.stack(CODE_VALUES["pair"], 1)
        read = (torch.linalg.pinv(states - states.mean(0)) @ (values - values.mean(0))).T
        return Frames(read=read.unsqueeze(1), write=write.expand(2, -1).unsqueeze(1).contiguous())
    return Frames(read=reading.unsqueeze(1), write=write.unsqueeze(1))


def _map_from_copies(wired: WiredNetwork, layer: int) -> Frames:
    """A linear map that reads the copies and writes the count."""
    assert wired.copies is not None
    write = torch.linalg.pinv(wired.readings[layer].weight).T
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
