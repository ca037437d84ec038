"""Finds whether, where and in how few dimensions a trained network computes a hypothesised intermediate variable.

How data flows: `CausalModel → Examples → Interventions → Site → Features → Alignment → Score → Record → Observation →
Verdict → page`. The public names stand in `__init__.pyi`, once, and are loaded when they are first used, so that
`import interlocus` costs nothing.
"""

import lazy_loader

from interlocus.core.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
