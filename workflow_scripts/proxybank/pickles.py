"""Pickles that came from elsewhere, read without doing what they say.

A pickle is a program: it may name any function of any module, and have it called. Here it may name the few things that
the files of NATS-Bench, CIFAR and ImageNet16 do name, and gets functions of our own in their place, which build plain
numbers and arrays. Whatever else it names ends in a message, before anything is called.
"""

import bz2
import io
import pickle
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from proxybank.errors import PickleError

# More than any file of an archive unpacks to; a small file can unpack to gigabytes.
MAX_UNPACKED_BYTES = 2**26
_LEAVES = frozenset({type(None), bool, int, float, str, bytes})
_CONTAINERS = frozenset({dict, list, tuple, set, frozenset})
_NUMBERS = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
_EXPECTED = "Expected a whole pickle of nothing but plain containers, numbers and strings"


def read(path: str | Path, arrays: bool = False) -> Any:
    """Read one pickle; see `unpack` and `build`."""
    return build(unpack(path), str(path), arrays)


def unpack(path: str | Path) -> bytes:
    """Bytes of a pickle, unpacked if the file is compressed (``.pbz2``).

    Raises
    ------
    PickleError
        If the file cannot be read, is cut short or damaged, or unpacks to more than `MAX_UNPACKED_BYTES`.
    """
    try:
        raw = Path(path).read_bytes()
        if Path(path).suffix != ".pbz2":
            return raw
        unpacker = bz2.BZ2Decompressor()
        unpacked = unpacker.decompress(raw, MAX_UNPACKED_BYTES)
    except OSError as error:
        raise PickleError(f"{path}: this cannot be read ({error.strerror or error}). Get the file again.") from error
    if not unpacker.eof or unpacker.unused_data:
        found = "more than the end of the file" if unpacker.eof else "no end of the compressed data"
        raise PickleError(
            f"{path}: found {found}. Expected one whole bz2 stream of at most {MAX_UNPACKED_BYTES >> 20} MiB. Get the "
            "file again from its source."
        )
    return unpacked


def build(raw: bytes, where: str, arrays: bool = False) -> Any:
    """Build what a pickle describes, if it is plain.

    Parameters
    ----------
    raw : bytes
        The pickle, of any protocol; text of Python 2 is read as Latin-1.
    where : str
        File it comes from, with which messages begin.
    arrays : bool
        Whether the values of a dictionary may be arrays of numbers.

    Returns
    -------
    object
        Dictionaries, lists, tuples and sets of None, numbers, text and bytes; ordered dictionaries come as plain ones,
        numbers of NumPy as Python's; with `arrays`, values of the outermost dictionary may be NumPy arrays.

    Raises
    ------
    PickleError
        If it would build or call anything else, or is no whole pickle.

    Notes
    -----
    Memory is not bounded: before anything is asked for here, Python's reader makes room for as many objects as a pickle
    says it numbers (``LONG_BINPUT``), so that ten bytes can take gigabytes.
    """
    try:
        value = _Unpickler(io.BytesIO(raw), arrays).load()
        if arrays and type(value) is dict:
            value = {key: item.array if type(item) is _Array else item for key, item in value.items()}
        _check(value, _LEAVES | {np.ndarray} if arrays else _LEAVES)
    except Exception as error:  # damaged pickles raise whatever the operation that went wrong raises
        found = " ".join(str(error).rstrip(".").split()) or type(error).__name__
        raise PickleError(
            f"{where}: refused, {found}. {_EXPECTED}{' or arrays of them' if arrays else ''}. "
            "Do not open it by other means; get the file again from its source."
        ) from error
    return value


class _Unpickler(pickle.Unpickler):
    """Knows our own functions only. References to objects outside of the pickle are refused by the base class."""

    def __init__(self, file: io.BytesIO, arrays: bool) -> None:
        super().__init__(file, encoding="latin1")
        self._known = _FOR_ARRAYS if arrays else _FOR_NUMBERS

    def find_class(self, module: str, name: str) -> "_Function":
        function = self._known.get((module.replace("numpy._core", "numpy.core"), name))
        if function is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _Function(function)


class _Function:
    """A function that a pickle can call but not change: made anew for each request, and without a state to set."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setstate__(self, state: Any) -> None:  # without it, a pickle may set slots
        raise ValueError("it changes a function")


class _Number:
    """A kind of number, in place of NumPy's dtype."""

    __slots__ = ("dtype",)

    def __init__(self, code: str, align: int = 0, copy: int = 1) -> None:
        if code not in _NUMBERS:
            raise ValueError(f"it has values of type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple) -> None:
        _, order, *fields = state
        if order not in ("<", ">", "|", "=") or any(field is not None for field in fields[:3]):
            raise ValueError("it has a type of several fields")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """An array in the making: `_reconstruct` makes it empty, `__setstate__` fills it."""

    __slots__ = ("array",)

    def __setstate__(self, state: tuple) -> None:
        _, shape, number, by_column, raw = state
        self.array = _filled(raw, number, shape, "F" if by_column else "C")


def _filled(raw: bytes | str, number: _Number, shape: tuple[int, ...], order: Literal["C", "F"]) -> np.ndarray:
    if not isinstance(number, _Number):
        raise ValueError("it has numbers of no type")
    raw = raw.encode("latin1") if isinstance(raw, str) else raw  # bytes of Python 2
    return np.frombuffer(raw, number.dtype).reshape(shape, order=order)


def _frombuffer(raw: bytes | bytearray, number: _Number, shape: tuple[int, ...], order: Literal["C", "F"]) -> _Array:
    if not isinstance(raw, bytes | bytearray):  # of a number, bytes() would make so many zeros
        raise ValueError("it has an array without bytes")
    made = _Array()
    made.array = _filled(bytes(raw), number, shape, order)
    return made


def _reconstruct(kind: _Function, shape: tuple[int, ...], code: str | bytes) -> _Array:
    return _Array()


def _scalar(number: _Number, raw: bytes | str) -> bool | int | float:
    (value,) = _filled(raw, number, (1,), "C").tolist()
    return value


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise ValueError(f"it has bytes encoded as {encoding!r}")
    return text.encode("latin1")


def _ordered_dict() -> dict:
    return {}


def _ndarray(*_: Any) -> None:
    raise ValueError("it makes an array without NumPy's own function")


_FOR_NUMBERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("numpy", "dtype"): _Number,
    ("numpy.core.multiarray", "scalar"): _scalar,
}
_FOR_ARRAYS = _FOR_NUMBERS | {
    ("_codecs", "encode"): _encode,
    ("numpy", "ndarray"): _ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
}


def _check(value: Any, leaves: frozenset[type]) -> None:
    """Raise ValueError if anything in `value` is neither a leaf nor a plain container."""
    todo: list[Any] = [[value]]
    seen: set[int] = set()
    while todo:
        container = todo.pop()
        parts = [container, container.values()] if type(container) is dict else [container]
        kinds = set(map(type, chain(*parts)))
        strange = kinds - leaves - _CONTAINERS
        if strange:
            raise ValueError(f"it holds something of type {min(kind.__name__.lstrip('_') for kind in strange)}")
        if kinds & _CONTAINERS:
            inner = [part for part in chain(*parts) if type(part) in _CONTAINERS and id(part) not in seen]
            seen.update(map(id, inner))
            todo += inner
