"""What one backward pass of the mean cross-entropy finds, for a whole batch, and for each half of one."""

from typing import NamedTuple

import torch
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import one_by_one
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
    """

    weight: Tensor
    gradient: Tensor
    channel_saliency: Tensor


@one_by_one
@torch.inference_mode()
def half_batch_gradients(network: Network, batch: Batch, initialisation: str, seed: int) -> list[Tensor]:
    """Gradients of the mean cross-entropy of each half of the batch to each weight, float32, shape (2, n_weights)."""
    weights = networks.draw(network, initialisation, seed, device=batch.images.device)
    middle = len(batch.images) // 2
    halves = [
        Sweep(network, weights, batch.images[part], batch.labels[part], {"loss"}, to_weights=True).gradients
        for part in (slice(None, middle), slice(middle, None))
    ]
    nothing = {name: torch.zeros_like(weight) for name, weight in weights.items() if name != "classifier.bias"}
    return [torch.stack([half.get(name, zeros) for half in halves]).flatten(1) for name, zeros in nothing.items()]
