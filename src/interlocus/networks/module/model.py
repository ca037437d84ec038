"""Anyone's torch module as a network to be searched."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interlocus.core import tensor_files as files
from interlocus.core.errors import InterlocusError, NetworkError
from interlocus.networks._base import AbstractNetworks, AbstractSuffix
from interlocus.networks.module.discover_sites import survey, usable_sites
from interlocus.networks.module.hooks import hooked
from interlocus.networks.module.preserve import preserved
from interlocus.networks.module.sequential import behind, perceptron_suffix
from interlocus.networks.module.suffix import ModuleSuffix
from interlocus.networks.site import Site

Call = Callable[[nn.Module, Tensor], Tensor]
"""Runs a module on encoded inputs, one a row, and gives its logits."""

_FORMAT = "interlocus.module/1"
ROWS_AT_ONCE = 4096
"""Rows that are run at once where no gradient is asked for."""


def call_directly(module: nn.Module, inputs: Tensor) -> Tensor:
    """The module takes the inputs as they are, and returns the logits."""
    return module(inputs)


class Module(AbstractNetworks):
    """One torch module, left as it was found.

    Args:
        module: takes encoded inputs `[batch, …]` and returns logits `[batch, class]`.
        sites: names for places in it, each as text (`"encoder.1"`, `"encoder.1:input"`, `"block:output[0]"`,
            `"block@1=-1"`; see `Site`). Without them, every module whose output can be exchanged is a site of its own
            name, and so is the input.
        call: how the module is run on encoded inputs, where it wants something else than one tensor or returns more
            than the logits: `call=lambda module, x: module(x[:, :4], mask=x[:, 4:]).logits`.

    It is run in evaluation mode and asks for no gradients of its parameters; afterwards modes, gradients, buffers,
    hooks and random numbers are as they were. From a site on, a `Sequential` runs only what is behind; any other module
    is run whole, with the site's activations put in.

        >>> module = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
        >>> network = Module(module, sites={"hidden": "1"})
        >>> network.meet(torch.randn(5, 8))
        >>> network.sites
        {'hidden': 4}
    """

    def __init__(
        self, module: nn.Module, sites: Mapping[str, str] | None = None, *, call: Call = call_directly
    ) -> None:
        self.module, self._call = module, call
        self._places = None if sites is None else {name: Site.parse(text) for name, text in sites.items()}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._input_shape: tuple[int, ...] = ()
        self._classes: int | None = None

    def list_sites(self, example: Float[Tensor, "batch ..."]) -> dict[str, tuple[int, ...]]:
        """Every place that can be exchanged, as text, with the shape of its activations on an example.

        Args:
            example: two encoded inputs or more.
        """
        with preserved(self.module):
            return usable_sites(self.module, self._run, self._cast(example))

    def prepare(self, inputs: Float[Tensor, "batch ..."]) -> None:
        """Run the module once on some inputs and see that each site can be exchanged.

        Raises:
            UnknownNameError: there is no module at a site's path.
            NetworkError: a site is passed twice or never, is no tensor, changes its width, is changed in place, does
                not act on the output, or makes it infinite when it is exchanged.
        """
        example = self._cast(inputs[:8])
        with preserved(self.module), torch.enable_grad():  # whether a site acts on the output shows in its gradient
            if self._places is None:
                found = usable_sites(self.module, self._run, example)
                self._places = {text: Site.parse(text) for text in found}
            self._shapes = {
                name: survey(self.module, self._run, place, example) for name, place in self._places.items()
            }
            with torch.no_grad():
                self._classes = self._run(example).shape[1]
        self._input_shape = tuple(example.shape[1:])

    def untrained_copies(self, count: int, *, seed: int) -> Sequence[Module]:
        fresh = [self.afresh(seed + number) for number in range(count)]
        return [one for one in fresh if one is not None]

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Module:
        range(1)[index]
        return self

    def select(self, indices: Sequence[int]) -> Module:
        (index,) = indices
        return self[index]

    @property
    def sites(self) -> Mapping[str, int]:
        if not self._shapes:
            raise NetworkError(
                "The module has not been run yet.",
                "How wide its sites are shows when it is.",
                "Call `network.meet(inputs)` with some encoded inputs first.",
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
        return next((tensor.device for tensor in self._tensors()), torch.device("cpu"))

    def __call__(self, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "1 batch class"]:
        with preserved(self.module), torch.no_grad():
            parts = [self._run(self._cast(part)) for part in inputs.split(ROWS_AT_ONCE)]
        return torch.cat(parts).float().unsqueeze(0)

    def run(self, inputs: Float[Tensor, "batch ..."], *, detached: str | None = None) -> Float[Tensor, "batch class"]:
        """Logits with their graph, in the mode that the module is in; at one site the graph may be cut off."""
        if detached is None:
            return self._run(self._cast(inputs))
        with hooked(self.module, self._place(detached), lambda value: value.detach()):
            return self._run(self._cast(inputs))

    def run_to(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch width"]:
        """Activations at a site with their graph, in the mode that the module is in."""
        seen: list[Tensor] = []
        with hooked(self.module, self._place(site), lambda value: seen.append(value)):
            self._run(self._cast(inputs))
        return seen[-1].flatten(1)

    def run_on(
        self, site: str, activations: Float[Tensor, "batch width"], inputs: Float[Tensor, "batch ..."]
    ) -> Float[Tensor, "batch class"]:
        """Logits from activations at a site on, with their graph."""
        return self._suffix(site).learn(activations, inputs)

    def activations(self, site: str, inputs: Float[Tensor, "batch ..."]) -> Float[Tensor, "1 batch width"]:
        self._known(site, inputs)
        place, seen = self._place(site), []
        with preserved(self.module), torch.no_grad(), hooked(self.module, place, lambda value: seen.append(value)):
            for part in inputs.split(ROWS_AT_ONCE):
                self._run(self._cast(part))
                seen[-1] = seen[-1].flatten(1).float().clone()
        return torch.cat(seen).unsqueeze(0)

    def run_from(
        self, site: str, activations: Float[Tensor, "1 batch width"], inputs: Float[Tensor, "batch ..."] | None = None
    ) -> Float[Tensor, "1 batch class"]:
        with torch.no_grad():
            return self._suffix(site).answer(activations[0], inputs).unsqueeze(0)

    def suffix(self, site: str) -> AbstractSuffix:
        suffix = self._suffix(site)
        written = None if suffix.parts is None else perceptron_suffix(suffix.parts, suffix.shape)
        return written or suffix

    def _suffix(self, site: str) -> ModuleSuffix:
        self.width(site)
        place = self._place(site)
        return ModuleSuffix(
            module=self.module,
            run=self._run,
            cast=self._cast,
            site=place,
            shape=self._shapes[site],
            parts=behind(self.module, place) if self._call is call_directly else None,
        )

    def to(self, device: str | torch.device) -> Module:
        if torch.device(device) == self.device:
            return self
        return self._with(copy.deepcopy(self.module).to(device))

    def copy(self) -> Module:
        """The same with a module of its own, so that other parameters can be put in."""
        return self._with(copy.deepcopy(self.module))

    def _with(self, module: nn.Module) -> Module:
        """What is known of this module's sites, for another like it."""
        other = Module(module, call=self._call)
        other._places, other._shapes = self._places, self._shapes
        other._classes, other._input_shape = self._classes, self._input_shape
        return other

    def afresh(self, seed: int) -> Module | None:
        """The same module before any training, or `None` where one of its parts does not say how it begins.

        Args:
            seed: decides on the parameters.
        """
        blank = copy.deepcopy(self.module)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for part in blank.modules():
                reset = getattr(part, "reset_parameters", None)
                if callable(reset):
                    reset()
                elif [*part.parameters(recurse=False), *part.buffers(recurse=False)]:
                    return None
        return self._with(blank)

    def to_bytes(self) -> bytes:
        return files.to_bytes(self.module.state_dict(), {"format": _FORMAT})

    def load_parameters(self, path: files.Source) -> None:
        """Put in parameters and buffers that were kept of a module like this one.

        Raises:
            NetworkError: the file holds something else.
        """
        tensors, _ = files.read(path, _FORMAT, NetworkError, "a run")
        try:
            self.module.load_state_dict(tensors)
        except RuntimeError as error:
            raise NetworkError(
                f"The parameters in {path} do not fit the module: {str(error).splitlines()[-1].strip()}.",
                "They were kept of another one.",
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

    def _known(self, site: str, inputs: Tensor) -> None:
        if not self._shapes:
            self.prepare(inputs)
        self.width(site)

    def _tensors(self) -> list[Tensor]:
        return [*self.module.parameters(), *self.module.buffers()]

    def _cast(self, inputs: Tensor) -> Tensor:
        """Where the module is, and in its precision."""
        real = [tensor.dtype for tensor in self.module.parameters() if tensor.is_floating_point()]
        return inputs.to(device=self.device, dtype=real[0] if real else inputs.dtype)

    def _run(self, inputs: Tensor) -> Tensor:
        try:
            logits: Any = self._call(self.module, inputs)
        except InterlocusError:
            raise
        except Exception as error:  # it is somebody's module, and can fail in any way
            raise NetworkError(
                f"The module fails on inputs of shape {list(inputs.shape)}: {type(error).__name__}: {error}.",
                "It is run on what the task's `encode` gives, a row an example.",
                "Mend `encode`, or pass `call=lambda module, x: …` that shows the module what it wants.",
            ) from error
        if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(inputs):
            shape = list(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
            raise NetworkError(
                f"For {len(inputs)} inputs the module returns {shape}.",
                "Its answer should be logits, a row an input and a column a class.",
                "Pass `call=lambda module, x: …` that gives the logits.",
            )
        return logits
