"""Plain Python values as JSON.

This is how judge and candidate talk without either running the other's code. JSON's own types stand
for themselves, except that containers and everything JSON lacks are a pair [tag, content]. A value
that is not plain data stays where it is and travels as a number that its owner knows it by.
"""

import json
import os
from collections.abc import Callable

MESSAGE_BYTES = 16 << 20
# Beyond it Python refuses to write an int as decimal digits.
PLAIN_INT_BITS = 1024

SEQUENCES: dict[str, type] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class Channel:
    """Messages over a pair of pipes, each a JSON text after its length in four bytes."""

    def __init__(self, reader: int, writer: int) -> None:
        self._reader, self._writer = reader, writer

    def send(self, message: object) -> None:
        """Send a message.

        Raises:
            ValueError: it is longer than a message may be.
            OSError: nobody listens any more.
        """
        text = json.dumps(message).encode()
        if len(text) > MESSAGE_BYTES:
            raise ValueError(f"a message of {len(text)} bytes is too long")
        data = memoryview(len(text).to_bytes(4, "big") + text)
        while data:
            data = data[os.write(self._writer, data) :]

    def receive(self) -> object:
        """Wait for a message.

        Raises:
            EOFError: the other side is gone.
            ValueError: what came is no message.
        """
        length = int.from_bytes(self._read(4), "big")
        if length > MESSAGE_BYTES:
            raise ValueError(f"a message of {length} bytes is too long")
        return json.loads(self._read(length))

    def _read(self, length: int) -> bytes:
        data = bytearray()
        while len(data) < length:
            part = os.read(self._reader, min(length - len(data), 1 << 16))
            if not part:
                raise EOFError("the other process is gone")
            data += part
        return bytes(data)


def encode(value: object, hold: Callable[[object], int]) -> object:
    """`value` in JSON's types.

    Subclasses travel as their base type; `hold` gives what is not plain data a number.
    """
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()  # a numpy scalar
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        plain = int.__int__(value)
        return plain if plain.bit_length() <= PLAIN_INT_BITS else ["int", hex(plain)]
    if isinstance(value, float):
        return float.__float__(value)
    for tag, kind in SEQUENCES.items():
        if isinstance(value, kind):
            return [tag, [encode(each, hold) for each in value]]
    if isinstance(value, dict):
        return ["dict", [[encode(key, hold), encode(each, hold)] for key, each in value.items()]]
    if isinstance(value, (bytes, bytearray)):
        return ["bytes" if isinstance(value, bytes) else "bytearray", value.hex()]
    if isinstance(value, complex):
        return ["complex", [value.real, value.imag]]
    if isinstance(value, range):
        return ["range", [encode(each, hold) for each in (value.start, value.stop, value.step)]]
    if type(value).__module__ == "fractions":
        return ["fraction", [encode(value.numerator, hold), encode(value.denominator, hold)]]
    if type(value).__module__ == "decimal" and type(value).__name__ == "Decimal":
        return ["decimal", str(value)]
    return ["object", hold(value)]


def decode(message: object, find: Callable[[int], object]) -> object:
    """The value that `encode` wrote; `find` gives the object of a number.

    Raises:
        ValueError, TypeError, LookupError: it is none.
    """
    if not isinstance(message, list):
        if isinstance(message, dict):
            raise ValueError("a bare JSON object stands for nothing")
        return message
    tag, content = message
    if tag in SEQUENCES:
        return SEQUENCES[tag](decode(each, find) for each in content)
    if tag == "dict":
        return {decode(key, find): decode(value, find) for key, value in content}
    if tag == "int":
        return int(content, 16)
    if tag == "bytes":
        return bytes.fromhex(content)
    if tag == "bytearray":
        return bytearray.fromhex(content)
    if tag == "complex":
        return complex(*content)
    if tag == "range":
        return range(*(decode(each, find) for each in content))
    # Imported where they are met: they would double the time that a program takes to start.
    if tag == "fraction":
        from fractions import Fraction

        return Fraction(*(decode(each, find) for each in content))
    if tag == "decimal":
        from decimal import Decimal

        return Decimal(content)
    if tag == "object":
        return find(int(content))
    raise ValueError(f"unknown tag {tag!r}")
