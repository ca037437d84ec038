"""Domain-free tools: errors, registries, random streams, files, statistics, linear algebra and display.

Code that knows what a network, a causal model or a search is does not belong here, and no module here may import
another package of Interlocus. Import the modules themselves: each one then costs only its own imports.
"""

__all__: list[str] = []
