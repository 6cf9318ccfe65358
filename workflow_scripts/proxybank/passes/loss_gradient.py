"""Pass P2: one clean forward pass of a batch of images, and one backward pass of the mean cross-entropy.

Memory is that of training: every activation of one network is alive at once, and the gradient to each convolution's
output with it. For 64 CIFAR images the largest cell of the topology space takes 0.8 GiB, and 1.6 GiB with second
derivatives, above the 0.3 GiB of the process.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes import second_order
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import Calls, draw, gradients, matrices, one_by_one


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
def loss_gradients(network: Network, batch: Batch, initialisation: str, seed: int) -> list[LayerGradient]:
    """Differentiate the loss of one network, to weights and to the outputs of convolutions in one backward pass."""
    weights = draw(network, batch, initialisation, seed)
    with Calls() as calls:
        logits = networks.forward(network, weights, batch.images).logits
    layers = matrices(weights)
    outputs = [calls.of[weight].output for weight in layers]
    found = gradients(F.cross_entropy(logits, batch.labels), [*layers, *outputs])
    return [
        LayerGradient(weight.detach(), gradient, _saliency(output.detach(), output_gradient))
        for weight, output, gradient, output_gradient in zip(
            layers, outputs, found[: len(layers)], found[len(layers) :], strict=True
        )
    ]


def _saliency(output: Tensor, gradient: Tensor) -> Tensor:
    per_image = (output * gradient).double()
    if per_image.ndim == 4:
        per_image = per_image.sum(dim=(2, 3))
    return per_image.square().mean(dim=0) / 2


@one_by_one
def loss_curvatures(network: Network, batch: Batch, initialisation: str, seed: int) -> list[tuple[Tensor, Tensor]]:
    """Each weight with the same part of H g, where g and H are gradient and Hessian of the loss to all weights.

    H g is the gradient of g with g itself held constant: one more backward pass, through the first one.
    """
    weights = draw(network, batch, initialisation, seed)
    layers = matrices(weights)
    with second_order.Pooling():
        logits = networks.forward(network, weights, batch.images, norm=second_order.batch_norm).logits
    loss = F.cross_entropy(logits, batch.labels)
    first = gradients(loss, layers, create_graph=True)
    product = torch.stack([(gradient * gradient.detach()).sum() for gradient in first]).sum()
    second = gradients(product, layers)
    return [(weight.detach(), part) for weight, part in zip(layers, second, strict=True)]


@one_by_one
def half_batch_gradients(network: Network, batch: Batch, initialisation: str, seed: int) -> list[Tensor]:
    """Gradients of the mean cross-entropy of each half of the batch to each weight, float32, shape (2, n_weights)."""
    weights = draw(network, batch, initialisation, seed)
    layers = matrices(weights)
    middle = len(batch.images) // 2
    halves = []
    for part in (slice(None, middle), slice(middle, None)):
        logits = networks.forward(network, weights, batch.images[part]).logits
        halves.append(gradients(F.cross_entropy(logits, batch.labels[part]), layers))
    return [torch.stack(pair).flatten(1) for pair in zip(*halves, strict=True)]
