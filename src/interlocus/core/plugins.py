"""Names for what is interchangeable: tasks, featurizers, starts, executors.

A registry knows a name, a line about it and where it lives; the module is imported when it is asked for, so listing
what there is costs nothing. Third parties add to it by an entry point in the group `interlocus.<kind>s`, whose name is
the name and whose value is `module:attribute`.
"""

from __future__ import annotations

from interlocus.core.registry import PluginEntry, Registry

TASKS = Registry(
    "task",
    {
        "hierarchical_equality": PluginEntry(
            target="interlocus.tasks.hierarchical_equality:HierarchicalEquality",
            summary="is (a = b) the same as (c = d)? Four vectors in, two classes out",
        ),
        "digits": PluginEntry(
            target="interlocus.tasks.digits:Digits",
            summary="is (a = b) the same as (c = d)? Four photographs of handwritten digits in, two classes out",
        ),
        "simple_equality": PluginEntry(
            target="interlocus.tasks.simple_equality:SimpleEquality",
            summary="is a = b? Two vectors in, two classes out",
        ),
        "distributive_law": PluginEntry(
            target="interlocus.tasks.distributive_law:DistributiveLaw",
            summary="(e1 ∧ e2) ∨ (e2 ∧ e3) over equalities of items: one function, two algorithms",
        ),
        "parity": PluginEntry(
            target="interlocus.tasks.bits:Parity", summary="is the number of set bits among four odd?"
        ),
        "and_or": PluginEntry(
            target="interlocus.tasks.bits:AndOr", summary="(x1 ∧ x2) ∨ x3: two algorithms that are hard to tell apart"
        ),
        "sum_of_three": PluginEntry(
            target="interlocus.tasks.sum_of_three:SumOfThree", summary="what is the sum of three small numbers?"
        ),
    },
)

FEATURIZERS = Registry(
    "featurizer",
    {
        "identity": PluginEntry(
            target="interlocus.featurizers.identity:Identity",
            summary="the neurons themselves; nothing is learned, the start chooses them",
        ),
        "rotation": PluginEntry(
            target="interlocus.featurizers.rotation:Rotation",
            summary="orthonormal directions, as in distributed alignment search",
        ),
        "linear": PluginEntry(
            target="interlocus.featurizers.linear:Linear",
            summary="any invertible linear map; its directions may be oblique",
        ),
        "linear_bounded": PluginEntry(
            target="interlocus.featurizers.linear:Linear",
            summary="an invertible linear map whose oblique projections are kept below a norm of about 2",
            arguments={"bound": 2.0},
        ),
        "frame": PluginEntry(
            target="interlocus.featurizers.frame:Frame",
            summary="directions that may drift, written back by their pseudo-inverse",
        ),
        "frame_transposed": PluginEntry(
            target="interlocus.featurizers.frame:Frame",
            summary="directions that may drift, written back naively by their transpose",
            arguments={"write": "transpose"},
        ),
        "principal": PluginEntry(
            target="interlocus.featurizers.principal:PrincipalComponents",
            summary="principal components of the covariance; nothing is learned, the start chooses them",
        ),
        "principal_uncentred": PluginEntry(
            target="interlocus.featurizers.principal:PrincipalComponents",
            summary="principal components of the second moment, the mean left in",
            arguments={"centred": False},
        ),
        "mask": PluginEntry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over neurons; its size is learned too",
        ),
        "mask_principal": PluginEntry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over principal components; its size is learned too",
            arguments={"over": "principal"},
        ),
        "mask_rotation": PluginEntry(
            target="interlocus.featurizers.mask:Mask",
            summary="a learned mask over a rotation that is learned with it; its size is learned too",
            arguments={"over": "rotation"},
        ),
        "boundless": PluginEntry(
            target="interlocus.featurizers.boundless:Boundless",
            summary="orthonormal directions with learned boundaries, so that sizes are learned too",
        ),
        "rotation_overlapping": PluginEntry(
            target="interlocus.featurizers.overlapping:Overlapping",
            summary="orthonormal directions of each variable by itself; those of two may be the same",
        ),
        "linear_overlapping": PluginEntry(
            target="interlocus.featurizers.overlapping:Overlapping",
            summary="an invertible linear map for each variable by itself; their directions may be the same",
            arguments={"each": "linear"},
        ),
        "coupling": PluginEntry(
            target="interlocus.featurizers.coupling:Coupling",
            summary="an invertible map that is not linear: additive couplings, as in reversible networks",
        ),
    },
)

STARTS = Registry(
    "start",
    {
        "random": PluginEntry(
            target="interlocus.searches.starts.random:Random", summary="orthonormal directions drawn at random (Haar)"
        ),
        "covariance": PluginEntry(
            target="interlocus.searches.starts.covariance:Covariance",
            summary="directions whose variance differs most between the values of the variable, in closed form",
        ),
        "mean_difference": PluginEntry(
            target="interlocus.searches.starts.mean_difference:MeanDifference",
            summary="the difference of the means where the variable has a value and where it has another",
        ),
        "discriminant": PluginEntry(
            target="interlocus.searches.starts.discriminant:Discriminant",
            summary="Fisher's discriminants: where the means differ, for the spread that there is",
        ),
        "principal": PluginEntry(
            target="interlocus.searches.starts.principal:Principal",
            summary="the principal components, largest variance first",
        ),
        "probe": PluginEntry(
            target="interlocus.searches.starts.probe:Probe",
            summary="the weights of a logistic regression that predicts the value",
        ),
        "gradient": PluginEntry(
            target="interlocus.searches.starts.gradient:Gradient", summary="the directions that move the answer most"
        ),
        "neurons_exhaustive": PluginEntry(
            target="interlocus.searches.starts.neurons:Neurons",
            summary="the best set of neurons of all, while they can be tried",
            arguments={"method": "exhaustive"},
        ),
        "neurons_greedy": PluginEntry(
            target="interlocus.searches.starts.neurons:Neurons",
            summary="neurons chosen one by one, each time the one that helps most",
            arguments={"method": "greedy"},
        ),
        "neurons_window": PluginEntry(
            target="interlocus.searches.starts.neurons:Neurons",
            summary="the best neurons that lie side by side",
            arguments={"method": "window"},
        ),
        "nested": PluginEntry(
            target="interlocus.searches.starts.nested:Nested",
            summary="what the other starts found at a smaller size, grown, or at a larger one, pruned",
        ),
    },
)

LOSSES = Registry(
    "loss",
    {
        "cross_entropy": PluginEntry(
            target="interlocus.alignment.interchange.losses:CrossEntropy",
            summary="minus the log-probability of the label",
        ),
        "bounded": PluginEntry(
            target="interlocus.alignment.interchange.losses:Bounded",
            summary="one minus the probability of the label; near to the score, for a second phase",
        ),
    },
    plural="losses",
)

NETWORKS = Registry(
    "network",
    {
        "mlp": PluginEntry(
            target="interlocus.networks.sources.trained_mlp:TrainedMLPs",
            summary="perceptrons that are trained here, many at once",
        ),
        "shared_encoder": PluginEntry(
            target="interlocus.networks.sources.shared_encoder:make_shared_encoder",
            summary="one encoder for four items, and layers over their codes",
        ),
    },
)

EXECUTORS = Registry(
    "executor",
    {
        "local": PluginEntry(
            target="interlocus.studies.executors.local:Local", summary="processes of this machine, one thread each"
        ),
    },
)

RUN = PluginEntry(target="interlocus.studies.run:run_study", summary="does a study")

PAGE = PluginEntry(target="interlocus.report.page.page:write_report", summary="a run as a page")

SHOW = PluginEntry(target="interlocus.report.terminal.run:as_text", summary="a run in words")
