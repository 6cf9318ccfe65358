"""Pass P3: one clean forward pass, and one backward pass of the sum of all logits to the images."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import gradients, one_by_one


class InputGradient(NamedTuple):
    """How the sum of all logits of a batch depends on each image.

    Attributes
    ----------
    rows : float64, shape (n_images, n_values)
        Gradient to each image. BatchNorm couples the images, so a row also holds what its image does to the others.
    labels : int64, shape (n_images,)
    n_classes : int
        Classes of the dataset; those of `labels` may be fewer.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.int64]
    n_classes: int


@one_by_one
def input_gradients(network: Network, batch: Batch, initialisation: str, seed: int) -> InputGradient:
    """Differentiate the logits of one network to the images."""
    weights = networks.draw(network, initialisation, seed, device=batch.images.device)
    images = batch.images.detach().requires_grad_()
    total = networks.forward(network, weights, images).logits.sum()
    # Without a path from input to output nothing is recorded.
    gradient = gradients(total, [images])[0] if total.requires_grad else images.new_zeros(images.shape)
    rows = gradient.flatten(1).double().cpu().numpy()
    return InputGradient(rows, batch.labels.cpu().numpy(), network.skeleton.n_classes)
