"""Adapter that makes any torch module a network in which alignments can be searched."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interlocus.core import tensor_files as files
from interlocus.core.errors import InterlocusError, NetworkError
from interlocus.networks._base import AbstractNetworks, AbstractSuffix
from interlocus.networks.module.discover_sites import check_logits, check_site, usable_sites
from interlocus.networks.module.hooks import hooked
from interlocus.networks.module.preserve import preserved
from interlocus.networks.module.sequential import modules_after, perceptron_suffix
from interlocus.networks.module.suffix import ModuleSuffix
from interlocus.networks.module.untrained import Untrained, initialised_again, untrained_module, untrained_parameters
from interlocus.networks.site import Site

Call = Callable[[nn.Module, Tensor], Tensor]
"""Runs a module on encoded inputs, one example a row, and returns its logits."""

_FORMAT = "interlocus.module/1"
ROWS_AT_ONCE = 4096
"""Examples that run in one pass where no gradient is needed."""


def call_directly(module: nn.Module, inputs: Tensor) -> Tensor:
    """Call a module with the inputs as its only argument."""
    return module(inputs)


class Module(AbstractNetworks):
    """One torch module, which is never changed.

    The module runs in evaluation mode and without gradients of its parameters. Afterwards modes, gradients, buffers,
    hooks and random state are as before. From a site on, a `Sequential` runs only the modules after the site; any other
    module runs as a whole, with the activations at the site replaced.

        >>> module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> network = Module(module, sites={"hidden": "1"})
        >>> network.prepare(torch.randn(5, 8))
        >>> network.sites
        {'hidden': 4}

    Args:
        module: Takes encoded inputs `[batch, …]` and returns logits `[batch, class]`.
        sites: The name and the place of each site, in the notation of `Site` (`"encoder.1"`, `"encoder.1:input"`,
            `"block:output[0]"`, `"block@1=-1"`). By default, the input and every module whose output can be exchanged
            is a site, named by its path.
        call: How to run the module where it does not take one tensor or returns more than logits, for example
            `lambda module, x: module(x[:, :4], mask=x[:, 4:]).logits`.
        untrained: Makes an untrained module of the same architecture from a seed, with which scores are compared. By
            default its parameters are initialised if it is known how, and otherwise those of `module` are permuted.

    Raises:
        SpecificationError: The place of a site is not in the notation of `Site`.
    """

    def __init__(
        self,
        module: nn.Module,
        sites: Mapping[str, str] | None = None,
        *,
        call: Call = call_directly,
        untrained: Untrained | None = None,
    ) -> None:
        self.module, self._call, self._untrained = module, call, untrained
        self._places = None if sites is None else {name: Site.parse(text) for name, text in sites.items()}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._input_shape: tuple[int, ...] = ()
        self._classes: int | None = None

    def list_sites(self, example: Float[Tensor, "batch ..."]) -> dict[str, tuple[int, ...]]:
        """The activation shape of every place that can be a site, by its notation.

        Args:
            example: At least two encoded inputs.
        """
        with preserved(self.module):
            return usable_sites(self.module, self._run, self._cast(example))

    def prepare(self, inputs: Float[Tensor, "batch ..."]) -> None:
        """Run the module on example inputs, and check that the activations at each site can be exchanged.

        Args:
            inputs: At least two encoded inputs; the first eight are used.

        Raises:
            UnknownNameError: The module has no part at a site's path.
            NetworkError: The module fails, or activations at a site cannot be exchanged; the message says why.
        """
        example = self._cast(inputs[:8])
        with preserved(self.module), torch.enable_grad():  # a gradient shows whether a site influences the output
            if self._places is None:
                notations = usable_sites(self.module, self._run, example)
                self._places = {text: Site.parse(text) for text in notations}
            check = partial(check_site, self.module, self._run, example=example)
            self._shapes = {name: check(site) for name, site in self._places.items()}
            with torch.no_grad():
                self._classes = self._run(example).shape[1]
        self._input_shape = tuple(example.shape[1:])

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[Module]:
        modules = (untrained_module(self.module, self._untrained, seed=seed + number) for number in range(count))
        return [self._with_module(module) for module in modules]

    @property
    def untrained_parameters(self) -> str:
        return untrained_parameters(self.module, self._untrained)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Module:
        range(1)[index]  # an index out of range raises here
        return self

    def select(self, indices: Sequence[int]) -> Module:
        (index,) = indices
        return self[index]

    @property
    def sites(self) -> Mapping[str, int]:
        if not self._shapes:
            raise NetworkError(
                "The module has not run yet.",
                "The widths of its sites are known only after a run.",
                "Call `network.prepare(inputs)` with some encoded inputs first.",
            )
        return {name: torch.Size(shape).numel() for name, shape in self._shapes.items()}

    @property
    def classes(self) -> int | None:
        return self._classes

    @property
    def input_width(self) -> int | None:
        return self._input_shape[0] if len(self._input_shape) == 1 else None

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.module.parameters())

    @property
    def device(self) -> torch.device:
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return next((tensor.device for tensor in tensors), torch.device("cpu"))

    def __call__(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "1 batch class"]:
        with preserved(self.module), torch.no_grad():
            parts = [self._run(self._cast(part)) for part in inputs.split(ROWS_AT_ONCE)]
        return torch.cat(parts).float().unsqueeze(0)

    def differentiable_logits(
        self, inputs: Float[Tensor, "batch ..."], *, detach_at: str | None = None
    ) -> Float[Tensor, "batch class"]:
        """Logits with their graph, in the module's current mode.

        Args:
            inputs: Encoded inputs, one example a row.
            detach_at: Name of a site at which to cut the graph, so that no gradient passes; `None` for no cut.
        """
        if detach_at is None:
            return self._run(self._cast(inputs))
        with hooked(self.module, self._place(detach_at), lambda value: value.detach()):
            return self._run(self._cast(inputs))

    def differentiable_activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width"]:
        """Activations at a site with their graph, in the module's current mode."""
        activations: list[Tensor] = []
        with hooked(self.module, self._place(site), activations.append):
            self._run(self._cast(inputs))
        return activations[-1].flatten(1)

    def differentiable_run_from(
        self, site: str, activations: Float[Tensor, "batch width"], inputs: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch class"]:
        """Logits that follow from activations at a site, with their graph, in the module's current mode."""
        return self._suffix(site).logits_in_current_mode(activations, inputs)

    def activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "1 batch width"]:
        if not self._shapes:
            self.prepare(inputs)
        self.width(site)
        place, parts = self._place(site), []
        with preserved(self.module), torch.no_grad(), hooked(self.module, place, parts.append):
            for rows in inputs.split(ROWS_AT_ONCE):
                self._run(self._cast(rows))
                parts[-1] = parts[-1].flatten(1).float().clone()
        return torch.cat(parts).unsqueeze(0)

    def run_from(
        self, site: str, activations: Float[Tensor, "1 batch width"], inputs: Float[Tensor, "batch ..."] | None = None
    ) -> Float[Tensor, "1 batch class"]:
        with torch.no_grad():
            return self._suffix(site).logits(activations[0], inputs).unsqueeze(0)

    def suffix(self, site: str) -> AbstractSuffix:
        suffix = self._suffix(site)
        of_perceptron = None if suffix.parts is None else perceptron_suffix(suffix.parts, suffix.shape)
        return of_perceptron or suffix

    def _suffix(self, site: str) -> ModuleSuffix:
        self.width(site)
        place = self._place(site)
        return ModuleSuffix(
            module=self.module,
            run=self._run,
            cast=self._cast,
            site=place,
            shape=self._shapes[site],
            parts=modules_after(self.module, place) if self._call is call_directly else None,
        )

    def to(self, device: str | torch.device) -> Module:
        if torch.device(device) == self.device:
            return self
        return self._with_module(copy.deepcopy(self.module).to(device))

    def copy(self) -> Module:
        """The same network with a copy of the module, whose parameters may be changed."""
        return self._with_module(copy.deepcopy(self.module))

    def reinitialised(self, seed: int) -> Module | None:
        """A copy with new initial parameters.

        Args:
            seed: Seed of the initial parameters.

        Returns:
            `None` where a part has parameters but no `reset_parameters` method.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = initialised_again(self.module)
        return None if module is None else self._with_module(module)

    def _with_module(self, module: nn.Module) -> Module:
        """A network around another module of the same architecture, which need not be prepared again."""
        other = Module(module, call=self._call, untrained=self._untrained)
        other._places, other._shapes = self._places, self._shapes
        other._classes, other._input_shape = self._classes, self._input_shape
        return other

    def to_bytes(self) -> bytes:
        return files.to_bytes(self.module.state_dict(), {"format": _FORMAT})

    def load_parameters(self, source: files.Source) -> None:
        """Load parameters and buffers of a module of the same architecture.

        Args:
            source: A safetensors file with the content of `to_bytes`, as a path or in memory.

        Raises:
            NetworkError: The file cannot be read, or its parameters do not fit the module.
        """
        tensors, _ = files.read(source, _FORMAT, NetworkError, "a run")
        try:
            self.module.load_state_dict(tensors)
        except RuntimeError as error:
            raise NetworkError(
                f"The parameters in {source} do not fit the module: {str(error).splitlines()[-1].strip()}.",
                "They belong to a module of another architecture.",
                "Run the study in a new folder if the code of the network has changed.",
            ) from None

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(self.module).encode())
        for name, tensor in self.module.state_dict().items():
            plain = tensor.detach().cpu().contiguous()
            digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
            digest.update(plain.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    def _place(self, site: str) -> Site:
        assert self._places is not None
        return self._places[site]

    def _cast(self, inputs: Tensor) -> Tensor:
        """Inputs on the device and in the floating-point precision of the module."""
        precisions = [tensor.dtype for tensor in self.module.parameters() if tensor.is_floating_point()]
        return inputs.to(device=self.device, dtype=precisions[0] if precisions else inputs.dtype)

    def _run(self, inputs: Tensor) -> Tensor:
        try:
            output: object = self._call(self.module, inputs)
        except InterlocusError:
            raise
        except Exception as error:  # code of the user, which can raise anything
            raise NetworkError(
                f"The module fails on inputs of shape {list(inputs.shape)}: {type(error).__name__}: {error}.",
                "Its inputs are the rows that the task's `encode` returns, one row for each example.",
                "Change `encode`, or pass `call=lambda module, x: …` that calls the module with what it expects.",
            ) from error
        return check_logits(output, inputs)
