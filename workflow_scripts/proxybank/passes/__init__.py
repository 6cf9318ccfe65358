"""The few passes through a network that feed all proxies."""

from collections.abc import Iterator, Sequence, Set
from typing import Any

from proxybank.networks import Network
from proxybank.passes.activation_rank import activation_ranks
from proxybank.passes.cell_jacobian import layer_spectra
from proxybank.passes.channel_correlation import channel_correlations
from proxybank.passes.constant_image import drawn_weights, normalised_flows, path_sums
from proxybank.passes.constant_weights import constant_weight_logits
from proxybank.passes.evidence import Batch, Flow, Pass, ReluKernel, ScaledFlow
from proxybank.passes.fisher_spectrum import fisher_spectra
from proxybank.passes.forward import relu_kernels
from proxybank.passes.gradient_sign import sign_determinants
from proxybank.passes.initial_accuracy import initial_accuracies
from proxybank.passes.layer_gradient import layer_gradients
from proxybank.passes.linear_region import linear_regions
from proxybank.passes.loss_gradient import half_batch_gradients
from proxybank.passes.noisy_images import noise_responses
from proxybank.passes.perturbed_noise import perturbations
from proxybank.passes.sample_gradient import sample_gradients, tangent_kernels
from proxybank.passes.shared_gradient import shared_gradients
from proxybank.passes.sign_pattern import sign_patterns
from proxybank.passes.synaptic_flow import flows

__all__ = ["PASSES", "Batch", "Flow", "Pass", "ReluKernel", "ScaledFlow", "flows", "relu_kernels", "run"]

# Every group of `proxies.GROUPS` that provides one thing, by its name.
PASSES: dict[str, Pass] = {
    "forward": relu_kernels,
    "synaptic_flow": flows,
    "half_batches": half_batch_gradients,
    "sample_gradient": sample_gradients,
    "tangent_kernel": tangent_kernels,
    "normalised_flow": normalised_flows,
    "path_sum": path_sums,
    "weights": drawn_weights,
    "noisy_images": noise_responses,
    "perturbed_noise": perturbations,
    "sign_pattern": sign_patterns,
    "channel_correlation": channel_correlations,
    "activation_rank": activation_ranks,
    "constant_weights": constant_weight_logits,
    "linear_region": linear_regions,
    "cell_jacobian": layer_spectra,
    "fisher_spectrum": fisher_spectra,
    "layer_gradient": layer_gradients,
    "gradient_sign": sign_determinants,
}

# Those that provide several things, and run what is asked for.
SHARED = {"gradients": shared_gradients, "initial_accuracy": initial_accuracies}


def run(
    group: str, parts: Set[str], members: Sequence[Network], batch: Batch, initialisation: str, seed: int
) -> Iterator[dict[str, tuple[Any, float]]]:
    """Run one group of passes; yield for each network what it provides, with the seconds that this would take alone.

    Parameters
    ----------
    group : str
        One of `proxies.GROUPS`.
    parts : set of str
        Those of the things it provides that are asked for.
    members, batch, initialisation, seed
        As for every `Pass`.
    """
    if group in SHARED:
        yield from SHARED[group](members, batch, initialisation, seed, parts)
    else:
        for found in PASSES[group](members, batch, initialisation, seed):
            yield dict.fromkeys(parts, found)
