"""Rotations to pyvene 0.1.8 and back: the same interventions, example by example, and the same after its saving."""

import warnings

import pytest
import torch

import interlocus as il
from interlocus.alignment.from_directions import AlignmentTarget, from_directions
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.networks import MLP
from interlocus.tasks import HierarchicalEquality

pytestmark = [pytest.mark.peer, pytest.mark.filterwarnings("ignore")]

TASK = HierarchicalEquality()
COUNT = 100
PLACES = [[[0]] * COUNT] * 2


@pytest.fixture(scope="module")
def pyvene():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pyvene", reason="pyvene is not installed: pip install 'interlocus[bench]'")


@pytest.fixture(scope="module")
def network() -> MLP:
    return MLP.untrained(TASK, count=1, seed=11)


@pytest.fixture(scope="module")
def found(network) -> il.Alignment:
    turn = torch.linalg.qr(torch.randn(16, 16, generator=derived_generator(0, "turn"))).Q
    rows = torch.zeros(2, 5, 16)  # right has three directions only
    rows[0], rows[1, :3] = turn[:5], turn[8:11]
    return from_directions(AlignmentTarget(network, TASK, "both", "layer1"), rows, None)


@pytest.fixture(scope="module")
def intervenable(pyvene, network, found):
    """pyvene's model with our maps in it."""
    from pyvene.models.mlp.modelings_mlp import MLPConfig, MLPForClassification

    model = MLPForClassification(MLPConfig(h_dim=16, activation_function="relu", n_layer=3, num_classes=2, pdrop=0.0))
    layers = [block.ff1 for block in model.mlp.h] + [model.score]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, network.weights, network.biases, strict=True):
            layer.weight.copy_(weight[0])
            layer.bias.copy_(bias[0])
    representations = [
        pyvene.RepresentationConfig(
            0, "block_output", "pos", 1, low_rank_dimension=part.rotate_layer.weight.shape[1], intervention=part
        )
        for part in il.to_pyvene(found).values()
    ]
    return pyvene.IntervenableModel(pyvene.IntervenableConfig(representations), model.eval())


def test_the_same_predictions(intervenable, network, found):
    inputs, _ = TASK.labelled_inputs(3 * COUNT, split="test", generator=derived_generator(0, "peer"))
    base, left, right = inputs.split(COUNT)
    _, theirs = intervenable(
        {"inputs_embeds": base.unsqueeze(1)},
        [{"inputs_embeds": source.unsqueeze(1)} for source in (left, right)],
        {"sources->base": (PLACES, PLACES)},
    )
    ours = found.intervene(network, base, left=left, right=right)
    torch.testing.assert_close(ours, theirs[0].detach(), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours, network(base)[0], atol=1e-3)


@pytest.mark.parametrize("way", ["model", "folder", "interventions"])
def test_back_again(intervenable, network, found, way, tmp_path):
    intervenable.save(str(tmp_path / "saved"))
    source = {"model": intervenable, "folder": tmp_path / "saved", "interventions": il.to_pyvene(found)}[way]
    again = il.from_pyvene(source, network, TASK, hypothesis="both", site="layer1")
    assert again.sizes == {"left": 5, "right": 3}
    for name in found.variables:
        projections = [one.basis(name) @ one.basis(name).T for one in (found, again)]
        torch.testing.assert_close(*projections, atol=1e-5, rtol=0)


def test_what_is_no_rotation_does_not_go(pyvene, network, fails):
    bent = torch.eye(16).reshape(2, 8, 16) * 1.5
    with fails(AlignmentError, "no rotation"):
        il.to_pyvene(from_directions(AlignmentTarget(network, TASK, "both", "layer1"), bent, bent))
