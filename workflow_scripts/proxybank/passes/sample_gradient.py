"""Gradients of each image by itself to all weights, and their inner products.

With BatchNorm's statistics held constant no image acts on another, so a single backward pass gives what is needed for
all: an image's gradient to a convolution is the product of its gradient to the output and its patches of the input.
With BatchNorm in training mode every logit depends on every image, and each image takes a backward pass of its own.
"""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.passes.evidence import Batch
from proxybank.passes.gradients import Call, Calls, draw, gradients, matrices, one_by_one

_N_TENSORS, _N_LEADING = 11, 50
_BLOCK = 1 << 16  # weights whose gradients are widened to float64 together: 32 MiB for 64 images


class SampleGradients(NamedTuple):
    """Gradients of the cross-entropy of each image to all weights.

    Attributes
    ----------
    gram : float64, shape (n_images, n_images)
        Their inner products.
    sign_agreement : float
        Sum over weights of the magnitude of the sum over images of the sign of the gradient.
    leading : float32, shape (n_tensors, n_images, 50)
        Gradients to the first 50 weights of each of the first 11 tensors that have as many.
    """

    gram: NDArray[np.float64]
    sign_agreement: float
    leading: NDArray[np.float32]


def _gram(rows: Tensor) -> Tensor:
    """Inner products of rows in float64."""
    return sum(block @ block.T for block in (part.double() for part in rows.split(_BLOCK, dim=1)))


def _batch_norm_of_constants(x: Tensor) -> Tensor:
    """Evaluate BatchNorm with the mean and variance of this batch as its running ones, which are constants."""
    var, mean = torch.var_mean(x.detach(), dim=(0, 2, 3), correction=0)
    return F.batch_norm(x, mean, var)


def _rows(weight: Tensor, call: Call, gradient: Tensor) -> Tensor:
    """Gradients of each image to a weight, shape (n_images, n_weights), given those to the output of its use."""
    inputs = call.inputs.detach()
    if weight.ndim == 2:
        return (gradient[:, :, None] * inputs[:, None, :]).flatten(1)
    patches = inputs.flatten(2) if weight.shape[2] == 1 else F.unfold(inputs, weight.shape[2], **call.options)
    return (gradient.flatten(2) @ patches.transpose(1, 2)).flatten(1)


@one_by_one
def sample_gradients(network: Network, batch: Batch, initialisation: str, seed: int) -> SampleGradients:
    """Differentiate the loss of each image, BatchNorm's statistics held constant."""
    weights = draw(network, batch, initialisation, seed)
    with Calls() as calls:
        logits = networks.forward(network, weights, batch.images, norm=_batch_norm_of_constants).logits
    loss = F.cross_entropy(logits, batch.labels, reduction="sum")
    found = gradients(loss, [call.output for call in calls.of.values()])
    leading: dict[Tensor, Tensor] = {}
    gram = torch.zeros(len(logits), len(logits), dtype=torch.float64, device=logits.device)
    sign_agreement = gram.new_zeros(())
    for (weight, call), gradient in zip(calls.of.items(), found, strict=True):
        rows = _rows(weight, call, gradient)
        gram += _gram(rows)
        leading[weight] = rows[:, :_N_LEADING].clone()
        sign_agreement += rows.sign().sum(dim=0).abs().sum(dtype=torch.float64)
    first = [leading[weight] for weight in matrices(weights) if weight.numel() >= _N_LEADING][:_N_TENSORS]
    return SampleGradients(gram.cpu().numpy(), sign_agreement.item(), torch.stack(first).cpu().numpy())


@one_by_one
def tangent_kernels(network: Network, batch: Batch, initialisation: str, seed: int) -> NDArray[np.float64]:
    """Inner products of the gradients of each image's sum of logits to all weights and BatchNorm's scales.

    BatchNorm is in training mode. The result has shape (n_images, n_images).
    """
    weights = draw(network, batch, initialisation, seed)
    scales = []

    def norm(x: Tensor) -> Tensor:
        scales.append(x.new_ones(x.shape[1]).requires_grad_())
        return networks.batch_norm(x, scales[-1])

    logits = networks.forward(network, weights, batch.images, norm=norm).logits
    tensors = [*matrices(weights), *scales]
    rows = logits.new_empty(len(logits), sum(tensor.numel() for tensor in tensors))
    for row, total in zip(rows, logits.sum(dim=1), strict=True):
        torch.cat([gradient.flatten() for gradient in gradients(total, tensors, retain_graph=True)], out=row)
    return _gram(rows).cpu().numpy()
