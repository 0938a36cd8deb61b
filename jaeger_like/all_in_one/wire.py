"""Thrift's compact and binary protocols, read with care: for bytes that anybody may have sent.

Apache Thrift's readers make an object with a dictionary for each empty struct, 300 bytes of memory
for one of input, and differ from release to release in what hangs or crashes them. Here nothing is
made for what is not asked for, a container cannot claim more elements than the rest of the bytes
could hold, and whatever is wrong is a :class:`DecodeError`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from struct import Struct
from struct import error as struct_error
from typing import Any

# Thrift's numbers of types, which are also the binary protocol's.
STOP, BOOL, BYTE, DOUBLE, I16, I32, I64 = 0, 2, 3, 4, 6, 8, 10
STRING, STRUCT, MAP, SET, LIST, UUID = 11, 12, 13, 14, 15, 16

_MAX_DEPTH = 32  # containers within containers; a batch needs 5

_U64 = (1 << 64) - 1
_I64_BE = Struct(">q").unpack_from
_I32_BE = Struct(">i").unpack_from
_I16_BE = Struct(">h").unpack_from
_DOUBLE_BE = Struct(">d").unpack_from
_DOUBLE_LE = Struct("<d").unpack_from

_NESTED = (STRUCT, MAP, SET, LIST)

#: By id, the fields of a struct that matter: a type, and what reads the value.
Field = tuple[int, Callable[["Reader"], Any]]
Fields = dict[int, Field]

I32_FIELD: Field = (I32, methodcaller("i32"))
I64_FIELD: Field = (I64, methodcaller("i64"))
TRUTH_FIELD: Field = (BOOL, methodcaller("truth"))
DOUBLE_FIELD: Field = (DOUBLE, methodcaller("double"))
TEXT_FIELD: Field = (STRING, methodcaller("text"))
BYTES_FIELD: Field = (STRING, methodcaller("octets"))


class DecodeError(ValueError):
    """A peer sent bytes that are no batch of spans."""


#: What reading beyond the end raises, besides that.
TRUNCATED = (IndexError, struct_error)


class Reader:
    """A position in bytes, and what the two protocols share.

    Every method moves on. Where the bytes end before what they promise it raises
    :class:`DecodeError` or one of :data:`TRUNCATED`.

    :ivar owner: for the functions that read, which may want to know what was read before
    """

    _widths: dict[int, int]  # bytes that a value has at least, by its type; 1 if it is not here
    _fixed: frozenset[int]  # types whose values all have that many

    def __init__(self, data: bytes) -> None:
        self.owner: Any = None
        self._data = data
        self._at = 0
        self._depth = 0

    # -- what a protocol defines

    def message(self) -> str:
        """Read the begin of a message; return its name."""
        raise NotImplementedError

    def field(self, last: int) -> tuple[int, int]:
        """Return type and id of the next field; *last* is the id of the one before."""
        raise NotImplementedError

    def i32(self) -> int:
        """Return a number of 32 bits."""
        raise NotImplementedError

    def i64(self) -> int:
        """Return a number of 64 bits."""
        raise NotImplementedError

    def truth(self) -> bool:
        """Return the truth value of the field that was read last."""
        raise NotImplementedError

    def double(self) -> float:
        """Return a double."""
        raise NotImplementedError

    def _size(self) -> int:
        raise NotImplementedError

    def _list(self) -> tuple[int, int]:
        raise NotImplementedError

    def _map(self) -> tuple[int, int, int]:
        raise NotImplementedError

    # -- what follows from that

    def octets(self) -> bytes:
        """Return a string of bytes."""
        size = self._size()
        begin = self._at
        self._at = end = begin + size
        if not begin <= end <= len(self._data):
            raise DecodeError("truncated")
        return self._data[begin:end]

    def text(self) -> str:
        """Return text. What is not UTF-8 is read as far as it goes, for there are such clients."""
        return self.octets().decode("utf-8", "replace")

    def struct(self, fields: Fields, length: int) -> list[Any]:
        """Read a struct; return the values of *fields* by their ids, None for what is missing.

        :param length: of the result
        """
        values: list[Any] = [None] * length
        number = 0
        while True:
            kind, number = self.field(number)
            if kind == STOP:
                return values
            wanted = fields.get(number)
            if wanted is not None and wanted[0] == kind:
                values[number] = wanted[1](self)
            else:
                self._skip_field(kind)

    def structs(self, read: Callable[[Reader], Any], least: int) -> list[Any]:
        """Read a list of structs.

        :param read: reads one
        :param least: bytes that one has
        """
        kind, size = self._list()
        if size and kind != STRUCT:
            raise DecodeError("a list of something else than structs")
        self._promise(size * least)
        return [read(self) for _ in range(size)]

    def _skip_field(self, kind: int) -> None:
        self._skip(kind)

    def _skip(self, kind: int) -> None:
        """Pass over a value that nobody asked for."""
        if kind in self._fixed:
            self._advance(self._widths[kind])
        elif kind == STRING:
            self._advance(self._size())
        elif kind in (I64, I32, I16):
            self.i64()
        elif kind in _NESTED:
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise DecodeError("nested too deeply")
            if kind == STRUCT:
                self._skip_struct()
            elif kind == MAP:
                size, *kinds = self._map()
                self._skip_elements(size, *kinds)
            else:
                inner, size = self._list()
                self._skip_elements(size, inner)
            self._depth -= 1
        else:
            raise DecodeError(f"a value of an unknown type, {kind}")

    def _skip_struct(self) -> None:
        number = 0
        while True:
            kind, number = self.field(number)
            if kind == STOP:
                return
            self._skip_field(kind)

    def _skip_elements(self, size: int, *kinds: int) -> None:
        # Any element has a byte at least, else there could be any number of them.
        width = sum([self._widths.get(kind, 1) for kind in kinds])
        self._promise(size * width)
        if self._fixed.issuperset(kinds):
            self._at += size * width
            return
        for _ in range(size):
            for kind in kinds:
                self._skip(kind)

    def _promise(self, size: int) -> None:
        """Refuse what promises more bytes than there are, or less than none."""
        if not 0 <= size <= len(self._data) - self._at:
            raise DecodeError("truncated")

    def _advance(self, size: int) -> None:
        self._promise(size)
        self._at += size


# A compact type's number is the place of its binary one here; 1 stands for what is unknown.
_OF_COMPACT = (
    STOP, BOOL, BOOL, BYTE, I16, I32, I64, DOUBLE, STRING, LIST, SET, MAP, STRUCT, UUID, 1, 1,
)  # fmt: skip


class CompactReader(Reader):
    """Numbers of variable length; a field's type and the distance to its id share a byte."""

    _widths = {DOUBLE: 8, UUID: 16, BOOL: 1, BYTE: 1}
    _fixed = frozenset(_widths)

    _truth = False

    def message(self) -> str:
        if self._data[0] != 0x82:
            raise DecodeError(f"bad protocol id, {self._data[0]:#x} and not 0x82")
        if self._data[1] & 0x1F != 1:
            raise DecodeError(f"bad version, {self._data[1] & 0x1F} and not 1")
        self._at = 2
        self._size()  # the sequence number
        return self.text()

    def field(self, last: int) -> tuple[int, int]:
        head = self._data[self._at]
        self._at += 1
        kind = head & 15
        if kind == 0:
            return STOP, 0
        number = last + (head >> 4) if head >> 4 else self.i64()
        if kind <= 2:  # a field's truth value is its type
            self._truth = kind == 1
            return BOOL, number
        return _OF_COMPACT[kind], number

    def i32(self) -> int:
        number = self._size()
        number = number >> 1 ^ -(number & 1)
        if not -(1 << 31) <= number < 1 << 31:
            raise DecodeError("a number of more than 32 bits")
        return number

    def i64(self) -> int:
        number = self._data[self._at]
        if number < 128:  # what is common, without a call
            self._at += 1
        else:
            number = self._size()
        return number >> 1 ^ -(number & 1)

    def truth(self) -> bool:
        return self._truth

    def double(self) -> float:
        self._at += 8
        number: float = _DOUBLE_LE(self._data, self._at - 8)[0]
        return number

    def _size(self) -> int:
        data, at = self._data, self._at
        byte = data[at]
        if byte < 128:
            self._at = at + 1
            return byte
        number, shift = byte & 127, 7
        while True:
            at += 1
            byte = data[at]
            number |= (byte & 127) << shift
            if byte < 128:
                self._at = at + 1
                return number & _U64
            shift += 7
            if shift > 63:
                raise DecodeError("a number does not end")

    def _list(self) -> tuple[int, int]:
        head = self._data[self._at]
        self._at += 1
        size = head >> 4
        return _OF_COMPACT[head & 15], self._size() if size == 15 else size

    def _map(self) -> tuple[int, int, int]:
        size = self._size()
        if not size:
            return 0, BYTE, BYTE
        kinds = self._data[self._at]
        self._at += 1
        return size, _OF_COMPACT[kinds >> 4], _OF_COMPACT[kinds & 15]

    def _skip_field(self, kind: int) -> None:
        if kind != BOOL:
            self._skip(kind)


class BinaryReader(Reader):
    """Numbers of fixed length, the highest byte first."""

    _widths = {
        BOOL: 1, BYTE: 1, I16: 2, I32: 4, I64: 8, DOUBLE: 8, UUID: 16, STRING: 4, LIST: 5, SET: 5,
        MAP: 6,
    }  # fmt: skip
    _fixed = frozenset([BOOL, BYTE, I16, I32, I64, DOUBLE, UUID])

    def message(self) -> str:
        head = self.i32()
        if head >= 0:  # the length of the name: a message before versions
            self._at = 0
            name = self.text()
            self._at += 5  # type and sequence number
            return name
        if head >> 16 & 0xFFFF != 0x8001:
            raise DecodeError(f"bad version, {head >> 16 & 0xFFFF:#x} and not 0x8001")
        name = self.text()
        self._at += 4  # the sequence number
        return name

    def field(self, last: int) -> tuple[int, int]:  # noqa: ARG002  compact's ids depend on it
        kind = self._data[self._at]
        if kind == STOP:
            self._at += 1
            return STOP, 0
        self._at += 3
        return kind, _I16_BE(self._data, self._at - 2)[0]

    def i32(self) -> int:
        self._at += 4
        number: int = _I32_BE(self._data, self._at - 4)[0]
        return number

    def i64(self) -> int:
        self._at += 8
        number: int = _I64_BE(self._data, self._at - 8)[0]
        return number

    def truth(self) -> bool:
        self._at += 1
        return self._data[self._at - 1] != 0

    def double(self) -> float:
        self._at += 8
        number: float = _DOUBLE_BE(self._data, self._at - 8)[0]
        return number

    _size = i32

    def _list(self) -> tuple[int, int]:
        self._at += 1
        return self._data[self._at - 1], self.i32()

    def _map(self) -> tuple[int, int, int]:
        self._at += 2
        key, value = self._data[self._at - 2], self._data[self._at - 1]
        return self.i32(), key, value
