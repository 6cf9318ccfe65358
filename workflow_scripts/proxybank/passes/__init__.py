"""The few passes through a network that feed all proxies."""

from proxybank.passes.constant_image import drawn_weights, normalised_flows, path_sums
from proxybank.passes.evidence import Batch, Flow, Pass, ReluKernel
from proxybank.passes.forward import relu_kernels
from proxybank.passes.input_gradient import input_gradients
from proxybank.passes.loss_gradient import half_batch_gradients, loss_curvatures, loss_gradients
from proxybank.passes.sample_gradient import sample_gradients, tangent_kernels
from proxybank.passes.synaptic_flow import flows

__all__ = ["PASSES", "Batch", "Flow", "Pass", "ReluKernel", "flows", "relu_kernels"]

# Every group of passes by its name in `proxies.GROUPS`.
PASSES: dict[str, Pass] = {
    "forward": relu_kernels,
    "synaptic_flow": flows,
    "loss_gradient": loss_gradients,
    "loss_curvature": loss_curvatures,
    "half_batches": half_batch_gradients,
    "input_gradient": input_gradients,
    "sample_gradient": sample_gradients,
    "tangent_kernel": tangent_kernels,
    "normalised_flow": normalised_flows,
    "path_sum": path_sums,
    "weights": drawn_weights,
}
