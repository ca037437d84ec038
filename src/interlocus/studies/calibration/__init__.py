"""The battery: whole studies of networks with known ground truth, and how often their verdicts are wrong.

How the networks are made belongs in `controls.ground_truth`.
"""

__all__ = []
