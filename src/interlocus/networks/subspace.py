"""Networks whose activations at one site are restricted to a subspace."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interlocus.networks._base import AbstractNetworks, AbstractSuffix, AbstractSuffixBody


@dataclass(frozen=True, kw_only=True)
class RestrictedSuffix(AbstractSuffix):
    """The part of restricted networks after their site; it starts from coordinates in the subspace.

    Args:
        unrestricted: The suffix of the networks without the restriction.
        mean: The mean m of the activations, as in `SubspaceRestricted`.
        rows: The orthonormal rows Q of the subspace, as in `SubspaceRestricted`.
    """

    unrestricted: AbstractSuffix
    mean: Float[Tensor, "network width"]
    rows: Float[Tensor, "network rank width"]

    @property
    def input_projection(self) -> Float[Tensor, "network projected rank"]:
        projection = self.unrestricted.input_projection
        columns = self.rows.transpose(1, 2)
        return columns.contiguous() if projection is None else projection @ columns

    @property
    def needs_inputs(self) -> bool:
        return self.unrestricted.needs_inputs

    def project(self, activations: Float[Tensor, "network row rank"]) -> Float[Tensor, "network row projected"]:
        return self.unrestricted.project(torch.baddbmm(self.mean.unsqueeze(1), activations, self.rows))

    def body(self, network: Int[Tensor, " search"]) -> AbstractSuffixBody[Any]:
        return self.unrestricted.body(network)


@dataclass(frozen=True, kw_only=True)
class SubspaceRestricted(AbstractNetworks):
    """Networks in which the activation h at one site is replaced by m + QᵀQ (h − m).

    That site is the only one. Its activations are the coordinates Q (h − m), so a search can neither read nor write
    outside the subspace.

    Args:
        networks: The networks without the restriction.
        site: Name of the restricted site, a key of `networks.sites`.
        mean: The mean activation m of each network at the site.
        rows: Orthonormal rows Q that span the subspace of each network. Zero rows may follow, so that networks with
            smaller subspaces fit.
    """

    networks: AbstractNetworks
    site: str
    mean: Float[Tensor, "network width"]
    rows: Float[Tensor, "network rank width"]

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[AbstractNetworks]:
        return ()  # the subspace was measured in the trained network and means nothing in another one

    def __len__(self) -> int:
        return len(self.networks)

    def __getitem__(self, index: int) -> SubspaceRestricted:
        position = range(len(self))[index]
        only = slice(position, position + 1)
        return replace(self, networks=self.networks[index], mean=self.mean[only], rows=self.rows[only])

    def select(self, indices: Sequence[int]) -> SubspaceRestricted:
        chosen = list(indices)
        return replace(self, networks=self.networks.select(chosen), mean=self.mean[chosen], rows=self.rows[chosen])

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
        centred = self.networks.activations(site, inputs) - self.mean.unsqueeze(1)
        return centred @ self.rows.transpose(1, 2)

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
        return RestrictedSuffix(unrestricted=self.networks.suffix(site), mean=self.mean, rows=self.rows)

    def to(self, device: str | torch.device) -> SubspaceRestricted:
        networks = self.networks.to(device)
        return replace(self, networks=networks, mean=self.mean.to(device), rows=self.rows.to(device))

    def to_bytes(self) -> bytes:
        return self.networks.to_bytes()

    def fingerprint(self) -> str:
        digest = hashlib.sha256(f"{self.networks.fingerprint()} {self.site}".encode())
        for tensor in (self.mean, self.rows):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
