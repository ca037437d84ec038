"""Networks whose states at a site are confined to a subspace."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.networks._base import AbstractNetworks, AbstractSuffix, AbstractSuffixBody


@dataclass(frozen=True, kw_only=True)
class RestrictedSuffix(AbstractSuffix):
    """What is behind the site, from coordinates in the subspace on."""

    inner: AbstractSuffix
    mean: Float[Tensor, "network width"]
    rows: Float[Tensor, "network rank width"]

    @property
    def entry(self) -> Float[Tensor, "network entered rank"]:
        inner = self.inner.entry
        turned = self.rows.transpose(1, 2)
        return turned.contiguous() if inner is None else inner @ turned

    @property
    def needs_inputs(self) -> bool:
        return self.inner.needs_inputs

    def enter(self, activations: Float[Tensor, "network row rank"]) -> Float[Tensor, "network row entered"]:
        return self.inner.enter(torch.baddbmm(self.mean.unsqueeze(1), activations, self.rows))

    def rest(self, network: Int[Tensor, " search"]) -> AbstractSuffixBody:
        return self.inner.rest(network)


@dataclass(frozen=True, kw_only=True)
class SubspaceRestricted(AbstractNetworks):
    """The same networks, with the state h at one site replaced by m + QᵀQ (h − m).

    Their only site is that one, and its activations are the coordinates Q (h − m): whatever is searched stays inside
    the subspace, in what it reads and in what it writes.

    Args:
        networks: which are confined.
        site: where.
        mean: m, the mean state.
        rows: Q, orthonormal; further rows may be zero.
    """

    networks: AbstractNetworks
    site: str
    mean: Float[Tensor, "network width"]
    rows: Float[Tensor, "network rank width"]

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[AbstractNetworks]:
        return ()  # what a network needs of its state is known of this one only

    def __len__(self) -> int:
        return len(self.networks)

    def __getitem__(self, index: int) -> SubspaceRestricted:
        rows = range(len(self))[index]
        one = slice(rows, rows + 1)
        return replace(self, networks=self.networks[index], mean=self.mean[one], rows=self.rows[one])

    def select(self, indices: Sequence[int]) -> SubspaceRestricted:
        rows = list(indices)
        return replace(self, networks=self.networks.select(rows), mean=self.mean[rows], rows=self.rows[rows])

    @property
    def sites(self) -> Mapping[str, int]:
        return {self.site: self.rows.shape[1]}

    @property
    def input_width(self) -> int | None:
        return self.networks.input_width

    @property
    def parameters(self) -> int:
        return self.networks.parameters

    @property
    def device(self) -> torch.device:
        return self.networks.device

    @property
    def classes(self) -> int | None:
        return self.networks.classes

    def prepare(self, inputs: Float[Tensor, "batch ..."]) -> None:
        self.networks.prepare(inputs)

    def __call__(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch class"]:
        return self.run_from(self.site, self.activations(self.site, inputs), inputs)

    def activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "network batch rank"]:
        self.width(site)
        states = self.networks.activations(site, inputs) - self.mean.unsqueeze(1)
        return states @ self.rows.transpose(1, 2)

    def run_from(
        self,
        site: str,
        activations: Float[Tensor, "network batch rank"],
        inputs: Float[Tensor, "batch ..."] | None = None,
    ) -> Float[Tensor, "network batch class"]:
        self.width(site)
        return self.networks.run_from(site, self.mean.unsqueeze(1) + activations @ self.rows, inputs)

    def suffix(self, site: str) -> RestrictedSuffix:
        self.width(site)
        return RestrictedSuffix(inner=self.networks.suffix(site), mean=self.mean, rows=self.rows)

    def to(self, device: str | torch.device) -> SubspaceRestricted:
        moved = self.networks.to(device)
        return replace(self, networks=moved, mean=self.mean.to(device), rows=self.rows.to(device))

    def to_bytes(self) -> bytes:
        return self.networks.to_bytes()

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.networks.fingerprint()} {self.site}".encode())
        for tensor in (self.mean, self.rows):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
