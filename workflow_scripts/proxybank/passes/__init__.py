"""The few passes through a network that feed all proxies."""

from proxybank.passes.evidence import Flow, ReluKernel, Timed
from proxybank.passes.forward import relu_kernels
from proxybank.passes.synaptic_flow import flows

__all__ = ["Flow", "ReluKernel", "Timed", "flows", "relu_kernels"]
