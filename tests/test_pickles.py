"""Pickles from elsewhere: plain data come through as they are, anything else is refused before it is called."""

import bz2
import collections
import os
import pickle
import pickletools
import re
import struct
import subprocess

import numpy as np
import pytest

from proxybank import pickles
from proxybank.errors import PickleError

PLAIN = {"a": [1, 2.5, None, True], ("b", 777): {"c": b"bytes"}, "d": {1, 2}, "e": frozenset([3]), "f": (1, (2,))}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_come_through(protocol):
    # Below protocol 4, sets, and bytes below 3, are calls of functions that the files to be read do not name.
    plain = PLAIN if protocol >= 4 else {"a": PLAIN["a"], "f": PLAIN["f"]}
    assert pickles.build(pickle.dumps(plain, protocol), "here") == plain


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_ordered_dictionaries_and_numbers_of_numpy_become_plain(protocol):
    # Bytes, which NumPy's numbers are made of, are calls of _codecs.encode below protocol 3.
    arrays = protocol < 3
    given = {"o": collections.OrderedDict(x=1), "n": [np.float64(0.1), np.int16(-3), np.bool_(True), np.float32(0.5)]}
    built = pickles.build(pickle.dumps(given, protocol), "here", arrays=arrays)
    assert built == {"o": {"x": 1}, "n": [0.1, -3, True, 0.5]}
    assert type(built["o"]) is dict and [type(number) for number in built["n"]] == [float, int, bool, float]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_through_where_they_are_expected(protocol, dtype, order):
    array = np.array(np.arange(6).reshape(2, 3), dtype, order=order)
    raw = pickle.dumps({"data": array, "labels": [1, 2]}, protocol)
    built = pickles.build(raw, "here", arrays=True)
    assert (built["data"] == array).all() and built["data"].dtype == array.dtype and built["labels"] == [1, 2]
    with pytest.raises(PickleError, match="here: refused, it asks for "):
        pickles.build(raw, "here")


def test_a_file_of_python_2_is_read():
    # What Python 2's cPickle wrote at protocol 2 for {'data': numpy.array([[1, 255]], 'uint8'), 'labels': [7]}: texts
    # are byte strings (U), which Latin-1 turns into text and back.
    raw = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b"
        b"\x87Rq\x05(K\x01K\x01K\x02\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ"
        b"\xff\xff\xff\xffK\x00tb\x89U\x02\x01\xfftbU\x06labelsq\x08]q\x09K\x07au."
    )
    built = pickles.build(raw, "here", arrays=True)
    assert built["data"].tolist() == [[1, 255]] and built["labels"] == [7]


class Reduced:
    """Pickles itself as a call."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments, state) if state else (function, arguments)

    def __reduce__(self):
        return self.call


class Stateful:
    def __setstate__(self, state):
        raise AssertionError("called")


def in_an_array(raw: bytes) -> bytes:
    """Pickle of an array of unsigned bytes that has `raw`, some opcodes, where its bytes should be."""
    dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R"
    shape_and_order = b"J\xff\xff\xff\xff\x85X\x01\x00\x00\x00C"
    return b"}X\x04\x00\x00\x00datacnumpy.core.numeric\n_frombuffer\n(" + raw + dtype + shape_and_order + b"tRs."


def evil(path) -> dict[str, bytes]:
    """Programs that would create the file `path`, or reach something that is not plain."""
    system, touch = b"cposix\nsystem\n", f"touch {path}".encode()
    text = b"X" + struct.pack("<I", len(touch)) + touch
    short = b"\x8c" + bytes([len(touch)]) + touch
    return {
        "reduce": pickle.dumps(Reduced(os.system, touch.decode())),
        "reduce of protocol 0": pickle.dumps(Reduced(os.system, touch.decode()), 0),
        "nested": pickle.dumps({"12": {"all_results": [(1, Reduced(os.system, touch.decode()))]}}),
        "key": pickle.dumps({(Reduced(os.getpid), 1): 2}),
        "argument of an allowed one": pickle.dumps(Reduced(np.dtype, Reduced(os.system, touch.decode()))),
        "subprocess": pickle.dumps(Reduced(subprocess.check_call, ["touch", str(path)])),
        "eval": pickle.dumps(Reduced(eval, f"__import__('os').mkdir({str(path)!r})")),
        "getattr": pickle.dumps(Reduced(getattr, "a", "join")),
        "dotted name": b"\x80\x04\x8c\x05numpy\x8c\x0fdtype.__class__\x93.",
        "name of an allowed module": b"cnumpy\nload\n" + text + b"\x85R.",
        "name from the memo": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x940h\x00h\x01\x93" + short + b"\x85R.",
        "function from the memo": b"\x80\x02" + system + b"q\x050]h\x05a" + text + b"\x85R.",
        "instance": b"(" + text + b"iposix\nsystem\n.",
        "object": b"(" + system + text + b"o.",
        "new object": b"\x80\x02ctest_pickles\nStateful\n)\x81}b.",
        "new object of an allowed name": b"\x80\x02cnumpy\ndtype\n)\x81.",
        "new object with keywords": b"\x80\x04\x8c\x0ctest_pickles\x8c\x08Stateful\x93)}\x92.",
        "persistent id of text": b"Pposix.system\n.",
        "persistent id": text + b"Q.",
        "extension registry": b"\x80\x02\x82\x01.",
        "buffer from outside": b"\x80\x05\x97.",
        "state of a function": b"\x80\x02ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb0}.",
        "slots of a function": b"\x80\x02ccollections\nOrderedDict\nN}X\x09\x00\x00\x00_functionK\x01s\x86b.",
        "state of a dictionary": b"\x80\x02ccollections\nOrderedDict\n)R}X\x01\x00\x00\x00aK\x01sb.",
        "function left over": b"\x80\x02]ccollections\nOrderedDict\na.",
        "type left over": pickle.dumps([np.dtype("f8")]),
        "function called with too much": pickle.dumps(Reduced(collections.OrderedDict, [("a", 1)])),
        "number that is none": pickle.dumps(Reduced(np._core.multiarray.scalar, "f8", b"12345678")),
        "objects": pickle.dumps({"data": np.array([{}, Reduced(os.system, touch.decode())], object)}),
        "fields": pickle.dumps({"data": np.zeros(2, [("a", "i4")])}),
        "fields of a state": b"\x80\x02}X\x04\x00\x00\x00datacnumpy\ndtype\nX\x02\x00\x00\x00u1K\x00K\x01\x87R"
        b"(K\x03X\x01\x00\x00\x00|N(X\x01\x00\x00\x00atNK\x01K\x01K\x00tbs.",
        "text array": pickle.dumps({"data": np.array(["a"])}),
        "too few bytes": pickle.dumps({"data": np.arange(9.0)}).replace(struct.pack("<d", 8.0), b""),
        "complex": pickle.dumps([1j]),
        "bytearray": pickle.dumps([bytearray(b"a")], 5),
        "other encoding": b"c_codecs\nencode\n(X\x01\x00\x00\x00aX\x06\x00\x00\x00rot_13tR.",
        "array without data": b"}X\x04\x00\x00\x00data"
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tX\x01\x00\x00\x00btRs.",
        "array made directly": b"cnumpy\nndarray\n(K\x01tR.",
        "array in a list": pickle.dumps([np.arange(3)]),
        "array of a length": in_an_array(b"K\x08"),
        "array of numbers": in_an_array(b"]K\x00a"),
    }


# What is said of each program. The further ones are about arrays; where none may be, their functions are not known.
REFUSED = {
    "reduce": "it asks for posix.system",
    "reduce of protocol 0": "it asks for posix.system",
    "nested": "it asks for posix.system",
    "key": "it asks for posix.getpid",
    "argument of an allowed one": "it asks for posix.system",
    "subprocess": "it asks for subprocess.check_call",
    "eval": "it asks for builtins.eval",
    "getattr": "it asks for builtins.getattr",
    "dotted name": "it asks for numpy.dtype.__class__",
    "name of an allowed module": "it asks for numpy.load",
    "name from the memo": "it asks for posix.system",
    "function from the memo": "it asks for posix.system",
    "instance": "it asks for posix.system",
    "object": "it asks for posix.system",
    "new object": "it asks for test_pickles.Stateful",
    "new object of an allowed name": "NEWOBJ class argument must be a type",
    "new object with keywords": "it asks for test_pickles.Stateful",
    "persistent id of text": "A load persistent id instruction was encountered",
    "persistent id": "A load persistent id instruction was encountered",
    "extension registry": "unregistered extension code 1",
    "buffer from outside": "pickle stream refers to out-of-band data",
    "state of a function": "it changes a function",
    "slots of a function": "it changes a function",
    "state of a dictionary": "'dict' object has no attribute '__dict__'",
    "function left over": "it holds something of type Function",
    "type left over": "it holds something of type Number",
    "function called with too much": "_ordered_dict() takes 0 positional arguments",
    "number that is none": "it has numbers of no type",
    "fields of a state": "it has a type of several fields",
    "too few bytes": "pickle data was truncated",
    "complex": "it asks for builtins.complex",
    "bytearray": "it holds something of type bytearray",
}
REFUSED_ARRAYS = {
    "objects": "it has values of type 'O8'",
    "fields": "it has values of type 'V4'",
    "text array": "it has values of type 'U1'",
    "other encoding": "it has bytes encoded as 'rot_13'",
    "array without data": "'_Array' object has no attribute 'array'",
    "array made directly": "it makes an array without NumPy's own function",
    "array in a list": "it holds something of type Array",
    "array of a length": "it has an array without bytes",
    "array of numbers": "it has an array without bytes",
}


@pytest.mark.parametrize("arrays", [False, True])
@pytest.mark.parametrize("name", evil("/nowhere"))
def test_what_is_not_plain_is_refused(name, arrays, tmp_path):
    path = tmp_path / "called"
    raw = evil(path)[name]
    asks = r"it asks for (numpy|_codecs)\."
    words = re.escape((REFUSED | REFUSED_ARRAYS)[name]) if arrays or name in REFUSED else asks
    with pytest.raises(
        PickleError, match=rf"^entry: refused, {words}.*\. Expected a whole pickle of nothing but plain"
    ):
        pickles.build(raw, "entry", arrays)
    assert not path.exists()


def test_the_malicious_programs_are_what_they_claim(tmp_path):
    # Python's own reader does create the file: the tests above would see it.
    for name in ("reduce", "nested", "argument of an allowed one", "name from the memo", "instance", "object", "eval"):
        path = tmp_path / name.replace(" ", "_")
        try:
            pickle.loads(evil(path)[name])
        except Exception as error:
            assert name == "argument of an allowed one", error
        assert path.exists(), name
    for name, raw in evil("/nowhere").items():
        if "too few bytes" not in name:
            assert list(pickletools.genops(raw)), name


def test_a_refused_pickle_changes_nothing_for_the_next():
    for raw in evil("/nowhere").values():
        with pytest.raises(PickleError):
            pickles.build(raw, "entry")
    assert pickles.build(pickle.dumps([np.float64(2), collections.OrderedDict()]), "entry") == [2.0, {}]


def test_the_name_asked_for_is_in_the_message():
    with pytest.raises(PickleError, match=r"^entry: refused, it asks for posix.system\. Expected .* Do not open it by"):
        pickles.build(pickle.dumps(Reduced(os.system, "true")), "entry")


def test_an_array_has_bytes_and_not_a_number_of_them():
    # bytes(8) are eight zeros, and a number may be large; of the bytes that are there, -1 in the shape has NumPy count.
    built = pickles.build(in_an_array(b"C\x03abc"), "here", arrays=True)
    assert built["data"].tolist() == [97, 98, 99]
    for raw in (b"K\x08", b"]K\x00a", b"N"):
        with pytest.raises(PickleError, match="^here: refused, it has an array without bytes. Expected a whole pickle"):
            pickles.build(in_an_array(raw), "here", arrays=True)


def test_a_function_cannot_be_exchanged():
    # An OrderedDict whose slot is set to NumPy's scalar, then called as that: it would be the number 97.
    arguments = b"(cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85RX\x01\x00\x00\x00at"
    scalar, ordered = b"cnumpy.core.multiarray\nscalar\n", b"ccollections\nOrderedDict\n"
    assert pickles.build(scalar + arguments + b"R.", "here") == 97
    for state in (b"N}X\x09\x00\x00\x00_function" + scalar + b"s\x86", b"}X\x09\x00\x00\x00_function" + scalar + b"s"):
        with pytest.raises(PickleError, match="^here: refused, it changes a function. Expected a whole pickle"):
            pickles.build(ordered + state + b"b" + arguments + b"R.", "here")


def test_contents_that_refer_to_themselves_end():
    knot = []
    knot.append(knot)
    built = pickles.build(pickle.dumps(knot), "here")
    assert built[0] is built
    laughs = [1]
    for _ in range(100):
        laughs = [laughs, laughs]
    assert pickles.build(pickle.dumps(laughs), "here")[0][0][1][1]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_damaged_pickles_are_refused(share):
    raw = pickle.dumps(PLAIN)
    with pytest.raises(PickleError, match="^here: refused, .+ Expected a whole pickle"):
        pickles.build(raw[: int(len(raw) * share)], "here")


def test_compressed_files(tmp_path):
    path, raw = tmp_path / "a.pickle.pbz2", pickle.dumps(PLAIN)
    packed = bz2.compress(raw)
    path.write_bytes(packed)
    assert pickles.read(path) == PLAIN
    (tmp_path / "a.pickle").write_bytes(raw)
    assert pickles.read(tmp_path / "a.pickle") == PLAIN
    for content, message in (
        (packed[:-9], r"a.pickle.pbz2: found no end of the compressed data. Expected one whole bz2 stream"),
        (b"", "found no end of the compressed data"),
        (packed + b"more", "found more than the end of the file"),
        (b"no bz2", r"this cannot be read \(Invalid data stream\). Get the file again."),
        (bz2.compress(bytes(pickles.MAX_UNPACKED_BYTES + 1)), "no end .* of at most 64 MiB"),
    ):
        path.write_bytes(content)
        with pytest.raises(PickleError, match=message):
            pickles.read(path)
    with pytest.raises(PickleError, match=r"b.pbz2: this cannot be read \(No such file or directory\)"):
        pickles.read(tmp_path / "b.pbz2")
