"""Images: read, split for training, and drawn as the batches that proxies see."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proxybank import image_files
from proxybank.errors import ImageError
from proxybank.spaces import Skeleton

DIGITS = "digits"


@dataclass(frozen=True)
class Images:
    """Labelled images of one dataset.

    Attributes
    ----------
    where : str
        File, folder or built-in name they come from, with which messages begin.
    pixels : uint8, shape (n, n_channels, side, side)
    labels : int64, shape (n,)
    n_classes : int
    """

    where: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    n_classes: int

    def skeleton(self, **settings: int) -> Skeleton:
        """Skeleton for networks on these images; `settings` are its remaining attributes."""
        return Skeleton(self.pixels.shape[1], self.n_classes, self.pixels.shape[2], **settings)

    @cached_property
    def moments(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of each channel over the dataset.

        Returns
        -------
        mean, std : float64, shape (n_channels,)
            Of pixel values from 0 to 255.
        """
        counts = np.zeros(
            (self.pixels.shape[1], 256)
        )  # whole numbers: no rounding, and no copy of all pixels as floats
        for start in range(0, len(self.pixels), 1024):
            for channel, count in enumerate(counts):
                count += np.bincount(self.pixels[start : start + 1024, channel].ravel(), minlength=256)
        shares, values = counts / counts.sum(axis=1, keepdims=True), np.arange(256.0)
        mean = shares @ values
        return mean, np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1))

    def fingerprint(self) -> str:
        """SHA-256 of everything in it."""
        digest = hashlib.sha256(str((self.pixels.shape, self.n_classes)).encode())
        for array in (self.pixels, self.labels):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def standardised(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Some of the images: each channel has mean 0 and variance 1 over the whole dataset.

        Parameters
        ----------
        numbers : int64, any shape
            Numbers of the images.

        Returns
        -------
        float32, shape of `numbers` and (n_channels, side, side)
        """
        mean, std = (moment.astype(np.float32)[:, None, None] for moment in self.moments)
        return (self.pixels[numbers].astype(np.float32) - mean) / std


def load(images: str, n_classes: int | None = None, image_side: int | None = None) -> Images:
    """Read a dataset.

    Parameters
    ----------
    images : str
        ``digits`` (1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn), or a path; see
        `image_files.read`.
    n_classes : int, optional
        Number of classes, where the labels do not reach the last one; of ImageNet16, the classes that are read.
    image_side : int, optional
        Pixels that images of a folder by class are resized to.

    Raises
    ------
    ImageError
        If the images cannot be read, or labels are negative or too large, or a channel is constant.
    """
    if images == DIGITS:
        if image_side is not None:
            raise ImageError(f"{images}: {image_files.NOT_RESIZED}")
        from sklearn.datasets import load_digits

        digits = load_digits()
        pixels, labels = digits.images[:, None].astype(np.uint8), digits.target
    else:
        pixels, labels = image_files.read(Path(images), n_classes, image_side)
    known = int(labels.max()) + 1
    if n_classes is None and (known < 2 or labels.min() > 0):
        raise ImageError(
            f"{images}: found labels {labels.min()} to {known - 1}. Expected them from 0 on, of at least 2 classes. "
            "Correct them, or set n_classes if there are classes without an image."
        )
    if n_classes is not None and known > n_classes:
        raise ImageError(f"{images}: found label {known - 1}. Expected labels below n_classes, {n_classes}. Raise it.")
    loaded = Images(images, pixels, labels.astype(np.int64), n_classes or known)
    if not loaded.moments[1].all():
        raise ImageError(f"{images}: a channel has the same value everywhere. Expected real images. Check the file.")
    return loaded


def files(images: str) -> list[str]:
    """Files that `load` reads: none for the digits, which come with scikit-learn."""
    return [] if images == DIGITS else image_files.files(Path(images))


@dataclass(frozen=True)
class Partition:
    """Numbers of the images for training, validation and test (int64 each, disjoint)."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def partition(data: Images, train_images: int, valid_images: int) -> Partition:
    """Split a dataset, each part with the same shares of classes; the remaining images are for test.

    Parameters
    ----------
    data : Images
    train_images, valid_images : int
        Number of images for training and for validation, at least one for each class.

    Returns
    -------
    Partition
        The same for every call on the same images and numbers.

    Raises
    ------
    ImageError
        If nothing remains for test, or a part has fewer images than there are classes, or none of one of them.
    """
    from sklearn.model_selection import train_test_split

    n_test = len(data.labels) - train_images - valid_images
    if min(train_images, valid_images, n_test) < data.n_classes:
        sizes = {"train_images": train_images, "valid_images": valid_images}
        small = " and ".join(name for name, n in sizes.items() if n < data.n_classes)
        remedy = f"Raise {small}." if small else "Lower train_images or valid_images, or give more images."
        raise ImageError(
            f"{data.where}: {len(data.labels)} images, of which {train_images} for training and {valid_images} for "
            f"validation, leave {n_test} for test. Expected at least {data.n_classes} in each part. {remedy}"
        )
    classes, n_images = np.unique(data.labels, return_counts=True)
    everything = np.arange(len(data.labels))
    try:
        train, rest = train_test_split(everything, train_size=train_images, stratify=data.labels, random_state=0)
        valid, test = train_test_split(rest, train_size=valid_images, stratify=data.labels[rest], random_state=0)
        whole = all(np.isin(classes, data.labels[part]).all() for part in (train, valid, test))
    except ValueError:  # a class has too few images to be in both sides of a split
        whole = False
    if not whole:
        raise ImageError(
            f"{data.where}: class {classes[n_images.argmin()]} has {n_images.min()} images, too few to have its share "
            f"of {train_images} for training, {valid_images} for validation and {n_test} for test. Expected one "
            "at least of each class in each part. Leave the class out, or give more images of it."
        )
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

    def fingerprints(self) -> dict[int, str]:
        """SHA-256 of everything that is in the batch of each seed."""
        shape = str((self.images.shape[1:], self.n_classes)).encode()
        digests = {seed: hashlib.sha256(shape) for seed in self.seeds.tolist()}
        for digest, images, labels in zip(digests.values(), self.images, self.labels, strict=True):
            digest.update(np.ascontiguousarray(images))
            digest.update(np.ascontiguousarray(labels))
        return {seed: digest.hexdigest() for seed, digest in digests.items()}

    def of(self, seeds: Sequence[int]) -> "Batches":
        """Batches of some of the seeds, in their order."""
        rows = [self.seeds.tolist().index(seed) for seed in seeds]
        return Batches(self.seeds[rows], self.images[rows], self.labels[rows], self.n_classes)

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
    return Batches(np.array(seeds, np.int64), data.standardised(chosen), data.labels[chosen], data.n_classes)


def _distinct(data: Images, order: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """First `n` numbers of `order` whose images all differ."""
    chosen: dict[bytes, int] = {}
    for number in order:
        chosen.setdefault(data.pixels[number].tobytes(), number)
        if len(chosen) == n:
            return np.fromiter(chosen.values(), np.int64)
    raise ImageError(
        f"{data.where}: {len(chosen)} distinct images for scoring. Expected at least batch_size, {n}. Lower it, or "
        "give more images."
    )
