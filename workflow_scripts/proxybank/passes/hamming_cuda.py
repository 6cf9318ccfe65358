"""The Hamming kernel on an accelerator: on how many ReLU units two images agree, from signs that never leave it.

Two ways, which give the same integers: a product of matrices, and numba kernels that pack the signs into words and
count the ones of their exclusive or, as Melchionna, Revel Garrone and Suriano do. With ``NUMBA_ENABLE_CUDASIM=1`` numba
simulates the latter on the CPU, thread by thread.
"""

from collections.abc import Callable
from typing import Any

import torch
from numba import cuda, int64, uint64
from torch import Tensor

_WORD = 64  # signs in a word
_EXACT = 1 << 22  # units whose counts, and what they add up to, float32 holds
_PACKING, _COUNTING = 128, 64  # threads of a block; the latter a power of 2, since its sums are halved


@cuda.jit
def _pack(signs, words):
    """A thread packs one word of one image: bit k is sign 64 * word + k, and 0 behind the last one."""
    image, word = cuda.blockIdx.y, cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if word >= words.shape[1]:
        return
    packed = uint64(0)
    first = word * _WORD
    for k in range(min(_WORD, signs.shape[1] - first)):
        if signs[image, first + k]:
            packed |= uint64(1) << uint64(k)
    words[image, word] = packed


@cuda.jit
def _count_agreements(words, n_units, agreements):
    """A block counts for one pair of images, of which the second comes no later; its threads share the words."""
    i, j, thread = cuda.blockIdx.y, cuda.blockIdx.x, cuda.threadIdx.x
    if j > i:  # all threads of a block leave, or none
        return
    sums = cuda.shared.array(_COUNTING, int64)
    differing = int64(0)
    for word in range(thread, words.shape[1], _COUNTING):
        differing += cuda.popc(words[i, word] ^ words[j, word])
    sums[thread] = differing
    cuda.syncthreads()
    half = _COUNTING // 2
    while half > 0:
        if thread < half:
            sums[thread] += sums[thread + half]
        cuda.syncthreads()
        half //= 2
    if thread == 0:
        agreements[i, j] = agreements[j, i] = n_units - sums[0]


def popcount_agreements(signs: Tensor) -> Tensor:
    """Units on which each pair of images agrees, by counting the ones of packed words; see `KERNELS`."""
    n_images, n_units = signs.shape
    words = signs.new_empty((n_images, -(-n_units // _WORD)), dtype=torch.uint64)
    agreements = signs.new_empty((n_images, n_images), dtype=torch.int64)
    stream = _stream(signs.device)
    blocks = -(-words.shape[1] // _PACKING)
    _pack[(blocks, n_images), _PACKING, stream](_array(signs), _array(words))
    _count_agreements[(n_images, n_images), _COUNTING, stream](_array(words), n_units, _array(agreements))
    return agreements


def product_agreements(signs: Tensor) -> Tensor:
    """Units on which each pair of images agrees, by a product of matrices; see `KERNELS`.

    N - r_i - r_j + 2 x_i x_j for codes x of 0 and 1 with r ones: exact in float32 for so many units at a time.
    """
    return sum(_block_agreements(block.float()) for block in signs.split(_EXACT, dim=1))


def _block_agreements(codes: Tensor) -> Tensor:
    ones = codes.sum(dim=1)
    return (codes.shape[1] - ones[:, None] - ones + 2 * (codes @ codes.T)).round().long()


# Signs, bool, shape (n_images, n_units), contiguous -> agreements, int64, shape (n_images, n_images), on one device.
KERNELS: dict[str, Callable[[Tensor], Tensor]] = {"product": product_agreements, "popcount": popcount_agreements}


def _array(tensor: Tensor) -> Any:
    """What a kernel takes for a tensor: its memory, not a copy. The simulator reads that of the CPU."""
    return tensor.numpy() if tensor.device.type == "cpu" else cuda.as_cuda_array(tensor)


def _stream(device: torch.device) -> Any:
    """PyTorch's stream of a device, so that kernels wait for what it has been told to compute before them."""
    return 0 if device.type == "cpu" else cuda.external_stream(torch.cuda.current_stream(device).cuda_stream)
