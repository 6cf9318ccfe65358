"""The few passes through a network that feed all proxies."""

from proxybank.passes.evidence import Batch, Flow, Pass, ReluKernel
from proxybank.passes.forward import relu_kernels
from proxybank.passes.synaptic_flow import flows

__all__ = ["PASSES", "Batch", "Flow", "Pass", "ReluKernel", "flows", "relu_kernels"]

# Every group of passes by its name in `proxies.GROUPS`.
PASSES: dict[str, Pass] = {"forward": relu_kernels, "synaptic_flow": flows}
