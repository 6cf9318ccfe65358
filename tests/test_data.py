"""Files of images: what is refused, with which message, and how batches are drawn."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from proxybank import data
from proxybank.errors import ImageError

GOOD = {
    "images": np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8),
    "labels": np.arange(40) % 4,
}


def save(folder, **changes):
    arrays = {**GOOD, **changes}
    path = folder / "images.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return str(path)


def test_a_good_file_is_standardised(tmp_path):
    loaded = data.load(save(tmp_path))
    assert (loaded.pixels == GOOD["images"]).all()
    images = loaded.standardised(np.arange(40))
    assert images.shape == (40, 3, 8, 8) and images.dtype == np.float32
    np.testing.assert_allclose(images.mean(axis=(0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(images.std(axis=(0, 2, 3)), 1, atol=1e-5)
    # Moments are those of all images, whichever are asked for: NumPy's own, in double precision.
    pixels = GOOD["images"].astype(float)
    expected = (pixels - pixels.mean(axis=(0, 2, 3), keepdims=True)) / pixels.std(axis=(0, 2, 3), keepdims=True)
    np.testing.assert_allclose(loaded.standardised(np.array([[3, 5]])), expected[None, [3, 5]], rtol=1e-5, atol=1e-6)
    assert loaded.n_classes == 4
    assert data.load(save(tmp_path), 10).n_classes == 10
    assert data.load(save(tmp_path), 10).skeleton().n_classes == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, r"images.npz: no array is called 'labels'. Expected 'images' and 'labels'. Add it."),
        (
            {"images": GOOD["images"][0]},
            r"images: found shape \(3, 8, 8\). Expected \(n, 1 or 3 channels, side, side\)",
        ),
        ({"images": GOOD["images"].transpose(0, 2, 3, 1)}, r"found shape \(40, 8, 8, 3\)"),
        ({"images": GOOD["images"].astype(float)}, "images: found type float64. Expected uint8, values 0 to 255."),
        ({"labels": GOOD["labels"][:5]}, r"labels: found int64 of shape \(5,\). Expected one integer"),
        ({"labels": GOOD["labels"] - 1}, "labels: found -1 to 2. Expected them from 0 to 99999. Correct them."),
        ({"labels": GOOD["labels"] + 10**5}, "labels: found 100000 to 100003. Expected them from 0 to 99999."),
        ({"images": GOOD["images"][..., :0, :0]}, r"found shape \(40, 3, 0, 0\)"),
        ({"labels": GOOD["labels"] * 0.5}, r"labels: found float64 of shape \(40,\)"),
        ({"images": np.zeros_like(GOOD["images"])}, "a channel has the same value everywhere"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, changes, message):
    with pytest.raises(ImageError, match=message):
        data.load(save(tmp_path, **changes))


def test_missing_and_foreign_files_are_refused(tmp_path):
    with pytest.raises(ImageError, match="nothing.npz: there is no such file"):
        data.load(str(tmp_path / "nothing.npz"))
    foreign = tmp_path / "images.txt"
    foreign.write_text("no images")
    with pytest.raises(ImageError, match="this is no .npz file of plain arrays"):
        data.load(str(foreign))
    np.save(tmp_path / "one.npy", GOOD["images"])
    with pytest.raises(ImageError, match="this is no .npz file of plain arrays"):
        data.load(str(tmp_path / "one.npy"))
    for name, content in (("empty.npz", b""), ("cut.npz", Path(save(tmp_path)).read_bytes()[:2000])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match="this is no .npz file of plain arrays"):
            data.load(str(tmp_path / name))
    np.savez(tmp_path / "objects.npz", images=np.array([{}]), labels=GOOD["labels"])
    with pytest.raises(ImageError, match="this is no .npz file of plain arrays"):
        data.load(str(tmp_path / "objects.npz"))


def zipped(header: bytes | None = None, method: int = zipfile.ZIP_STORED) -> bytearray:
    """An .npz file of the good arrays; `header`, if given, is what the images' file says of itself."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, array in GOOD.items():
            content = io.BytesIO()
            np.save(content, array)
            raw = content.getvalue()
            if header and name == "images":
                raw = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + array.tobytes()
            opened.writestr(f"{name}.npy", raw)
    return bytearray(file.getvalue())


def marked(raw: bytearray, place: int, value: int) -> bytearray:
    """A zip file with another `value` at `place` in the local header of each file, and in the directory, 2 bytes on."""
    for signature, offset in ((b"PK\x03\x04", place), (b"PK\x01\x02", place + 2)):
        start = raw.find(signature)
        while start >= 0:
            raw[start + offset] = value
            start = raw.find(signature, start + 1)
    return raw


BROKEN = {
    "encrypted": marked(zipped(), 6, 1),
    "unknown method of compression": marked(zipped(), 8, 97),
    "damaged LZMA": zipped(method=zipfile.ZIP_LZMA).replace(b"\x5d\x00\x00\x80\x00", b"\xff" * 5),
    "unfinished header": zipped(b"{'descr': '|u1', 'shape': (40, 3, 8, 8)\n"),
    "273 TiB": zipped(b"{'descr': '|u1', 'fortran_order': False, 'shape': (300000000000000,)}\n"),
}


def test_broken_files_are_refused(tmp_path):
    path = tmp_path / "images.npz"
    path.write_bytes(zipped())
    assert (data.load(str(path)).pixels == GOOD["images"]).all()
    causes = []
    for raw in BROKEN.values():
        path.write_bytes(raw)
        with pytest.raises(ImageError, match="images.npz: this is no .npz file of plain arrays that fit into mem") as e:
            data.load(str(path))
        causes.append(type(e.value.__cause__))
    assert len(set(causes)) == len(BROKEN)  # zipfile, its decompressors and NumPy have an error of their own for each


def test_the_digits_are_not_resized():
    assert data.load("digits").pixels.shape == (1797, 1, 8, 8)
    with pytest.raises(ImageError, match="^digits: this is no folder of images by class, which alone are resized. Rem"):
        data.load("digits", image_side=16)


def test_too_many_labels_for_the_classes(tmp_path):
    with pytest.raises(ImageError, match="found label 3. Expected labels below n_classes, 2. Raise it."):
        data.load(save(tmp_path), 2)


def test_batches_are_distinct_nested_and_written_whole(tmp_path):
    digits = data.load("digits")
    pool = data.scoring_pool(digits, {"train_images": 100, "valid_images": 597})
    parts = data.partition(digits, 100, 597)
    assert not np.intersect1d(pool, parts.test).size and len(pool) == 697
    large, small = (data.draw_batches(digits, size, [0, 3], pool) for size in (128, 64))
    assert (large.images[:, :64] == small.images).all()
    assert len(np.unique(large.images[0].reshape(128, -1), axis=0)) == 128
    assert not (large.images[0] == large.images[1]).all()
    large.write(tmp_path / "batches.npz")
    again = data.Batches.read(tmp_path / "batches.npz")
    assert (again.images == large.images).all() and again.n_classes == 10 and again.seeds.tolist() == [0, 3]


def test_a_class_too_small_to_split(tmp_path):
    loaded = data.load(save(tmp_path, labels=np.r_[np.zeros(20, int), np.ones(19, int), 2]))
    with pytest.raises(ImageError, match="class 2 has 1 images, too few to have its share of 10 for training, 10 for"):
        data.partition(loaded, 10, 10)
    # Three images would do, but for the sizes of the parts.
    loaded = data.load(save(tmp_path, labels=np.r_[np.zeros(37, int), np.ones(3, int)]))
    data.partition(loaded, 14, 13)
    with pytest.raises(ImageError, match="class 1 has 3 images, too few to have its share of 34 for training, 3 for"):
        data.partition(loaded, 34, 3)


def test_labels_that_do_not_begin_at_zero(tmp_path):
    path = save(tmp_path, labels=np.r_[np.full(20, 1), np.full(20, 2)])
    with pytest.raises(ImageError, match="found labels 1 to 2. Expected them from 0 on, of at least 2 classes"):
        data.load(path)
    assert data.load(path, 3).n_classes == 3
    with pytest.raises(ImageError, match="found labels 0 to 0. Expected them from 0 on, of at least 2 classes"):
        data.load(save(tmp_path, labels=np.zeros(40, int)))


def test_repeated_images_are_drawn_once(tmp_path):
    images = np.repeat(GOOD["images"][:20], 2, axis=0)
    loaded = data.load(save(tmp_path, images=images))
    drawn = data.draw_batches(loaded, 20, [0], np.arange(40))
    assert len(np.unique(drawn.images[0].reshape(20, -1), axis=0)) == 20
    with pytest.raises(ImageError, match="20 distinct images for scoring. Expected at least batch_size, 21."):
        data.draw_batches(loaded, 21, [0], np.arange(40))
