"""Images of CIFAR, ImageNet16 and folders by class: read from small files written here, and what is refused."""

import errno
import pickle
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxybank import data, image_files
from proxybank.errors import ImageError, PickleError

RNG = np.random.default_rng(0)


def rows(n: int, side: int) -> np.ndarray:
    return RNG.integers(0, 256, (n, 3 * side**2), dtype=np.uint8)


def dump(path, content, protocol=2):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol))


@pytest.fixture
def cifar10(tmp_path):
    """Folder of five batches of 8 images with the official keys, and the array of all rows."""
    everything = rows(40, 32)
    for k in range(5):
        some = slice(8 * k, 8 * k + 8)
        content = {b"batch_label": b"training batch", b"labels": [(k + j) % 10 for j in range(8)]}
        content |= {b"data": everything[some], b"filenames": [b"a.png"] * 8}
        dump(tmp_path / "cifar-10-batches-py" / f"data_batch_{k + 1}", content)
    dump(tmp_path / "cifar-10-batches-py" / "test_batch", {b"labels": [0], b"data": "never read"})
    return tmp_path / "cifar-10-batches-py", everything


@pytest.mark.parametrize("protocol", [2, 4])
def test_cifar10(cifar10, protocol):
    folder, everything = cifar10
    if protocol == 4:  # as Python 3 would write it again
        for path in folder.glob("data_batch_*"):
            dump(path, pickle.loads(path.read_bytes()), protocol)
    pixels, labels = image_files.read(folder)
    # A row holds all reds, then all greens, then all blues, each line by line (the dataset's description).
    assert pixels.shape == (40, 3, 32, 32) and pixels.dtype == np.uint8
    assert (pixels[9, 1, 2] == everything[9, 1024 + 2 * 32 : 1024 + 3 * 32]).all()
    assert labels.tolist() == [(k + j) % 10 for k in range(5) for j in range(8)]
    assert data.load(str(folder), 20).n_classes == 20
    assert data.files(str(folder)) == [str(folder / f"data_batch_{k}") for k in range(1, 6)]


def test_a_cifar_batch_of_python_2(cifar10):
    # Text keys and byte strings as Python 2 wrote them: opcode U, and arrays whose bytes are such strings.
    folder, everything = cifar10
    array = everything[:1, :12]
    raw = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01K\x0c"
        b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x0c"
        + array.tobytes()
        + b"tbU\x06labels]K\x07au."
    )
    for k in range(1, 6):
        (folder / f"data_batch_{k}").write_bytes(raw)
    pixels, labels = image_files.read(folder)
    assert (pixels[0].ravel() == array[0]).all() and pixels.shape == (5, 3, 2, 2) and labels.tolist() == [7] * 5


def test_cifar100_has_fine_labels(tmp_path):
    content = {b"fine_labels": [99, 0, 5], b"coarse_labels": [1, 2, 3], b"data": rows(3, 32), b"filenames": [b"a"] * 3}
    dump(tmp_path / "cifar-100-python" / "train", content)
    pixels, labels = image_files.read(tmp_path / "cifar-100-python")
    assert pixels.shape == (3, 3, 32, 32) and labels.tolist() == [99, 0, 5]
    loaded = data.load(str(tmp_path / "cifar-100-python"))
    assert loaded.n_classes == 100


@pytest.fixture
def imagenet(tmp_path):
    """Folder of ten batches of 4 images, whose labels begin at 1; and the rows of the images with labels 1 and 2."""
    folder, chosen = tmp_path / "ImageNet16", []
    for k in range(1, 11):
        some = rows(4, 16)
        dump(folder / f"train_data_batch_{k}", {"data": some, "labels": [1, 3, 2, 1000], "mean": some[0] / 2.0}, 3)
        chosen += [some[0], some[2]]
    dump(folder / "val_data", {"data": rows(1, 16), "labels": [1]})
    return folder, np.array(chosen)


def test_imagenet16(imagenet):
    folder, chosen = imagenet
    pixels, labels = image_files.read(folder, n_classes=2)
    assert (pixels.reshape(20, -1) == chosen).all() and labels.tolist() == [0, 1] * 10
    assert pixels.shape == (20, 3, 16, 16)
    loaded = data.load(str(folder), 120)
    assert loaded.n_classes == 120 and sorted(set(loaded.labels.tolist())) == [0, 1, 2]
    assert data.load(str(folder)).n_classes == 1000


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("place", ["key of the dictionary", "labels", "array", "whole"])
def test_malicious_batches(cifar10, tmp_path, place):
    folder, everything = cifar10
    evil = Evil(tmp_path / "called")
    content = {
        "key of the dictionary": {evil: 1, b"labels": [0], b"data": everything[:1]},
        "labels": {b"labels": [evil], b"data": everything[:1]},
        "array": {b"labels": [0], b"data": np.array([[evil]], object)},
        "whole": evil,
    }
    dump(folder / "data_batch_3", content[place])
    with pytest.raises(PickleError, match=r"data_batch_3: refused, it (asks for|has values of type)"):
        image_files.read(folder)
    assert not (tmp_path / "called").exists()


def test_batches_that_are_missing_or_broken(cifar10):
    folder, everything = cifar10
    path = folder / "data_batch_2"
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    with pytest.raises(
        PickleError, match="data_batch_2: refused, pickle data was truncated. Expected a whole pickle of"
    ):
        image_files.read(folder)
    for content, message in (
        ([1], "it has no 'data'. Expected a dictionary with 'data' and 'labels'"),
        ({b"data": everything[:1]}, "it has no 'labels'"),
        (
            {b"data": everything[:1, :-1], b"labels": [0]},
            r"data: found shape \(1, 3071\). Expected \(n, 3 \* side \* si",
        ),
        ({b"data": everything[0], b"labels": [0]}, r"data: found shape \(3072,\)"),
        ({b"data": [1], b"labels": [0]}, "data: found shape None"),
        ({b"data": everything[:1] / 2.0, b"labels": [0]}, "images: found type float64. Expected uint8"),
        ({b"data": everything[:2], b"labels": [0]}, r"labels: found int64 of shape \(1,\). Expected one integer"),
        ({b"data": everything[:1], b"labels": [-1]}, "labels: found -1 to -1. Expected them from 0 to 99999. C"),
        ({b"data": everything[:1], b"labels": ["a"]}, "labels: found <U1"),
    ):
        dump(path, content)
        with pytest.raises(ImageError, match=f"data_batch_2(: |, ){message}"):
            image_files.read(folder)
    dump(path, {b"data": rows(1, 16), b"labels": [0]})
    with pytest.raises(ImageError, match="cifar-10-batches-py: batches hold images of different sizes"):
        image_files.read(folder)
    path.unlink()
    (folder / "data_batch_4").unlink()
    with pytest.raises(ImageError, match="data_batch_2, data_batch_4 missing. Expected data_batch_1 to data_batch_5"):
        image_files.read(folder)


def test_imagenet16_labels_begin_at_one(imagenet):
    folder, _ = imagenet
    dump(folder / "train_data_batch_7", {"data": rows(1, 16), "labels": [0]})
    with pytest.raises(ImageError, match="train_data_batch_7, labels: found 0 to 0. Expected them from 1 to 100000"):
        image_files.read(folder)


def test_imagenet16_without_an_image_of_the_classes(imagenet):
    folder, _ = imagenet
    for k in range(1, 11):
        dump(folder / f"train_data_batch_{k}", {"data": rows(1, 16), "labels": [3]})
    with pytest.raises(ImageError, match="ImageNet16: no image has a label below n_classes, 2. Raise it."):
        image_files.read(folder, n_classes=2)


def save(path, array, **options):
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(array).save(path, **options)


def test_a_folder_by_class(tmp_path):
    coloured = RNG.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    for name, image in zip(("b/2.png", "a/1.png", "b/1.png"), coloured, strict=True):
        save(tmp_path / "pets" / name, image)
    for name in (".hidden", "Thumbs.db", "desktop.ini"):
        (tmp_path / "pets" / "b" / name).write_text("no image")
    (tmp_path / "pets" / ".cache").mkdir()
    (tmp_path / "pets" / "readme.txt").write_text("no folder")
    pixels, labels = image_files.read(tmp_path / "pets")
    assert (pixels == coloured[[1, 2, 0]].transpose(0, 3, 1, 2)).all() and labels.tolist() == [0, 1, 1]
    pets = tmp_path / "pets"
    assert data.files(str(pets)) == [str(pets), str(pets / "a"), str(pets / "b")]
    # Grey images before and behind coloured ones get three equal channels.
    grey = RNG.integers(0, 256, (8, 8), dtype=np.uint8)
    for name in ("a/0.png", "b/3.png"):
        save(pets / name, grey)
    pixels, labels = image_files.read(pets)
    assert (pixels[[0, 4]] == grey).all() and pixels.shape == (5, 3, 8, 8) and labels.tolist() == [0, 0, 1, 1, 1]
    assert (pixels[1:4] == coloured[[1, 2, 0]].transpose(0, 3, 1, 2)).all()


def test_images_are_held_once(tmp_path):
    for number in range(40):
        save(tmp_path / "ab"[number % 2] / f"{number}.bmp", RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    pixels, _ = image_files.read(tmp_path)  # what is imported now is not counted below
    tracemalloc.start()
    image_files.read(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert pixels.nbytes < peak < 1.5 * pixels.nbytes


def test_images_that_do_not_fit_into_memory_together(tmp_path, monkeypatch):
    # 2 * 3 * 2**46 bytes are more than an address space has.
    for name in "ab":
        save(tmp_path / name / "1.png", np.zeros((8, 8, 3), np.uint8))
    first = np.broadcast_to(np.uint8(0), (3, 2**23, 2**23))
    monkeypatch.setattr(image_files, "_decoded", lambda *_: iter([first]))
    with pytest.raises(ImageError, match="found 2 images, the first of 8388608 x .* Set a smaller image_side"):
        image_files.read(tmp_path)


def test_a_folder_of_grey_images_has_one_channel(tmp_path):
    grey = RNG.integers(0, 256, (2, 8, 8), dtype=np.uint8)
    save(tmp_path / "a" / "1.png", grey[0])
    save(tmp_path / "b" / "1.png", grey[1])
    pixels, _ = image_files.read(tmp_path)
    assert (pixels == grey[:, None]).all()


def test_a_palette_of_greys_is_grey(tmp_path):
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    save(tmp_path / "a" / "1.png", grey)
    (tmp_path / "b").mkdir()
    Image.fromarray(grey).convert("P").save(tmp_path / "b" / "1.png")
    pixels, _ = image_files.read(tmp_path)
    assert pixels.shape == (2, 1, 8, 8) and (pixels == grey).all()


def test_a_photo_is_turned_as_its_camera_was_held(tmp_path):
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[:4] = 255  # white above
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: a quarter to the right
    save(tmp_path / "a" / "1.png", pixels, exif=turned)
    save(tmp_path / "b" / "1.png", pixels)
    found, _ = image_files.read(tmp_path, image_side=8)
    assert (found[0, 0, :, 4:] == 255).all() and not found[0, 0, :, :4].any()  # white on the right
    assert (found[1, 0, :4] == 255).all() and not found[1, 0, 4:].any()


def test_transparent_pixels_are_refused_and_opaque_ones_read(tmp_path):
    pixels = np.full((8, 8, 4), 255, np.uint8)
    for name in "ab":
        save(tmp_path / name / "1.png", pixels)
    assert image_files.read(tmp_path)[0].shape == (2, 3, 8, 8)
    pixels[3, 4, 3] = 0
    save(tmp_path / "b" / "1.png", pixels)
    with pytest.raises(ImageError, match="b/1.png: found transparent pixels. Expected opaque ones. Flatten the image"):
        image_files.read(tmp_path)


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    """As root everything may be, so what the system would say is said for it."""
    for name in "ab":
        save(tmp_path / name / "1.png", np.zeros((8, 8), np.uint8))

    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    for where, name in ((Image, "open"), (Path, "iterdir"), (Path, "is_file")):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, refuse)
            with pytest.raises(ImageError, match=f"{tmp_path}.*: Permission denied. Expected readable files"):
                image_files.read(tmp_path)
            assert image_files.files(tmp_path)[0] == str(tmp_path)


def test_paths_that_the_system_refuses(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("")
    for path, message in (
        (tmp_path / ("a" * 300), "File name too long. Expected readable files"),
        (tmp_path / "loop", "Too many levels of symbolic links. Expected readable files"),
        (tmp_path / "file" / "x.npz", "there is no such file. Expected an .npz file, or a folder"),
    ):
        with pytest.raises(ImageError, match=f"^{path}.*: {message}"):
            image_files.read(path)
        assert image_files.files(path) == [str(path)]


def test_a_disk_that_fails_while_it_is_read(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")  # of which no path is known

    monkeypatch.setattr(Path, "is_file", fail)
    with pytest.raises(ImageError, match=f"^{tmp_path}: Input/output error. Expected readable files"):
        image_files.read(tmp_path)


def test_a_class_whose_name_has_a_brace(tmp_path):
    # Snakemake takes it for a wildcard, even in paths that functions return.
    for name in ("cat", "dog {1}"):
        save(tmp_path / name / "1.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(ImageError, match="^.*/dog [{]1}: found a brace in this name. Expected none.* Rename it.$"):
        image_files.read(tmp_path)


def test_images_are_resized_to_their_middle_square(tmp_path):
    # Black, white, black: the middle square is white.
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 255
    save(tmp_path / "a" / "1.png", wide)
    save(tmp_path / "b" / "1.jpeg", np.full((5, 5, 3), 128, np.uint8))
    pixels, _ = image_files.read(tmp_path, image_side=4)
    assert pixels.shape == (2, 3, 4, 4)
    assert (pixels[0] == 255).all() and (abs(pixels[1].astype(int) - 128) <= 2).all()
    with pytest.raises(
        ImageError, match=r"a/1.png: found 48 x 16 pixels. Expected a square, .* 48 x 48. Resize it, or set"
    ):
        image_files.read(tmp_path)
    save(tmp_path / "a" / "1.png", wide[:, :16])
    with pytest.raises(ImageError, match=r"b/1.jpeg: found 5 x 5 pixels. Expected a square, .* for all: 16 x 16"):
        image_files.read(tmp_path)


def test_folders_that_are_refused(tmp_path):
    with pytest.raises(
        ImageError, match="found 0 folders in it. Expected an .npz file, or a folder: cifar-10-batches-py"
    ):
        image_files.read(tmp_path)
    save(tmp_path / "a" / "1.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "b").mkdir()
    with pytest.raises(ImageError, match="b: there is no image in it. Expected those of one class."):
        image_files.read(tmp_path)
    (tmp_path / "b" / "inner").mkdir()
    with pytest.raises(
        ImageError, match=r"b/inner: found a folder. .* of one class, b. Give the folder .* such as \S+/b"
    ):
        image_files.read(tmp_path)
    (tmp_path / "b" / "inner").rmdir()
    save(tmp_path / "b" / "1.png", np.full((8, 8), 1000, np.uint16))
    with pytest.raises(ImageError, match="b/1.png: found more than 8 bits for each channel. Expected 8. Con"):
        image_files.read(tmp_path)
    (tmp_path / "b" / "1.png").write_bytes((tmp_path / "a" / "1.png").read_bytes()[:-30])
    with pytest.raises(ImageError, match="b/1.png: this cannot be read as an image .* Remove or replace it."):
        image_files.read(tmp_path)
    (tmp_path / "b" / "1.png").write_text("no image")
    with pytest.raises(ImageError, match="b/1.png: this cannot be read as an image"):
        image_files.read(tmp_path)


def png(bits: int, kind: int, *, palette: bool = True) -> bytes:
    """White image of 8 x 8 pixels: `kind` 2 is coloured, 3 has a palette, 4 and 6 are grey and coloured with alpha."""
    line = b"\x00" + b"\xff" * (8 * {2: 3, 3: 1, 4: 2, 6: 4}[kind] * bits // 8)
    chunks = {b"IHDR": struct.pack(">IIBBBBB", 8, 8, bits, kind, 0, 0, 0)}
    chunks |= {b"PLTE": b"\xff" * 768} if kind == 3 and palette else {}
    chunks |= {b"IDAT": zlib.compress(line * 8), b"IEND": b""}
    parts = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(bits: int, *, order: str, planes: int) -> bytes:
    """White image of 8 x 8 pixels, its three channels side by side in one plane, or in three behind each other."""
    size, after = 3 * 8 * bits // planes, 8 + 2 + 10 * 12 + 4
    start = after + 6 + 8 * planes  # of the pixels, behind the bits of each channel, and where each plane is
    offsets = [start + k * size for k in range(planes)]
    short, long = 3, 4
    entries = (
        *((256, short, [8]), (257, short, [8]), (258, short, [bits] * 3), (259, short, [1]), (262, short, [2])),
        *((273, long, offsets), (277, short, [3]), (278, short, [8]), (279, long, [size] * planes)),
        (284, short, [1 if planes == 1 else 2]),
    )
    directory, behind = struct.pack(f"{order}H", len(entries)), b""
    for tag, kind, values in entries:
        content = struct.pack(f"{order}{len(values)}{'H' if kind == short else 'I'}", *values)
        if len(content) > 4:
            content, behind = struct.pack(f"{order}I", after + len(behind)), behind + content
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + content.ljust(4, b"\x00")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return (head + directory + bytes(4) + behind).ljust(start, b"\x00") + b"\xff" * (3 * 8 * bits)


def ppm(bits: int, *, kind: str) -> bytes:
    n_values = 8 * 8 * (1 if kind == "P5" else 3)
    pixels = b"%d " % (2**bits - 1) * n_values if kind == "P3" else b"\xff" * (n_values * bits // 8)
    return b"%s 8 8 %d\n" % (kind.encode(), 2**bits - 1) + pixels


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        *((png, {"kind": kind}) for kind in (2, 4, 6)),
        *((tiff, {"order": order, "planes": planes}) for order in "<>" for planes in (1, 3)),
        *((ppm, {"kind": kind}) for kind in ("P3", "P5", "P6")),
    ],
)
def test_channels_of_16_bits_are_refused(tmp_path, form, settings):
    # Pillow reads both, and of coloured ones says 8 bits: of 16, the lower 8 are lost; of planes, each half is a pixel.
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_bytes(form(8, **settings))
    assert (image_files.read(tmp_path)[0] == 255).all()
    (tmp_path / "b" / "1").write_bytes(form(16, **settings))
    with pytest.raises(ImageError, match=f"^{tmp_path}/b/1: found more than 8 bits for each channel. Expected 8"):
        image_files.read(tmp_path)


def test_an_image_of_fewer_bits_is_read(tmp_path):
    # 16 bits for each pixel, 5 of them for each channel: a Windows bitmap whose rows are 0x7fff, white.
    head = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 54 + 128, 0, 54, 40, 8, 8, 1, 16, 0, 128, 0, 0, 0, 0)
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.bmp").write_bytes(head + b"\xff\x7f" * 64)
    assert (image_files.read(tmp_path)[0] == 255).all()


@pytest.mark.parametrize("form", ["GIF", "PNG", "TIFF", "WEBP"])
def test_moving_pictures_and_pages_are_refused(tmp_path, form):
    first, second = RNG.integers(0, 256, (2, 8, 8), dtype=np.uint8)
    save(tmp_path / "a" / "1", first, format=form)
    save(tmp_path / "b" / "1", first, format=form, save_all=True, append_images=[Image.fromarray(second)])
    with pytest.raises(ImageError, match=f"^{tmp_path}/b/1: found several images. Expected one, neither .* Keep one"):
        image_files.read(tmp_path)


def test_a_photo_with_a_preview_is_read(tmp_path):
    # Cameras and phones put smaller or darker copies behind a photo, which is the first.
    photo = np.full((8, 8, 3), 200, np.uint8)
    for name in "ab":
        copies = [Image.fromarray(photo // 2)]
        save(tmp_path / name / "1.jpg", photo, format="MPO", save_all=True, append_images=copies)
        with Image.open(tmp_path / name / "1.jpg") as opened:
            assert (opened.format, opened.n_frames) == ("MPO", 2)
    assert (abs(image_files.read(tmp_path)[0].astype(int) - 200) <= 2).all()


@pytest.mark.parametrize("form", image_files.FORMATS)
def test_formats_that_are_read(tmp_path, form):
    grey = np.arange(0, 256, 4, np.uint8).reshape(8, 8)
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}
    for name in "ab":
        save(tmp_path / name / "1", grey, format=form, **options.get(form, {}))
    pixels, _ = image_files.read(tmp_path)
    assert (abs(pixels.astype(int) - grey) <= (2 if form == "JPEG" else 0)).all()


def test_the_formats_are_those_that_are_promised(root):
    page = " ".join((root / "docs/own-images.md").read_text().split())
    assert f"{', '.join(image_files.FORMATS[:-1])} or {image_files.FORMATS[-1]}" in page


@pytest.mark.parametrize("form", ["EPS", "TGA"])
def test_formats_that_are_not_read(tmp_path, form):
    # EPS is a program, for which Pillow starts Ghostscript; whatever its name is.
    save(tmp_path / "a" / "1.png", np.zeros((8, 8, 3), np.uint8))
    save(tmp_path / "b" / "1.png", np.zeros((8, 8, 3), np.uint8), format=form)
    with pytest.raises(ImageError, match=r"b/1.png: .* \(cannot identify .*\). Expected one of PNG, .*, WEBP. Remove"):
        image_files.read(tmp_path)


def test_an_image_that_trips_its_reader_is_refused(tmp_path):
    # Without its palette, Pillow ends in an AssertionError without text.
    for name, palette in (("a", True), ("b", False)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(png(8, 3, palette=palette))
    with pytest.raises(ImageError, match=r"b/1.png: this cannot be read as an image \(AssertionError\). Expected one"):
        image_files.read(tmp_path)


def test_a_picture_that_would_fill_the_memory(tmp_path, monkeypatch):
    for name in "ab":
        save(tmp_path / name / "1.png", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    with pytest.raises(ImageError, match="a/1.png: this cannot be read as an image .*decompression bomb"):
        image_files.read(tmp_path)


def test_images_that_cannot_be_taken_are_named_together(tmp_path):
    for folder in "ab":
        save(tmp_path / folder / "0.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "a" / "1.png").write_text("no image")
    save(tmp_path / "b" / "1.png", np.zeros((8, 8, 4), np.uint8))
    with pytest.raises(ImageError) as raised:
        image_files.read(tmp_path)
    unreadable, transparent = str(raised.value).split("\n")
    assert unreadable.startswith(f"{tmp_path}/a/1.png: this cannot be read as an image")
    assert transparent.startswith(f"{tmp_path}/b/1.png: found transparent pixels.")
    for number in range(2, 12):
        (tmp_path / "b" / f"{number}.png").write_text("no image")
    with pytest.raises(ImageError) as raised:
        image_files.read(tmp_path)
    *named, last = str(raised.value).split("\n")
    assert (len(named), last) == (10, "And 2 more that cannot be taken.")
    # Of another size may be all of them.
    save(tmp_path / "b" / "1.png", np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ImageError, match=r"b/1.png: found 9 x 9 pixels"):
        image_files.read(tmp_path)


def test_only_folders_by_class_are_resized(cifar10, tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 3, 8, 8), np.uint8), labels=[0])
    for path in (cifar10[0], tmp_path / "a.npz"):
        with pytest.raises(ImageError, match="this is no folder of images by class, which alone are resized"):
            image_files.read(path, image_side=8)


def test_batches_come_from_training_images_only(cifar10):
    # The test batch above is no array: reading it would fail. Every drawn image is one of the five training batches.
    folder, everything = cifar10
    loaded = data.load(str(folder))
    drawn = data.draw_batches(loaded, 40, [0])
    known = {row.tobytes() for row in loaded.standardised(np.arange(40))}
    assert {image.tobytes() for image in drawn.images[0]} == known and len(known) == len(everything)
