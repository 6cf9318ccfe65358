"""Files of labelled images in the forms they are handed around in: ``.npz``, CIFAR, ImageNet16, folders by class."""

import math
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from proxybank import pickles
from proxybank.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# A larger label is a mistake; a classifier with that many outputs would take all memory.
MAX_CLASSES = 100_000
# Files of training images -> their key of the labels, and the first label. Files of test images are never read.
_BATCHES = {
    tuple(f"data_batch_{k}" for k in range(1, 6)): ("labels", 0),  # cifar-10-batches-py
    ("train",): ("fine_labels", 0),  # cifar-100-python
    tuple(f"train_data_batch_{k}" for k in range(1, 11)): ("labels", 1),  # ImageNet16
}
# Formats of images in folders, by Pillow's names. It knows many more, and starts other programs to read some.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
NOT_RESIZED = "this is no folder of images by class, which alone are resized. Remove image_side, or resize them."
_BITS_PER_SAMPLE = 258  # tag of TIFF
_MAX_NAMED = 10  # images that cannot be taken, in one message
_FORMS = (
    "Expected an .npz file, or a folder: cifar-10-batches-py with data_batch_1 to 5, cifar-100-python with train, "
    "ImageNet16 with train_data_batch_1 to 10, or one folder of images for each class"
)
Pixels: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.integer]


def read(path: Path, n_classes: int | None = None, image_side: int | None = None) -> tuple[Pixels, Labels]:
    """Read all images of a file or folder.

    Parameters
    ----------
    path : Path
        An ``.npz`` file with ``images`` (uint8, shape (n, n_channels, side, side)) and ``labels`` (integers from 0); or
        a folder: ``cifar-10-batches-py``, ``cifar-100-python`` (fine labels) or ImageNet16 as their archives unpack,
        of which only training images are read; or a folder of folders, one for each class, whose sorted names are the
        labels. There, images have one of `FORMATS`, are grey if all are, and have three channels otherwise; none may be
        transparent or moving, or have more than 8 bits for each channel.
    n_classes : int, optional
        Of ImageNet16, whose labels begin at 1, the first `n_classes` classes are read: 120 give ImageNet16-120.
    image_side : int, optional
        Folders by class only: pixels that the middle square of each image is resized to. Without it, all images must
        be squares of one size.

    Returns
    -------
    pixels : uint8, shape (n, n_channels, side, side)
    labels : integers, shape (n,)

    Raises
    ------
    ImageError
        If files are missing or unreadable, or hold anything else; names the file.
    PickleError
        If a batch of CIFAR or ImageNet16 is damaged, or would build anything but plain data and arrays.
    """
    try:
        return _read(path, n_classes, image_side)
    except OSError as error:
        raise ImageError(
            f"{error.filename or path}: {error.strerror}. Expected readable files. Correct the path, or permissions."
        ) from error


def _read(path: Path, n_classes: int | None, image_side: int | None) -> tuple[Pixels, Labels]:
    batches = _batches(path)
    by_class = path.is_dir() and not batches
    if image_side is not None and path.exists() and not by_class:
        raise ImageError(f"{path}: {NOT_RESIZED}")
    if by_class:
        return _read_folder(path, image_side)
    return _read_batches(path, batches, n_classes) if batches else _read_npz(path)


def files(path: Path) -> list[str]:
    """Files that `read` reads; of images by class the folders, which are newer once a file has come or gone.

    The path itself if there is nothing yet, or nothing may be read.
    """
    try:
        if not path.is_dir():
            return [str(path)]
        names = _batches(path)
        return [str(path / name) for name in names] if names else [str(path), *map(str, _class_folders(path))]
    except OSError:
        return [str(path)]


def _batches(folder: Path) -> tuple[str, ...] | None:
    """Names of the batches that belong together in this folder, if one of them is there."""
    return next((names for names in _BATCHES if any((folder / name).is_file() for name in names)), None)


def _check(where: str, pixels: NDArray, labels: NDArray, first: int = 0) -> tuple[Pixels, Labels]:
    """Return the arrays of a file, whose labels begin at `first`, if they are what they should be."""
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3) or pixels.shape[2] != pixels.shape[3] or not pixels.size:
        raise ImageError(
            f"{where}, images: found shape {pixels.shape}. Expected (n, 1 or 3 channels, side, side), at least one "
            "image. Transpose or crop them."
        )
    if pixels.dtype != np.uint8:
        raise ImageError(f"{where}, images: found type {pixels.dtype}. Expected uint8, values 0 to 255. Convert them.")
    if labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu":
        raise ImageError(
            f"{where}, labels: found {labels.dtype} of shape {labels.shape}. Expected one integer for each of the "
            f"{len(pixels)} images. Correct them."
        )
    last = first + MAX_CLASSES - 1
    if labels.min() < first or labels.max() > last:
        raise ImageError(
            f"{where}, labels: found {labels.min()} to {labels.max()}. Expected them from {first} to {last}. Correct "
            "them."
        )
    return pixels, labels


def _read_npz(path: Path) -> tuple[Pixels, Labels]:
    try:
        opened = path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError(f"{path}: there is no such file. {_FORMS}. Correct the path.") from error
    try:
        with opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("images", "labels") if name in file}
    except Exception as error:  # damaged files raise whatever zip, its decompressors and NumPy's parser of headers do
        raise ImageError(
            f"{path}: this is no .npz file of plain arrays that fit into memory. Write one with numpy.savez(path, "
            "images=..., labels=...)."
        ) from error
    for name in ("images", "labels"):
        if name not in arrays:
            raise ImageError(f"{path}: no array is called '{name}'. Expected 'images' and 'labels'. Add it.")
    return _check(str(path), arrays["images"], arrays["labels"])


def _read_batches(folder: Path, names: tuple[str, ...], n_classes: int | None) -> tuple[Pixels, Labels]:
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ImageError(
            f"{folder}: {', '.join(missing)} missing. Expected {names[0]} to {names[-1]}. Unpack the archive again."
        )
    parts = [_read_batch(folder / name, *_BATCHES[names], n_classes) for name in names]
    if len({pixels.shape[1:] for pixels, _ in parts}) > 1:
        raise ImageError(f"{folder}: batches hold images of different sizes. Expected one size. Unpack it again.")
    pixels, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not labels.size:
        raise ImageError(f"{folder}: no image has a label below n_classes, {n_classes}. Raise it.")
    return pixels, labels


def _read_batch(path: Path, key: str, first: int, n_classes: int | None) -> tuple[Pixels, Labels]:
    """Images of one pickle: its ``data`` has a row per image, channel by channel."""
    content = pickles.read(path, arrays=True)
    content = content if isinstance(content, dict) else {}
    content = {name.decode("latin1") if isinstance(name, bytes) else name: item for name, item in content.items()}
    if missing := [name for name in ("data", key) if name not in content]:
        raise ImageError(
            f"{path}: it has no '{missing[0]}'. Expected a dictionary with 'data' and '{key}'. Get the file again."
        )
    rows = content["data"]
    try:
        labels = np.asarray(content[key])
    except ValueError as error:
        raise ImageError(f"{path}, {key}: {error}. Expected one integer for each image. Get it again.") from error
    side = math.isqrt(rows.shape[1] // 3) if isinstance(rows, np.ndarray) and rows.ndim == 2 else 0
    if not side or rows.shape[1] != 3 * side**2:
        raise ImageError(
            f"{path}, data: found shape {getattr(rows, 'shape', None)}. Expected (n, 3 * side * side). Get it again."
        )
    pixels, labels = _check(str(path), rows.reshape(-1, 3, side, side), labels, first)
    labels = labels.astype(np.int64) - first
    if first and n_classes is not None:  # ImageNet16 has 1,000 classes, of which the first are asked for
        chosen = labels < n_classes
        return pixels[chosen], labels[chosen]
    return pixels, labels


def _is_hidden(path: Path) -> bool:
    """Whether a file manager does not show it: on Windows, what it writes into folders of images itself."""
    return path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def _class_folders(path: Path) -> list[Path]:
    return sorted(folder for folder in path.iterdir() if folder.is_dir() and not _is_hidden(folder))


def _read_folder(path: Path, image_side: int | None) -> tuple[Pixels, Labels]:
    folders = _class_folders(path)
    if len(folders) < 2:
        raise ImageError(f"{path}: found {len(folders)} folders in it. {_FORMS}, at least 2. Correct the path.")
    if braced := next((folder for folder in folders if set("{}") & set(folder.name)), None):
        raise ImageError(f"{braced}: found a brace in this name. Expected none, as Snakemake replaces them. Rename it.")
    images, labels = [], []
    for label, folder in enumerate(folders):
        found = sorted(file for file in folder.iterdir() if not _is_hidden(file))
        if not found:
            raise ImageError(f"{folder}: there is no image in it. Expected those of one class. Add some, or remove it.")
        if inner := next((file for file in found if file.is_dir()), None):
            raise ImageError(
                f"{inner}: found a folder. Expected images of one class, {folder.name}. Give the folder that holds the "
                f"classes, such as {folder} if they are in there."
            )
        images += found
        labels += [label] * len(found)
    pixels = np.empty(0, np.uint8)
    for number, image in enumerate(_decoded(images, image_side)):
        if number == 0:
            pixels = _room(path, (len(images), *image.shape))
        elif len(image) > pixels.shape[1]:  # the first coloured one: those before it get three equal channels
            grey, pixels = pixels, _room(path, (len(images), *image.shape))
            pixels[:number] = grey[:number]
            del grey
        pixels[number] = image  # so does a grey one behind it
    return _check(str(path), pixels, np.array(labels))


def _room(path: Path, shape: tuple[int, ...]) -> Pixels:
    try:
        return np.empty(shape, np.uint8)
    except MemoryError as error:
        raise ImageError(
            f"{path}: found {shape[0]} images, the first of {shape[2]} x {shape[3]} pixels. Expected them to fit into "
            "memory together. Set a smaller image_side."
        ) from error


def _decoded(paths: list[Path], image_side: int | None) -> Iterator[Pixels]:
    """Images one after the other, shape (1, side, side) if grey, (3, side, side) otherwise.

    Those that cannot be taken are refused together. Another size ends it at once, for one setting mends all of them.
    """
    from PIL import Image, ImageOps  # not above: only this form needs it

    side = image_side
    refused: list[ImageError] = []
    for path in paths:
        try:
            image = _decode(path)
        except ImageError as error:
            refused.append(error)
            continue
        size = image.size
        if image_side is not None:
            image = ImageOps.fit(image, (image_side, image_side), Image.Resampling.BOX)  # as ImageNet16 was made
        side = side or size[0]
        if image.size != (side, side):
            raise ImageError(
                f"{path}: found {size[0]} x {size[1]} pixels. Expected a square, and the same size for all: {side} x "
                f"{side}. Resize it, or set image_side."
            )
        array = np.asarray(image)
        yield array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    if refused:
        lines = [str(error) for error in refused[:_MAX_NAMED]]
        if further := len(refused) - len(lines):
            lines.append(f"And {further} more that cannot be taken.")
        raise ImageError("\n".join(lines)) from refused[0]


def _decode(path: Path) -> "Image":
    """Image of a file, grey or of three channels, turned as its camera was held."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as opened:
                mode = opened.mode
                if _is_deep(opened):
                    raise ImageError(f"{path}: found more than 8 bits for each channel. Expected 8. Convert it.")
                # Behind a photo (MPO), cameras put previews of it.
                if opened.format != "MPO" and getattr(opened, "is_animated", False):
                    raise ImageError(
                        f"{path}: found several images. Expected one, neither moving nor with further pages. Keep one "
                        "of them."
                    )
                if opened.has_transparency_data and opened.convert("RGBA").getextrema()[3][0] < 255:
                    raise ImageError(f"{path}: found transparent pixels. Expected opaque ones. Flatten the image.")
                image = ImageOps.exif_transpose(opened).convert("L" if mode in ("1", "L", "LA") else "RGB")
                if mode == "P" and len({band.tobytes() for band in image.split()}) == 1:  # a palette of greys
                    image = image.getchannel(0)
                return image
    except (ImageError, PermissionError):
        raise
    except Exception as error:  # damaged images raise whatever the reader of their format does
        raise ImageError(
            f"{path}: this cannot be read as an image ({str(error) or type(error).__name__}). Expected one of "
            f"{', '.join(FORMATS)}. Remove or replace it."
        ) from error


def _is_deep(opened: "ImageFile") -> bool:
    """Whether an image has more than 8 bits for each channel: if it is coloured, Pillow drops the others in silence."""
    if opened.mode.startswith(("I", "F")):
        return True
    if opened.format == "TIFF":
        return max(opened.tag_v2.get(_BITS_PER_SAMPLE, (1,))) > 8
    # What decoders are told. Of PNG that is a raw mode such as RGB;16B, of PPM a mode and the largest value.
    told = [tile.args for tile in opened.tile]
    if opened.format == "PPM":
        return any(isinstance(args, tuple) and args[1] > 255 for args in told)
    return opened.format == "PNG" and any(args.endswith(";16B") for args in told)
