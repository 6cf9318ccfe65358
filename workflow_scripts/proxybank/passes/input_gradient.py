"""What one backward pass of the sum of all logits to the images finds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class InputGradient(NamedTuple):
    """How the sum of all logits of a batch depends on each image.

    Attributes
    ----------
    rows : float64, shape (n_images, n_values)
        Gradient to each image. BatchNorm couples the images, so a row also holds what its image does to the others.
    labels : int64, shape (n_images,)
    n_classes : int
        Classes of the dataset; those of `labels` may be fewer.
    """

    rows: NDArray[np.float64]
    labels: NDArray[np.int64]
    n_classes: int
