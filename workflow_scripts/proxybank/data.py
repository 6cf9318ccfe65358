"""Images: scikit-learn's digits or a user's file, split for training, and drawn as the batches that proxies see."""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxybank.errors import ImageError
from proxybank.spaces import Skeleton

# A larger label is a mistake; a classifier with that many outputs would take all memory.
MAX_CLASSES = 100_000


@dataclass(frozen=True)
class Images:
    """Labelled images of one dataset.

    Attributes
    ----------
    where : str
        File or built-in name they come from, with which messages begin.
    images : float32, shape (n, n_channels, side, side)
        Standardised: each channel has mean 0 and variance 1 over the dataset.
    labels : int64, shape (n,)
    n_classes : int
    """

    where: str
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    n_classes: int

    def skeleton(self, **settings: int) -> Skeleton:
        """Skeleton for networks on these images; `settings` are its remaining attributes."""
        return Skeleton(self.images.shape[1], self.n_classes, self.images.shape[2], **settings)


@cache
def load(images: str, n_classes: int | None = None) -> Images:
    """Read a dataset.

    Parameters
    ----------
    images : str
        ``digits`` (1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn), or the path of an ``.npz``
        file with ``images`` (uint8, shape (n, n_channels, side, side)) and ``labels`` (integers, shape (n,)).
    n_classes : int, optional
        Number of classes, where the labels of the file do not reach the last one.

    Raises
    ------
    ImageError
        If the file is missing, or its arrays have another name, shape or type, or labels are negative or too large.
    """
    if images == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        raw, labels = digits.images[:, None], digits.target
    else:
        raw, labels = _read(Path(images))
    known = int(labels.max()) + 1
    if n_classes is not None and known > n_classes:
        raise ImageError(f"{images}: found label {known - 1}. Expected labels below n_classes, {n_classes}. Raise it.")
    pixels = raw.astype(np.float32)
    mean, std = pixels.mean(axis=(0, 2, 3), keepdims=True), pixels.std(axis=(0, 2, 3), keepdims=True)
    if not std.all():
        raise ImageError(f"{images}: a channel has the same value everywhere. Expected real images. Check the file.")
    return Images(images, (pixels - mean) / std, labels.astype(np.int64), n_classes or known)


def _read(path: Path) -> tuple[NDArray, NDArray]:
    """Arrays of an ``.npz`` file, checked."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("images", "labels") if name in file}
    except FileNotFoundError as error:
        raise ImageError(f"{path}: there is no such file. Expected an .npz file. Correct the path.") from error
    except (OSError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ImageError(
            f"{path}: this is no .npz file of plain arrays. Write one with numpy.savez(path, images=..., labels=...)."
        ) from error
    for name in ("images", "labels"):
        if name not in arrays:
            raise ImageError(f"{path}: no array is called '{name}'. Expected 'images' and 'labels'. Add it.")
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim != 4 or images.shape[1] not in (1, 3) or images.shape[2] != images.shape[3] or not images.size:
        raise ImageError(
            f"{path}, images: found shape {images.shape}. Expected (n, 1 or 3 channels, side, side), at least one "
            "image. Transpose or crop them."
        )
    if images.dtype != np.uint8:
        raise ImageError(f"{path}, images: found type {images.dtype}. Expected uint8, values 0 to 255. Convert them.")
    integers = labels.shape == images.shape[:1] and labels.dtype.kind in "iu"
    if not integers or labels.min() < 0 or labels.max() >= MAX_CLASSES:
        raise ImageError(
            f"{path}, labels: found {labels.dtype} of shape {labels.shape}. Expected one integer from 0 to "
            f"{MAX_CLASSES - 1} for each of the {len(images)} images. Correct them."
        )
    return images, labels


@dataclass(frozen=True)
class Partition:
    """Numbers of the images for training, validation and test (int64 each, disjoint)."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def partition(data: Images, train_images: int, valid_images: int) -> Partition:
    """Split a dataset, each part with the same shares of classes; the remaining images are for test.

    Raises
    ------
    ImageError
        If nothing remains for test, or a part has fewer images than there are classes.
    """
    from sklearn.model_selection import train_test_split

    n_test = len(data.labels) - train_images - valid_images
    if min(train_images, valid_images, n_test) < data.n_classes:
        raise ImageError(
            f"{data.where}: {len(data.labels)} images, of which {train_images} for training and {valid_images} for "
            f"validation, leave {n_test} for test. Expected at least {data.n_classes} in each part. Lower train_images "
            "or valid_images, or give more images."
        )
    everything = np.arange(len(data.labels))
    try:
        train, rest = train_test_split(everything, train_size=train_images, stratify=data.labels, random_state=0)
        valid, test = train_test_split(rest, train_size=valid_images, stratify=data.labels[rest], random_state=0)
    except ValueError as error:  # a class is too small to be in both sides of a split
        smallest = np.bincount(data.labels)[np.unique(data.labels)].min()
        raise ImageError(
            f"{data.where}: the smallest class has {smallest} images, too few for a share of it in each of training, "
            "validation and test. Expected at least 3. Leave the class out, or give more images of it."
        ) from error
    return Partition(train, valid, test)


def scoring_pool(data: Images, training: Mapping[str, Any] | None) -> NDArray[np.int64] | None:
    """Numbers of the images that may be scored on: without those held back for test, where networks are trained.

    Parameters
    ----------
    data : Images
    training : mapping or None
        ``train_images`` and ``valid_images``, or None where nothing is trained; then every image may be used.
    """
    if training is None:
        return None
    chosen = partition(data, training["train_images"], training["valid_images"])
    return np.concatenate([chosen.train, chosen.valid])


@dataclass(frozen=True)
class Batches:
    """One batch of distinct training images per seed.

    Attributes
    ----------
    seeds : int64, shape (n_seeds,)
    images : float32, shape (n_seeds, batch_size, n_channels, side, side)
    labels : int64, shape (n_seeds, batch_size)
    n_classes : int
    """

    seeds: NDArray[np.int64]
    images: NDArray[np.float32]
    labels: NDArray[np.int64]
    n_classes: int

    def skeleton(self, **settings: int) -> Skeleton:
        """Skeleton for networks on these images; `settings` are its remaining attributes."""
        return Skeleton(self.images.shape[2], self.n_classes, self.images.shape[3], **settings)

    def fingerprint(self) -> str:
        """SHA-256 of everything in it."""
        digest = hashlib.sha256(str((self.images.shape, self.n_classes)).encode())
        for array in (self.seeds, self.images, self.labels):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def write(self, path: str | Path) -> None:
        """Write an ``.npz`` file."""
        np.savez(path, seeds=self.seeds, images=self.images, labels=self.labels, n_classes=self.n_classes)

    @classmethod
    def read(cls, path: str | Path) -> "Batches":
        """Read what `write` has written."""
        with np.load(path) as file:
            return cls(file["seeds"], file["images"], file["labels"], int(file["n_classes"]))


def draw_batches(data: Images, batch_size: int, seeds: Sequence[int], pool: NDArray[np.int64] | None = None) -> Batches:
    """Draw a batch per seed, the same for every network; a smaller batch is the beginning of a larger one.

    Parameters
    ----------
    data : Images
    batch_size : int
    seeds : sequence of int
    pool : int64, shape (n,), optional
        Numbers of the images to draw from, such as those not held back for test; all by default.

    Raises
    ------
    ImageError
        If there are fewer distinct images than `batch_size`; a repeated one would make every Hamming kernel singular.
    """
    pool = np.arange(len(data.labels)) if pool is None else pool
    chosen = np.stack([_distinct(data, np.random.default_rng(seed).permutation(pool), batch_size) for seed in seeds])
    return Batches(np.array(seeds, np.int64), data.images[chosen], data.labels[chosen], data.n_classes)


def _distinct(data: Images, order: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """First `n` numbers of `order` whose images all differ."""
    chosen: dict[bytes, int] = {}
    for number in order:
        chosen.setdefault(data.images[number].tobytes(), number)
        if len(chosen) == n:
            return np.fromiter(chosen.values(), np.int64)
    raise ImageError(
        f"{data.where}: {len(chosen)} distinct images for scoring. Expected at least batch_size, {n}. Lower it, or "
        "give more images."
    )
