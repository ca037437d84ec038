"""Principal components: which moment, which network, which components."""

from __future__ import annotations

import torch

from interlocus.core.random import derived_generator
from interlocus.featurizers import PrincipalComponents
from interlocus.featurizers.principal import principal_components


def test_components_are_eigenvectors_of_the_covariance_or_of_the_second_moment():
    """With a large mean the first uncentred component is along the mean, the first centred one along the variance."""
    generator = derived_generator(0)
    rows = torch.randn(5000, 6, generator=generator).double() * torch.tensor([3.0, 1, 1, 1, 1, 1])
    rows[:, 4] += 50
    centred, uncentred = (principal_components([rows], centred=way)[0] for way in (True, False))
    assert abs(centred[0, 0]) > 0.99
    assert abs(uncentred[0, 4]) > 0.99
    variances = (rows @ centred.T).var(0)
    assert (variances.diff() < 0).all()
    correlation = (rows @ centred.T).T.corrcoef()
    assert torch.allclose(correlation, torch.eye(6).double(), atol=1e-9)


def test_each_search_has_the_components_of_its_network():
    one, other = (torch.randn(300, 5, generator=derived_generator(i)).double() for i in range(2))
    together = principal_components([one, other, one], centred=True)
    torch.testing.assert_close(together[0], together[2])
    torch.testing.assert_close(together[1], principal_components([other], centred=True)[0])
    assert not torch.allclose(together[0].abs(), together[1].abs(), atol=0.01)


def test_the_components_nearest_to_the_directions_are_selected():
    rows = torch.randn(500, 4, generator=derived_generator(1)).double() * torch.tensor([4.0, 3, 2, 1])
    basis = principal_components([rows], centred=True)[0]
    directions = -basis[2].view(1, 1, 1, 4)
    assert torch.allclose(PrincipalComponents().initialize(directions, [rows]), directions)
