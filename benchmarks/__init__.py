"""Comparison with pyvene, the cost of a search, and a roofline: `python -m benchmarks` writes docs/benchmarks.md."""
