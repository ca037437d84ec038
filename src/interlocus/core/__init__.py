"""Tools without any idea of networks or causal models: errors, registries, random streams, files, statistics.

Nothing here may import another package of Interlocus. Import the modules themselves, so that each costs only itself.
"""

__all__: list[str] = []
