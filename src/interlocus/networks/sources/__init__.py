"""Where the networks of a study come from: trained here, made by a user's function, or objects of this process.

How a network is read and exchanged belongs in `networks.mlp` and `networks.module`.
"""

from interlocus.networks.sources._base import AbstractNetworkSource
from interlocus.networks.sources.trained_mlp import TrainedMLPs
from interlocus.networks.sources.user import FromFunction, FromObject

__all__ = ["AbstractNetworkSource", "FromFunction", "FromObject", "TrainedMLPs"]
