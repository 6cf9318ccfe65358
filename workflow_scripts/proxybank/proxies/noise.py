"""Proxies of what noise on the images does inside a network."""

import math
from typing import TYPE_CHECKING

from proxybank.proxies.registry import Status, register

if TYPE_CHECKING:  # torch comes with them, and the registry is read without
    from proxybank.passes.noisy_images import NoiseResponse
    from proxybank.passes.perturbed_noise import Perturbation

NI = "Wu, Lin, Tsai, IEEE TEVC 28(2), 2024"
_POOLINGS = "Members of a class may differ in poolings: those of the one that is scored count. "


@register(
    name="ni",
    version=2,
    needs="noisy_images",
    higher_is_better=True,
    source=NI,
    differs=_POOLINGS + "Every convolution counts once; the authors' code counts those in blocks with ReLU and norm "
    "twice (ni_code). The run's initialisation and batch; theirs are PyTorch's default and 128 images.",
)
def ni(response: "NoiseResponse") -> float:
    """Noise immunity: ln(channels * convolutions / poolings / ln(change by noise)), 0 unless ln(change) is above 0."""
    return _noise_immunity(response, response.n_convs, response.n_channels)


@register(
    name="ni_code",
    version=2,
    needs="noisy_images",
    higher_is_better=True,
    source=NI,
    differs=_POOLINGS + "As the authors' code counts: modules with 'Conv' in their class name, so blocks beside what "
    "they hold. The run's initialisation and batch; theirs are PyTorch's default and 128 images.",
)
def ni_code(response: "NoiseResponse") -> float:
    """Noise immunity with the counts of the authors' code; see `ni`."""
    n_convs = response.n_convs + response.n_blocks
    return _noise_immunity(response, n_convs, response.n_channels + response.n_block_channels)


def _noise_immunity(response: "NoiseResponse", n_convs: int, n_channels: int) -> float:
    if not math.isfinite(response.change):
        return response.change
    eta = math.log(1e-10 + response.change)
    return math.log(n_channels * n_convs / response.n_pools / eta) if eta > 0 else 0.0


@register(
    name="zen",
    version=1,
    needs="perturbed_noise",
    higher_is_better=True,
    source="Lin, Wang, Sun, Chen, Sun, Qian, Li, Jin, ICCV 2021, arXiv:2102.01063",
    differs="Norms' variances are those of the batch, as printed; the code reads running ones, a mixture of 1, two "
    "batches and, from the second repeat on, mostly earlier initialisations. Norms that see no variation at all are "
    "left out.",
)
def zen(repeats: "list[Perturbation]") -> float | Status:
    """Mean over repeats of ln(change of the last feature maps) plus the logarithms of all norms' deviations.

    Constant where a perturbation changes nothing: the published -inf.
    """
    if not all(repeat.change for repeat in repeats):
        return Status.CONSTANT
    return sum(math.log(repeat.change) + repeat.log_deviations for repeat in repeats) / len(repeats)
