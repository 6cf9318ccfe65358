"""BatchNorm and pooling with second derivatives written out; PyTorch composes them of many steps over activations.

Values and first derivatives are PyTorch's own.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

_EPSILON = 1e-5
_PIXELS = (0, 2, 3)  # all values of a channel


class _BatchNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y, mean, scale = torch.native_batch_norm(x, None, None, None, None, True, 0.0, _EPSILON)
        ctx.save_for_backward(x, mean, scale)
        return y

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> Tensor:
        return _BatchNormGradient.apply(u, *ctx.saved_tensors)


class _BatchNormGradient(Function):
    """s (u - mean(u) - y mean(u y)) for normalised values y = s (x - mean(x)); means are over all values of a channel.

    With v the gradient to this, the gradient to u is the same expression of v, since it is symmetric. The gradient to x
    follows from dy = s (dx - mean(dx) - y mean(y dx)) and ds = -s^2 mean(y dx).
    """

    @staticmethod
    def forward(ctx: Any, u: Tensor, x: Tensor, mean: Tensor, scale: Tensor) -> Tensor:
        ctx.save_for_backward(u, x, mean, scale)
        return torch.ops.aten.native_batch_norm_backward(
            u, x, None, None, None, mean, scale, True, _EPSILON, [True, False, False]
        )[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, v: Tensor) -> tuple[Tensor, Tensor, None, None]:
        u, x, *statistics = ctx.saved_tensors
        mean, s = (value[:, None, None] for value in statistics)
        y = (x - mean) * s
        mean_u, mean_v, mean_uy, mean_vy, mean_uv = (
            product.mean(dim=_PIXELS)[:, None, None] for product in (u, v, u * y, v * y, u * v)
        )
        to_u = torch.addcmul(v - mean_v, y, mean_vy, value=-1).mul_(s)
        along_y = mean_uv - mean_u * mean_v - 3 * mean_uy * mean_vy
        to_x = torch.addcmul(y * along_y, u - mean_u, mean_vy).addcmul_(v - mean_v, mean_uy).mul_(-s * s)
        return to_u, to_x, None, None


class _Sum3x3(Function):
    """Depthwise convolution with ones, which is its own derivative; PyTorch's second derivative goes by channels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, ones: Tensor) -> Tensor:
        ctx.ones = ones
        return F.conv2d(x, ones, padding=1, groups=len(ones))

    @staticmethod
    def backward(ctx: Any, u: Tensor) -> tuple[Tensor, None]:
        return _Sum3x3.apply(u, ctx.ones), None


def batch_norm(x: Tensor) -> Tensor:
    """BatchNorm in training mode with scale 1 and shift 0."""
    return _BatchNorm.apply(x)


class Pooling(TorchFunctionMode):
    """While it is active, the depthwise convolutions of pooling are `_Sum3x3`."""

    def __torch_function__(self, function: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Run an operation."""
        if function is F.conv2d and (kwargs or {}).get("groups", 1) > 1:
            return _Sum3x3.apply(*args)
        return function(*args, **(kwargs or {}))
