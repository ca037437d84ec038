"""Networks whose workings are known, because they were written down rather than trained."""

from __future__ import annotations

import torch

from interlocus.networks import MLP


def hand_wired(*, item_width: int = 4) -> MLP:
    """A network that solves hierarchical equality through |a − b| and |c − d|.

    Layer 1 holds (a − b)⁺, (b − a)⁺, (c − d)⁺ and (d − c)⁺; layer 2 a saturated "unequal" for each pair,
    u = min(1, 50·Σ|…|), as the difference of two ReLUs; the logits then ask whether u of left and right agree. Two
    different items are nearly never so close that u stays under one.
    """
    m = item_width
    one = torch.eye(m)
    first = torch.zeros(4 * m, 4 * m)
    for pair in range(2):
        rows, columns = 2 * m * pair, 2 * m * pair
        first[rows : rows + m, columns : columns + m] = one
        first[rows : rows + m, columns + m : columns + 2 * m] = -one
        first[rows + m : rows + 2 * m] = -first[rows : rows + m]
    second, shift = torch.zeros(4, 4 * m), torch.zeros(4)
    for pair in range(2):
        second[2 * pair : 2 * pair + 2, 2 * m * pair : 2 * m * (pair + 1)] = 50.0
        shift[2 * pair + 1] = -1.0
    unequal = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])  # u of left and of right, from layer 2
    # (u_left − u_right)⁺ and (u_right − u_left)⁺
    third = torch.stack([unequal[0] - unequal[1], unequal[1] - unequal[0]])
    last = torch.tensor([[2.0, 2.0], [0.0, 0.0]])  # class 0 unless they agree
    weights = [first, second, third, last]
    biases = [torch.zeros(4 * m), shift, torch.zeros(2), torch.tensor([0.0, 1.0])]
    return MLP([w.unsqueeze(0) for w in weights], [b.unsqueeze(0) for b in biases], activation="relu")


def mean_coded(*, width: int = 8, directions: torch.Tensor | None = None) -> MLP:
    """A network whose layer 3 holds the two truth values in the means of two orthonormal directions, well conditioned.

    It is the hand-wired network with one more layer: u ↦ R u + 2, positive everywhere, so the ReLU leaves it alone.
    Directions may be given, `[variable, width]`. Where they are neurons, the other neurons are two to the bit.
    """
    wired = hand_wired()
    unequal = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    turn = (mean_coded_directions(width=width) if directions is None else directions).T
    agree = wired.weights[2][0] @ torch.linalg.pinv(unequal)  # from u to (u_left − u_right)⁺ and the reverse
    weights = [wired.weights[0][0], wired.weights[1][0], turn @ unequal, agree @ turn.T, wired.weights[3][0]]
    shift = torch.full((width,), 2.0)
    biases = [wired.biases[0][0], wired.biases[1][0], shift, -agree @ turn.T @ shift, wired.biases[3][0]]
    return MLP([w.unsqueeze(0) for w in weights], [b.unsqueeze(0) for b in biases], activation="relu")


def mean_coded_directions(*, width: int = 8) -> torch.Tensor:
    """The directions of left and right at layer 3 of `mean_coded`: `[variable, width]`."""
    generator = torch.Generator().manual_seed(0)
    return torch.linalg.qr(torch.randn(width, 2, generator=generator)).Q.T


def known_subspace(*, item_width: int = 4) -> torch.Tensor:
    """At layer 1 of `hand_wired` the neurons of each pair: `[variable, feature, width]`."""
    return torch.eye(4 * item_width).view(2, 2 * item_width, 4 * item_width)


def two_routes(*, item_width: int = 2) -> MLP:
    """A network whose layer 4 holds left, right and the answer, as −1 and 1 plus two, and reads all three.

    Left and right decide, with a weight of two; the answer has half a unit of weight. With left and right at their
    mean, zero, only the answer is left, and it gives the same class.
    """
    wired = hand_wired(item_width=item_width)
    unequal = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    pairs = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])  # |l + r| and |l − r| by four ReLUs
    product = torch.tensor([[0.5, 0.5, -0.5, -0.5]])
    values = -2 * torch.eye(2)  # left and right are 1 − 2 u; the bias adds the constant
    third = torch.cat([values @ unequal, pairs @ values @ unequal])
    third_bias = torch.cat([torch.full((2,), 3.0), pairs @ torch.ones(2)])
    fourth = torch.zeros(3, 6)
    fourth[0, 0] = fourth[1, 1] = 1.0
    fourth[2, 2:] = product
    fourth_bias = torch.tensor([0.0, 0.0, 2.0])
    fifth = torch.zeros(6, 3)
    fifth[:4, :2] = pairs
    fifth[4, 2], fifth[5, 2] = 1.0, -1.0
    fifth_bias = -2 * fifth.sum(1)
    sixth = torch.cat([2 * product, torch.tensor([[0.5, -0.5]])], 1)
    weights = [wired.weights[0][0], wired.weights[1][0], third, fourth, fifth, torch.cat([-sixth, sixth])]
    biases = [wired.biases[0][0], wired.biases[1][0], third_bias, fourth_bias, fifth_bias, torch.zeros(2)]
    return MLP([w.unsqueeze(0) for w in weights], [b.unsqueeze(0) for b in biases], activation="relu")
