"""A study that takes a second: what is tested is the machinery, not the science."""

TINY = """
name: tiny
title: Does it work at all?
task: {name: hierarchical_equality, item_width: 2}
networks:
  - {name: relu, activation: relu, hidden: [8, 8], count: 2, steps: 60}
  - {name: blank, activation: tanh, hidden: [8, 8], count: 2, trained: false}
sites: [input, layer1]
searches:
  - {hypotheses: [both], sizes: [1, 2], featurizers: [rotation, linear]}
  - {hypotheses: [left, right], sizes: [2], featurizers: [rotation]}
starts: {random: 1, covariance: 1}
phases: [{steps: 40}]
controls: []
budget: {pool: 2048, held_out: 1024, partners: 256, batch: 64, check_every: 20, validation: 256, test: 600}
"""

CONTROLS = (
    "cell_means, used_subspace, operand_leakage, probes, code_fit, distribution_shift, source_variation, "
    "shuffled_labels"
)
CONTROLLED = (
    TINY.replace("controls: []", f"controls: [{CONTROLS}]")
    .replace("sizes: [1, 2], featurizers: [rotation, linear]", "sizes: [1, 2], featurizers: [rotation]")
    .replace("  - {hypotheses: [left, right], sizes: [2], featurizers: [rotation]}\n", "")
    + "reuse: {question: odd, site: layer1, size: 2, labels: [20], draws: 1}\n"
    + "competence: 0.3\n"  # below it no controls are measured, and 60 steps teach little
)
"""The same with fewer searches, all controls that train nothing, and a new question."""
