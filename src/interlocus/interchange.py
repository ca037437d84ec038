"""Swap features of the base for those of sources, and run the networks on from there.

The hot part of the library. Searches that share a network, a site and a hypothesis (a *problem*) share what is gathered
and the first product; what is behind the entry of a tail runs for all searches at once. Everything is written into
buffers of a workspace, and gradients are written out, so a step builds no graph and asks for no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interlocus.counterfactuals import Interventions, Pool
from interlocus.errors import NetworkError
from interlocus.featurizers import Frames
from interlocus.networks import AbstractNetworks, AbstractRest
from interlocus.workspace import Workspace

FETCHED_BYTES = 2**22
"""How much is fetched from a cache at once: one large gather costs a fraction of many small ones."""


@dataclass(frozen=True, kw_only=True)
class Cache:
    """What networks compute on a pool, kept for one site.

    Args:
        activations: at the site.
        entered: behind the entry of the tail.
        inputs: what the networks were shown, for tails that run them whole.
    """

    activations: Float[Tensor, "network row width"]
    entered: Float[Tensor, "network row entered"]
    inputs: Float[Tensor, "row ..."] | None = None


def look(networks: AbstractNetworks, site: str, pool: Pool) -> Cache:
    """Run networks on a pool and keep what searches at a site need.

    Raises:
        UnknownNameError: no such site.
        NetworkError: activations that are not finite.
    """
    with torch.no_grad():
        activations = networks.activations(site, pool.inputs.to(networks.device)).contiguous()
        # one number that is not finite spoils the sum, which is found much faster than a flag for each
        bad = (~torch.isfinite(activations.flatten(1).sum(1))).nonzero()
        if len(bad):
            raise NetworkError(
                f"Network {int(bad[0])} has activations at site {site!r} that are infinite or not numbers.",
                "An interchange would spread them to every example.",
                "Look at its parameters and inputs; train it again with a lower learning rate.",
            )
        tail = networks.tail(site)
        entered = tail.enter(activations).contiguous()
    inputs = pool.inputs.to(networks.device) if tail.needs_inputs else None
    return Cache(activations=activations, entered=entered, inputs=inputs)


class Problems(NamedTuple):
    """Which network and which hypothesis each problem of a stack is about, as indices."""

    network: Int[Tensor, " problem"]
    hypothesis: Int[Tensor, " problem"]


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step needs of the cache, for each problem.

    Args:
        base: behind the entry, batch last.
        differences: for each variable source minus base at the site, batch last, where it is swapped.
        places: where that is.
        one_hot: the counterfactual labels.
        inputs: what the networks were shown as bases, for tails that run them whole.
        hidden: the bases at the site itself, batch last.
    """

    base: Float[Tensor, "problem entered batch"]
    differences: tuple[Float[Tensor, "problem width swapped"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "problem 1 class batch"]
    inputs: Float[Tensor, "problem batch ..."] | None = None
    hidden: Float[Tensor, "problem width batch"] | None = None


@dataclass(frozen=True, kw_only=True)
class Script:
    """Interventions of several steps, laid out for the problems of a stack.

    Args:
        base: rows of the bases in the cache's networks, one behind the other.
        sources: for each variable those of its sources, on the places where it is swapped.
        places: those places.
        one_hot: the counterfactual labels.
    """

    base: Int[Tensor, "step problem batch"]
    sources: tuple[Int[Tensor, "step problem _"], ...]
    places: tuple[slice, ...]
    one_hot: Float[Tensor, "step problem 1 class batch"]

    def __len__(self) -> int:
        return len(self.base)


def lay_out(cache: Cache, asked: Sequence[Interventions], problems: Problems, classes: int) -> Script:
    """Look up for each problem what its hypothesis asks of its network.

    Args:
        cache: of the pool that the interventions point into.
        asked: several steps, for each hypothesis.
        problems: what each problem is about.
        classes: of the network.
    """

    def for_problems(parts: Sequence[Int[Tensor, "step batch"]]) -> Int[Tensor, "step problem batch"]:
        return torch.stack(list(parts), 1).to(problems.hypothesis.device)[:, problems.hypothesis]

    offset = (problems.network * cache.activations.shape[1]).unsqueeze(1)
    places = asked[0].places
    labels = for_problems([one.labels for one in asked]).unsqueeze(2)
    one_hot = torch.zeros(*labels.shape[:2], classes, labels.shape[3], device=labels.device, dtype=cache.entered.dtype)
    return Script(
        base=for_problems([one.base for one in asked]) + offset,
        sources=tuple(for_problems([o.sources[v][:, place] for o in asked]) + offset for v, place in enumerate(places)),
        places=places,
        one_hot=one_hot.scatter_(2, labels, 1.0).unsqueeze(2),
    )


def batches(cache: Cache, script: Script) -> Iterator[Batch]:
    """Fetch what each step needs, for as many steps at once as fit into `FETCHED_BYTES`."""
    problems, batch = script.base.shape[1:]
    width = (
        cache.entered.shape[2] + sum(source.shape[2] * cache.activations.shape[2] for source in script.sources) // batch
    )
    together = max(1, FETCHED_BYTES // (problems * batch * width * cache.entered.element_size()))
    for first in range(0, len(script), together):
        steps = slice(first, first + together)
        base = script.base[steps]
        entered, here = _columns(cache.entered, base), _columns(cache.activations, base)
        differences = [
            _columns(cache.activations, source[steps]).sub_(here[..., place])
            for source, place in zip(script.sources, script.places, strict=True)
        ]
        for step in range(len(base)):
            yield Batch(
                base=entered[step],
                differences=tuple(difference[step] for difference in differences),
                places=script.places,
                one_hot=script.one_hot[first + step],
                inputs=None if cache.inputs is None else cache.inputs[base[step] % len(cache.inputs)],
                hidden=here[step],
            )


def _columns(
    table: Float[Tensor, "network row width"], index: Int[Tensor, "step problem batch"]
) -> Float[Tensor, "step problem width batch"]:
    rows = table.view(-1, table.shape[2]).index_select(0, index.flatten())
    return rows.view(*index.shape, -1).transpose(2, 3).contiguous()


class Saved(NamedTuple):
    """What the way back needs."""

    features: list[Float[Tensor, "search feature swapped"]]
    written: list[Float[Tensor, "search feature entered"]]
    rest: Any


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """From maps to logits and back, for a stack of searches.

    Args:
        entry: of the tail, for each problem; `None` stands for the identity, so that wide sites need no square matrix.
        rest: what comes behind it, for each search.
        workspace: the buffers.
    """

    entry: Float[Tensor, "problem entered width"] | None
    rest: AbstractRest
    workspace: Workspace

    def forward(self, frames: Frames, batch: Batch) -> tuple[Float[Tensor, "problem search class batch"], Saved]:
        """Logits after the interchange.

        With d the difference of source and base, `read` R and `write` W, the entry E gives
        E(h + Wᵀ R d) = E h + (W Eᵀ)ᵀ R d.
        """
        problems, entered, count = batch.base.shape
        searches, _, size, _ = frames.read.shape
        each = searches // problems
        state = self.workspace("state", problems, each, entered, count)
        base = batch.base.unsqueeze(1)
        all_features, all_written = [], []
        for v, place in enumerate(batch.places):
            difference = batch.differences[v]
            swapped = difference.shape[2]
            read = frames.read[:, v].reshape(problems, each * size, -1)
            features = self.workspace(f"features{v}", problems, each * size, swapped)
            features = torch.bmm(read, difference, out=features).view(searches, size, swapped)
            written = self._entered(frames.write[:, v], problems)
            change = self.workspace(f"change{v}", searches, entered, swapped)
            torch.bmm(written.transpose(1, 2).contiguous(), features, out=change)
            if v == 0:  # one pass over memory where filling with the base and adding to it would take two
                torch.add(base[..., place], change.view(problems, each, entered, swapped), out=state[..., place])
                for outside in (slice(0, place.start), slice(place.stop, count)):
                    state[..., outside] = base[..., outside]
            else:
                state.view(searches, entered, count)[..., place].add_(change)
            all_features.append(features)
            all_written.append(written)
        logits, saved = self.rest.forward(state.view(searches, entered, count), self.workspace, batch.inputs)
        return logits.view(problems, each, -1, count), Saved(all_features, all_written, saved)

    def backward(
        self, frames: Frames, batch: Batch, saved: Saved, gradient: Float[Tensor, "problem search class batch"]
    ) -> Frames:
        """Gradients with respect to the maps, from that with respect to the logits."""
        problems = len(batch.base)
        searches, _, size, _ = frames.read.shape
        each = searches // problems
        into = self.rest.backward(saved.rest, gradient.flatten(0, 1), self.workspace)
        read, write = torch.empty_like(frames.read), torch.empty_like(frames.write)
        for v, (features, written) in enumerate(zip(saved.features, saved.written, strict=True)):
            here = into[:, :, batch.places[v]]
            outer = torch.bmm(features, here.transpose(1, 2))
            if self.entry is not None:
                outer = torch.bmm(outer.view(problems, each * size, -1), self.entry).view(searches, size, -1)
            write[:, v] = outer
            pulled = torch.bmm(written, here, out=features)  # nobody needs the features any more
            difference = batch.differences[v].transpose(1, 2)
            read[:, v] = torch.bmm(pulled.view(problems, each * size, -1), difference).view(searches, size, -1)
        return Frames(read=read, write=write)

    def _entered(
        self, write: Float[Tensor, "search feature width"], problems: int
    ) -> Float[Tensor, "search feature entered"]:
        """Directions that are written, as they come out of the entry."""
        if self.entry is None:
            return write
        searches, size, width = write.shape
        rows = write.reshape(problems, -1, width)
        return torch.bmm(rows, self.entry.transpose(1, 2)).view(searches, size, -1)


def is_right(
    logits: Float[Tensor, "problem search class batch"], one_hot: Float[Tensor, "problem 1 class batch"]
) -> Bool[Tensor, "problem search batch"]:
    """Where no class has a larger logit than the label; an `argmax` over so short an axis is a hundred times slower."""
    return (logits * one_hot).sum(2) >= logits.amax(2)
