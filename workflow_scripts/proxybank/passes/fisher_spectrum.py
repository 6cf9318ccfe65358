"""Pass of Gaussian noise and one backward pass per class: eigenvalues of the Fisher matrix of a few weights.

One weight is taken of each of the first tensors of parameters, norms included. Without statistics of the batch the
images do not see each other, so that one backward pass gives the gradients of all of them: what is sent back to the
output of an operation, times what the weight multiplied there.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import normal, stream_key
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import gradients
from proxybank.passes.operations import Operation, run_head, run_layer, run_stem

N_IMAGES, N_TENSORS, SMOOTHING = 64, 128, 0.05
_NORM_SCALE = 1 / math.sqrt(1 + networks.EPSILON)
_UNNORMED = ".shortcut"  # no norm follows such a convolution


class FisherSpectrum(NamedTuple):
    """Fisher matrix of a network (pass ``fisher_spectrum``).

    Attributes
    ----------
    eigenvalues : float64, shape (min(n_tensors, 128),)
        Ascending, not negative.
    n_tensors : int
        Tensors of parameters: weights of convolutions, scales and shifts of norms, weights and bias of the classifier.
    """

    eigenvalues: NDArray[np.float64]
    n_tensors: int


def fisher_spectra(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[FisherSpectrum, float]]:
    """Yield the Fisher spectrum of each network, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
    batch : Batch
        Only its device and the shape of its images are read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
        Keys the noise too.
    """
    device = batch.images.device
    images = normal(stream_key(seed, "fisher_spectrum"), (N_IMAGES, *batch.images.shape[1:])).to(device)
    for network in members:
        start = devices.seconds()
        weights = networks.draw(network, "kaiming_normal_fan_in", seed, device=device)
        jacobian, logits, n_tensors = logit_jacobian(network, weights, images)
        yield FisherSpectrum(_eigenvalues(jacobian, logits), n_tensors), devices.seconds() - start


def logit_jacobian(network: Network, weights: networks.Weights, images: Tensor) -> tuple[Tensor, Tensor, int]:
    """Gradients of all logits to the first weight of each of the first tensors of parameters.

    Parameters
    ----------
    network : Network
    weights : dict of str to Tensor
    images : Tensor, shape (n_images, n_channels, side, side)

    Returns
    -------
    jacobian : float64 Tensor, shape (n_images, n_classes, min(n_tensors, 128))
        In the order of the reference network's parameters.
    logits : float64 Tensor, shape (n_images, n_classes)
    n_tensors : int
        Tensors of parameters of the network, used or not.
    """
    scaled = {name: weight if name.endswith(_UNNORMED) else weight * _NORM_SCALE for name, weight in weights.items()}
    scaled["stem.conv"].requires_grad_()  # gradients begin there; no other weight needs one of its own
    x, operations = run_stem(scaled, images, _folded)
    for layer in network.layers:
        x, further = run_layer(layer, scaled, x, _folded)
        operations += sorted(_with_parameters(further), key=_edge)
    output, head = run_head(weights, x, _norm)
    operations += _with_parameters(head)

    factors = [(operation.y, factor) for operation in operations for factor in _factors(operation, weights)]
    n_tensors, factors = len(factors) + 2, factors[:N_TENSORS]
    outputs = [y for y, _ in factors]
    # Logits are linear in the features: the fewer of the two are sent back.
    features, logits, classifier = output.features, output.logits, weights["classifier.weight"]
    few = min(logits, features, key=lambda values: values.shape[1])
    rows = []
    for column in few.unbind(dim=1):
        found = zip(factors, gradients(column.sum(), outputs, retain_graph=True), strict=True)
        rows.append(torch.stack([(gradient[:, 0] * factor).sum(dim=(1, 2)) for (_, factor), gradient in found], dim=1))
    jacobian = torch.stack(rows, dim=1).detach().double()
    if few is features:
        jacobian = classifier.double() @ jacobian
    last = jacobian.new_zeros(*logits.shape, 2)  # to the classifier's first weight and bias
    last[:, 0, 0], last[:, 0, 1] = features[:, 0].detach(), 1
    return torch.cat([jacobian, last], dim=2)[:, :, :N_TENSORS], logits.detach().double(), n_tensors


def _with_parameters(operations: list[Operation]) -> list[Operation]:
    return [operation for operation in operations if operation.kind in ("conv", "norm")]


def _edge(operation: Operation) -> tuple[str, str]:
    """Sort key that puts the edges of a cell into the reference network's order, and leaves reductions as they are."""
    edge = operation.name[-3:]
    return (edge[2], edge[0]) if edge[1] == ">" else ("", "")


def _factors(operation: Operation, weights: networks.Weights) -> list[Tensor]:
    """What the gradient to the first channel of the output is multiplied with, and summed over pixels.

    That gives derivatives to the first weight of a convolution, or to the first scale and shift of a norm. Shapes are
    (n_images, height, width).
    """
    y = operation.y[:, 0].detach()
    if operation.kind == "norm":
        return [y, torch.ones_like(y)]
    x = operation.x[:, :1].detach()
    size = weights[operation.name].shape[2]
    corner = F.pad(x.new_ones(1, 1, 1, 1), (0, size - 1, 0, size - 1))
    met = F.conv2d(x, corner, stride=x.shape[2] // y.shape[1], padding=size // 2)[:, 0]
    return [met if operation.name.endswith(_UNNORMED) else met * _NORM_SCALE]


def _norm(x: Tensor) -> Tensor:
    """Apply a BatchNorm that has seen no batch yet, in evaluation mode."""
    return x * _NORM_SCALE


def _folded(x: Tensor) -> Tensor:
    """Leave the scaling of such a BatchNorm to the convolution before it."""
    return x


def _eigenvalues(jacobian: Tensor, logits: Tensor) -> NDArray[np.float64]:
    """Eigenvalues of the mean over images of J' (diag(p) - p p') J for smoothed probabilities p."""
    p = logits.softmax(dim=1) * (1 - SMOOTHING) + SMOOTHING / logits.shape[1]
    centred = jacobian - (p[:, None] @ jacobian)
    root = (p.sqrt()[:, :, None] * centred).flatten(0, 1)  # its Gram matrix is the sum of J' (diag(p) - p p') J
    values = torch.linalg.eigvalsh(root.T @ root / len(p))
    return values.clamp(min=0).cpu().numpy()
