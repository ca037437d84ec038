"""The built-in plug-ins: one line for each, with its name, its location and what `interlocus list` says of it.

To add one, write its file and add a line here. Nothing is imported until it is used.
"""

from __future__ import annotations

from interlocus.core.registry import PluginEntry, Registry


def _entry(target: str, summary: str, **arguments: object) -> PluginEntry:
    """An entry of this library; `arguments` are passed to the class whenever it is loaded under this name."""
    return PluginEntry(target=f"interlocus.{target}", summary=summary, arguments=arguments)


TASKS = Registry(
    "task",
    {
        "hierarchical_equality": _entry(
            "tasks.hierarchical_equality:HierarchicalEquality",
            "is (a = b) the same as (c = d)? Four vectors, two classes",
        ),
        "digits": _entry("tasks.digits:Digits", "is (a = b) the same as (c = d)? Four images of digits, two classes"),
        "simple_equality": _entry("tasks.simple_equality:SimpleEquality", "is a = b? Two vectors, two classes"),
        "distributive_law": _entry(
            "tasks.distributive_law:DistributiveLaw",
            "(e1 ∧ e2) ∨ (e2 ∧ e3) of three equalities: one function, two algorithms",
        ),
        "parity": _entry("tasks.bits:Parity", "is the number of set bits among four odd?"),
        "and_or": _entry("tasks.bits:AndOr", "(x1 ∧ x2) ∨ x3: two algorithms that are hard to tell apart"),
        "sum_of_three": _entry("tasks.sum_of_three:SumOfThree", "what is the sum of three small numbers?"),
        "modular_sum": _entry("tasks.modular_sum:ModularSum", "what is a + b + c modulo 5?"),
        "rare_equality": _entry(
            "tasks.equality_variants:RareEquality", "hierarchical equality in which the first pair is rarely equal"
        ),
        "near_miss": _entry(
            "tasks.equality_variants:NearMissEquality",
            "hierarchical equality, and a variable that agrees with it mostly",
        ),
    },
)

FEATURIZERS = Registry(
    "featurizer",
    {
        "identity": _entry(
            "featurizers.identity:Identity", "single neurons; nothing is learned, the start chooses them"
        ),
        "rotation": _entry("featurizers.rotation:Rotation", "orthonormal directions: distributed alignment search"),
        "linear": _entry("featurizers.linear:Linear", "an invertible linear map; its directions may be oblique"),
        "linear_bounded": _entry(
            "featurizers.linear:Linear", "an invertible linear map, oblique up to a norm of about 2", bound=2.0
        ),
        "frame": _entry("featurizers.frame:Frame", "unconstrained directions, written with their pseudo-inverse"),
        "frame_transposed": _entry(
            "featurizers.frame:Frame", "unconstrained directions, written with their transpose", write="transpose"
        ),
        "principal": _entry(
            "featurizers.principal:PrincipalComponents",
            "principal components; nothing is learned, the start chooses them",
        ),
        "principal_uncentred": _entry(
            "featurizers.principal:PrincipalComponents", "principal components, the mean not subtracted", centred=False
        ),
        "mask": _entry("featurizers.mask:Mask", "a mask over neurons; learns how many"),
        "mask_principal": _entry(
            "featurizers.mask:Mask", "a mask over principal components; learns how many", over="principal"
        ),
        "mask_rotation": _entry(
            "featurizers.mask:Mask", "a mask over orthonormal directions; learns both, and how many", over="rotation"
        ),
        "boundless": _entry(
            "featurizers.boundless:Boundless", "orthonormal directions; learns how many (boundless DAS)"
        ),
        "rotation_overlapping": _entry(
            "featurizers.overlapping:Overlapping", "orthonormal directions, which two variables may share"
        ),
        "linear_overlapping": _entry(
            "featurizers.overlapping:Overlapping",
            "a linear map for each variable; they may share directions",
            each="linear",
        ),
        "coupling": _entry("featurizers.coupling:Coupling", "an invertible non-linear map: additive coupling layers"),
    },
)

STARTS = Registry(
    "start",
    {
        "random": _entry("searches.starts.random:Random", "random orthonormal directions (Haar)"),
        "covariance": _entry(
            "searches.starts.covariance:Covariance",
            "directions whose variance differs most between values of the variable",
        ),
        "mean_difference": _entry(
            "searches.starts.mean_difference:MeanDifference", "differences of the means between values of the variable"
        ),
        "discriminant": _entry(
            "searches.starts.discriminant:Discriminant",
            "Fisher's discriminants: mean differences relative to the spread",
        ),
        "principal": _entry("searches.starts.principal:Principal", "principal components, largest variance first"),
        "probe": _entry("searches.starts.probe:Probe", "weights of a logistic regression that predicts the variable"),
        "gradient": _entry("searches.starts.gradient:Gradient", "directions that change the network's answer most"),
        "neurons_exhaustive": _entry(
            "searches.starts.neurons:Neurons", "the best set of neurons, if all sets can be tried", method="exhaustive"
        ),
        "neurons_greedy": _entry(
            "searches.starts.neurons:Neurons", "neurons added one at a time, the most helpful first", method="greedy"
        ),
        "neurons_window": _entry(
            "searches.starts.neurons:Neurons", "the best set of neighbouring neurons", method="window"
        ),
        "nested": _entry(
            "searches.starts.nested:Nested",
            "results of the other starts at a smaller size, grown, or a larger one, pruned",
        ),
    },
)

LOSSES = Registry(
    "loss",
    {
        "cross_entropy": _entry("alignment.interchange.losses:CrossEntropy", "minus the log-probability of the label"),
        "bounded": _entry(
            "alignment.interchange.losses:Bounded", "one minus the probability of the label; close to the score"
        ),
    },
    plural="losses",
)

NETWORKS = Registry(
    "network",
    {
        "mlp": _entry("networks.sources.trained_mlp:TrainedMLPs", "multilayer perceptrons, trained here together"),
        "shared_encoder": _entry(
            "networks.sources.shared_encoder:make_shared_encoder",
            "one encoder for four items, with layers over its codes",
        ),
    },
)

EXECUTORS = Registry(
    "executor",
    {"local": _entry("studies.executors.local:Local", "processes of this machine, one thread each")},
)

CONTROLS = Registry(
    "control",
    {
        "cell_means": _entry(
            "controls.cell_means:CellMeansControl",
            "share of its answers that a network keeps with the mean of the values in place of each state",
        ),
        "random_directions": _entry(
            "controls.nulls.random_directions:RandomDirections", "score of random directions; always measured"
        ),
        "linear_ceiling": _entry(
            "controls.nulls.linear_ceiling:LinearCeiling",
            "highest score of a linear map before a linear rest of the network; always measured",
        ),
        "shuffled_labels": _entry(
            "controls.nulls.shuffled_labels:ShuffledLabels", "score of searches whose labels are shuffled"
        ),
        "used_subspace": _entry(
            "controls.used_subspace:UsedSubspaceControl",
            "the few directions that the rest of the network needs, and scores of searches inside them",
        ),
        "operand_leakage": _entry(
            "controls.operand_leakage:OperandLeakageControl",
            "how much of the operands is exchanged along with the variable",
        ),
        "power": _entry(
            "controls.power:PowerControl", "whether searches find planted variables; measured where a verdict needs it"
        ),
        "negative_controls": _entry(
            "controls.nulls.negative_controls:NegativeControlsControl",
            "score of searches where variables can be decoded but are not used",
        ),
        "distribution_shift": _entry(
            "controls.distribution_shift:DistributionShift", "score on inputs of another distribution"
        ),
        "source_variation": _entry(
            "controls.source_variation:SourceVariationControl",
            "how often sources of equal value give different answers",
        ),
        "code_fit": _entry(
            "controls.codes.code_fit:CodeFit", "which code at the site explains the answers to interventions best"
        ),
        "partial_cases": _entry(
            "controls.partial_cases:PartialCasesControl",
            "for which inputs a variable can be exchanged, if it can for some",
        ),
        "near_misses": _entry(
            "controls.codes.near_misses:NearMissesControl",
            "other variables for which the hypothesis would score nearly as high",
        ),
        "probes": _entry(
            "controls.probes:ProbesControl", "accuracy of probes that decode the variables from the activations"
        ),
    },
)

FIGURES = Registry(
    "figure",
    {
        "heat_map": _entry("report.figures.heat_map:HeatMapFigure", "mean IIA by site and size"),
        "size_curve": _entry("report.figures.size_curve:SizeCurveFigure", "IIA against size, by site"),
        "stages": _entry(
            "report.figures.stages:StagesFigure", "variables, rivals and output inside the used subspace, by site"
        ),
        "decodable": _entry("report.figures.decodable:DecodableFigure", "accuracy of probes and IIA, by site"),
        "subspace": _entry(
            "report.figures.subspace:SubspaceFigure", "states in the located subspace, before and after an interchange"
        ),
        "reuse": _entry("report.figures.reuse:ReuseFigure", "accuracy on a new question against the number of labels"),
        "restarts": _entry("report.figures.restarts:RestartsFigure", "the score of every restart, by start"),
        "published": _entry("report.figures.published:PublishedFigure", "scores compared with published ones"),
    },
)
