"""Side by side with pyvene, what a search costs, and how near that is to the machine: `python -m benchmarks`."""
