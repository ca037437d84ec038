"""Any torch module: where it can be read and exchanged, run through hooks and left as it was found.

Nothing here may rely on what kind of module it is, beyond chains of layers that are recognised and verified.
"""

from interlocus.networks.module.model import Module

__all__ = ["Module"]
