"""The Hamming kernels of an accelerator, without one: numba's simulator runs the CUDA code on the CPU."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from proxybank.passes import hamming_cuda

# Units of less than a word, of one, of more, and of more words than a block has threads.
SIZES = (1, 64, 130, 64 * 65 + 7)


def signs(n_units):
    return np.random.default_rng(n_units).random((3, n_units)) < 0.4


def by_pairs(codes):
    return (codes[:, None] == codes).sum(axis=2)


@pytest.mark.parametrize("n_units", SIZES)
def test_a_product_of_matrices_counts_agreements(n_units):
    found = hamming_cuda.product_agreements(torch.from_numpy(signs(n_units)))
    assert found.dtype == torch.int64
    assert (found.numpy() == by_pairs(signs(n_units))).all()


def test_a_product_of_matrices_is_exact_for_the_largest_network():
    # 901,120 units a network at 32 x 32 pixels; all agree but one.
    codes = torch.ones(2, 901_120, dtype=torch.bool)
    codes[1, -1] = False
    assert hamming_cuda.product_agreements(codes).tolist() == [[901_120, 901_119], [901_119, 901_120]]


def test_a_product_of_matrices_is_exact_beyond_what_float32_counts():
    # 2 ** 24 + 3 units, of which the first image has all, the second one all but the first and the last.
    codes = torch.ones(2, 2**24 + 3, dtype=torch.bool)
    codes[1, [0, -1]] = False
    assert hamming_cuda.product_agreements(codes).tolist() == [[2**24 + 3, 2**24 + 1], [2**24 + 1, 2**24 + 3]]


def test_the_simulated_popcount_equals_the_product():
    """In a process of its own: numba reads the variable when it is imported."""
    done = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(Path(hamming_cuda.__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(size) for size in SIZES]


if __name__ == "__main__":
    for n_units in SIZES:
        codes = torch.from_numpy(signs(n_units))
        popcount, product = (kernel(codes) for kernel in (hamming_cuda.KERNELS[k] for k in ("popcount", "product")))
        assert popcount.dtype == torch.int64 and torch.equal(popcount, product)
        assert (popcount.numpy() == by_pairs(signs(n_units))).all()
        print(n_units)
