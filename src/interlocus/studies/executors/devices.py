"""Whether searches can run on a device."""

from __future__ import annotations

import torch

from interlocus.core.errors import SpecificationError


def check_device(device: str) -> None:
    """Check that searches can run on a device of this machine.

    Args:
        device: `"cpu"`, `"cuda"` or `"cuda:0"`.

    Raises:
        SpecificationError: The device is unknown, or torch cannot use it here.
    """
    if device == "cpu" or (device.split(":")[0] == "cuda" and torch.cuda.is_available()):
        return
    raise SpecificationError(
        f"The device is {device!r}.",
        "Searches run on cpu, or on cuda where torch can use a GPU; torch cannot use this device here.",
        "Pass --device cpu.",
    )
