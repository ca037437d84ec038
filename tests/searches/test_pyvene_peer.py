"""Our interchange against that of pyvene 0.1.8: the same network, rotation and examples give the same predictions."""

import warnings

import pytest
import torch

import interlocus as il
from interlocus.core.random import derived_generator
from interlocus.featurizers import Frames
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]

TASK = HierarchicalEquality()
SITES = {"layer1": 0, "layer2": 1, "layer3": 2}


@pytest.fixture(scope="module")
def pyvene():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pyvene", reason="pyvene is not installed: pip install 'interlocus[bench]'")


def as_pyvene(pyvene, network: MLP):
    """The same parameters in pyvene's own perceptron."""
    from pyvene.models.mlp.modelings_mlp import MLPConfig, MLPForClassification

    model = MLPForClassification(MLPConfig(h_dim=16, activation_function="relu", n_layer=3, num_classes=2, pdrop=0.0))
    layers = [block.ff1 for block in model.mlp.h] + [model.score]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, network.weights, network.biases, strict=True):
            layer.weight.copy_(weight[0])
            layer.bias.copy_(bias[0])
    return model.eval()


@pytest.mark.parametrize("site", list(SITES))
@pytest.mark.parametrize("swapped", [("left",), ("right",), ("left", "right")])
def test_predictions_are_those_of_pyvene(pyvene, site, swapped):
    network = MLP.untrained(TASK, count=1, seed=11)
    model = as_pyvene(pyvene, network)
    blocks = {"left": 0, "right": 1}
    representation = {
        "layer": SITES[site], "component": "block_output", "unit": "pos", "max_number_of_units": 1,
        "subspace_partition": [[0, 8], [8, 16]], "intervention_link_key": 0,
    }  # fmt: skip
    config = pyvene.IntervenableConfig(
        model_type=type(model),
        representations=[pyvene.RepresentationConfig(**representation) for _ in swapped],
        intervention_types=pyvene.RotatedSpaceIntervention,
    )
    intervenable = pyvene.IntervenableModel(config, model)
    turn = torch.linalg.qr(torch.randn(16, 16, generator=derived_generator(0, "turn", site))).Q
    for intervention in intervenable.interventions.values():
        (intervention[0] if isinstance(intervention, tuple) else intervention).rotate_layer.weight = turn
    first = next(iter(intervenable.interventions.values()))
    rotation = (first[0] if isinstance(first, tuple) else first).rotate_layer.weight.detach()

    count = 200
    inputs, _ = TASK.labelled_inputs(3 * count, split="test", generator=derived_generator(0, "peer", site))
    base, sources = inputs[:count], dict(zip(swapped, inputs[count:].split(count), strict=False))
    places = [[[0]] * count for _ in swapped]
    _, theirs = intervenable(
        {"inputs_embeds": base.unsqueeze(1)},
        [{"inputs_embeds": source.unsqueeze(1)} for source in sources.values()],
        {"sources->base": (places, places)},
        subspaces=[[[blocks[name]]] * count for name in swapped],
    )
    directions = rotation.T.reshape(2, 8, 16)
    ours = il.Alignment(
        site=site, hypothesis="both", variables=("left", "right"), featurizer="rotation",
        network=network.fingerprint(), task=TASK.name, frames=Frames(read=directions, write=directions),
    ).intervene(network, base, **sources)  # fmt: skip
    torch.testing.assert_close(ours, theirs[0].detach(), atol=1e-5, rtol=1e-5)
    assert (ours.argmax(1) == theirs[0].argmax(1)).all()
    assert not torch.allclose(ours, network(base)[0], atol=1e-3)  # something was swapped at all
