"""Pass of Gaussian noise: spectra of what layers put out, and of the Jacobian from each layer's input to its output."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from proxybank import networks
from proxybank.networks import Network
from proxybank.networks.randomness import normal, stream_key, uniform
from proxybank.passes import devices
from proxybank.passes.evidence import Batch
from proxybank.passes.prefixes import Trunk
from proxybank.spaces.base import Layer

N_IMAGES = 64


class LayerSpectra(NamedTuple):
    """Spectra at the cells and reductions of a network, in order (pass ``cell_jacobian``).

    Attributes
    ----------
    entropies : tuple of float
        Entropy of the normalised eigenvalues of the covariance of output channels; NaN where the output is constant.
    gains : tuple of float
        Largest singular value of the mean over pixels of what a random sign on the output sends back to the input,
        times that sign: an estimate of the Jacobian. For every layer but the first; NaN for a layer that only copies.
    """

    entropies: tuple[float, ...]
    gains: tuple[float, ...]


State = tuple[Tensor, list[Tensor], list[Tensor]]  # output of a layer, entropies and gains up to there


def layer_spectra(
    members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[tuple[LayerSpectra, float]]:
    """Yield the spectra of each network, and the seconds taken.

    Parameters
    ----------
    members : sequence of Network
        Networks of one space; on the size space the official order saves most work.
    batch : Batch
        Only its device and the shape of its images are read.
    initialisation : str
        Not read: the definition has its own.
    seed : int
        Keys the noise and the signs too.
    """
    device = batch.images.device
    images = normal(stream_key(seed, "cell_jacobian"), (N_IMAGES, *batch.images.shape[1:])).to(device)
    draw = partial(networks.draw, initialisation="kaiming_normal_fan_in", seed=seed, device=device)

    def run(network: Network, layer: Layer, before: State | None) -> State:
        weights = draw(network, layers=(layer.name,))
        if before is None:
            x = networks.run_layer(layer, weights, networks.stem(draw(network, layers=("stem",)), images))
            return x, [spectral_entropy(x)], []
        x = before[0].requires_grad_()
        y = networks.run_layer(layer, weights, x)
        sign = uniform(stream_key(seed, "cell_jacobian", layer.name), tuple(y.shape)).sign().to(device)
        gains = [*before[2], jacobian_gain(x, y, sign)]
        y = y.detach()
        return y, [*before[1], spectral_entropy(y)], gains

    trunk = Trunk(run)
    for network in members:
        start = devices.seconds()
        _, entropies, gains = trunk.visit(network, len(network.layers))[-1]
        values = torch.stack([*entropies, *gains]).tolist()
        spectra = LayerSpectra(tuple(values[: len(entropies)]), tuple(values[len(entropies) :]))
        yield spectra, devices.seconds() - start


def spectral_entropy(x: Tensor) -> Tensor:
    """Entropy of the normalised eigenvalues of the covariance of channels; NaN if all are constant or one overflows.

    Parameters
    ----------
    x : Tensor, shape (n_images, n_channels, height, width)
    """
    rows = x.detach().permute(0, 2, 3, 1).flatten(0, 2)
    rows = rows - rows.mean(dim=0)
    products = (rows.T @ rows).double()
    products = torch.where(products.isfinite().all(), products, 0.0)  # what an eigensolver does not take, ends as NaN
    values = torch.linalg.eigvalsh(products).clamp(min=0)
    shares = values / values.sum()
    return -(shares * (shares + 1e-8).log()).sum()


def jacobian_gain(x: Tensor, y: Tensor, sign: Tensor) -> Tensor:
    """Largest singular value of the mean over pixels of (sign sent back from y to x) times sign; NaN for a copy.

    Parameters
    ----------
    x, y : Tensor
        Input of a layer, with gradients, and its output; where the output has fewer pixels, those of the input that lie
        over one of its pixels count as channels.
    sign : Tensor
        Of the shape of `y`, entries -1 and 1.
    """
    if not y.requires_grad:  # no path
        return x.new_zeros((), dtype=torch.float64)
    (back,) = torch.autograd.grad(y, x, sign)
    copies = (back == sign).all() if back.shape == sign.shape else back.new_zeros((), dtype=torch.bool)
    if back.shape[2] != sign.shape[2]:
        back = F.pixel_unshuffle(back, back.shape[2] // sign.shape[2])
    back, sign = (part.permute(0, 2, 3, 1).flatten(0, 2) for part in (back, sign))
    gain = torch.linalg.svdvals(back.T @ sign)[0].double() / len(sign)
    return torch.where(copies, torch.nan, gain)
