"""What one backward pass of the mean cross-entropy finds, for a whole batch, and for each half of one."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.sweep import Sweep


class LayerGradient(NamedTuple):
    """How the loss depends on one convolution, or on the classifier.

    Attributes
    ----------
    weight, gradient : float32 Tensor, shape (c_out, ...)
        The weight, and the gradient of the mean cross-entropy to it.
    channel_saliency : float64 Tensor, shape (c_out,)
        Half the mean over images of (sum over pixels of the output times the gradient of the loss to it) squared. The
        output is the one before BatchNorm; the classifier's includes its bias.
    product : float64 Tensor without dimensions
        Sum of weight times gradient. Before BatchNorm the terms cancel but for its epsilon, and rounding in float32
        would be most of what is left: this is not taken from them.
    """

    weight: Tensor
    gradient: Tensor
    channel_saliency: Tensor
    product: Tensor


@torch.inference_mode()  # on a generator, it holds within each step only
def half_batch_gradients(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[list[Tensor], float]]:
    """Yield the gradients of the mean cross-entropy of each half of the batch to each weight, and the seconds taken.

    One tensor for each weight, float32, shape (2, n_weights); of an odd number of images the first half has one more.
    Parameters as for every pass.
    """
    halves = zip(batch.images.tensor_split(2), batch.labels.tensor_split(2), strict=True)
    sweeps = [Sweep(*half, {"loss"}, to_weights=True) for half in halves]
    for network in members:
        start = devices.seconds()
        weights = networks.draw(network, initialisation, seed, device=batch.images.device)
        both = [sweep.run(network, weights).gradients for sweep in sweeps]
        nothing = {name: torch.zeros_like(weight) for name, weight in weights.items() if name != "classifier.bias"}
        found = [torch.stack([half.get(name, zeros) for half in both]).flatten(1) for name, zeros in nothing.items()]
        yield found, devices.seconds() - start
