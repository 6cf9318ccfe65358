"""The few passes through a network that feed all proxies."""

from proxybank.passes.activation_rank import activation_ranks
from proxybank.passes.cell_jacobian import layer_spectra
from proxybank.passes.channel_correlation import channel_correlations
from proxybank.passes.constant_image import drawn_weights, normalised_flows, path_sums
from proxybank.passes.constant_weights import constant_weight_logits
from proxybank.passes.evidence import Batch, Flow, Pass, ReluKernel
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
from proxybank.passes.shared_gradient import alone, shared_gradients
from proxybank.passes.sign_pattern import sign_patterns
from proxybank.passes.synaptic_flow import flows

__all__ = ["PASSES", "Batch", "Flow", "Pass", "ReluKernel", "flows", "relu_kernels", "shared_gradients"]

# Every group of passes by its name in `proxies.GROUPS`.
PASSES: dict[str, Pass] = {
    "forward": relu_kernels,
    "synaptic_flow": flows,
    "loss_gradient": alone("loss_gradient"),
    "loss_curvature": alone("loss_curvature"),
    "half_batches": half_batch_gradients,
    "input_gradient": alone("input_gradient"),
    "sample_gradient": sample_gradients,
    "tangent_kernel": tangent_kernels,
    "normalised_flow": normalised_flows,
    "path_sum": path_sums,
    "weights": drawn_weights,
    "noisy_images": noise_responses,
    "initial_accuracy": initial_accuracies,
    "perturbed_noise": perturbations,
    "sign_pattern": sign_patterns,
    "channel_correlation": channel_correlations,
    "activation_rank": activation_ranks,
    "constant_weights": constant_weight_logits,
    "linear_region": linear_regions,
    "cell_jacobian": layer_spectra,
    "fisher_spectrum": fisher_spectra,
    "response_correlation": alone("response_correlation"),
    "layer_gradient": layer_gradients,
    "gradient_sign": sign_determinants,
}
