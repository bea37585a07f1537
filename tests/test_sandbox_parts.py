"""The parts of the sandbox by themselves: the messages between judge and candidate, and the filter
of system calls."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.sandbox.inside import seccomp, wire
from tasks.sandbox.isolation import outermost

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")


def test_outermost_paths(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    paths = [str(tmp_path / each) for each in ("a/b", "ab", "a", "missing", "a")]
    assert outermost(paths) == [str(tmp_path / "a"), str(tmp_path / "ab")]


# Messages and filter

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = scalars | st.tuples(scalars, scalars) | st.frozensets(scalars)
plain = st.recursive(
    scalars | st.complex_numbers(allow_nan=False) | st.decimals(allow_nan=False) | st.fractions()
    | st.builds(range, st.integers(), st.integers(), st.integers(1, 9)) | st.integers().map(lambda n: n << 9000)
    | st.binary().map(bytearray),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(keys, inner) | st.sets(keys),
    max_leaves=12,
)  # fmt: skip


def shape(value):
    """Types and order, which `==` does not see: 1 is True, and dicts with other orders are equal.
    """
    if isinstance(value, (list, tuple)):
        return type(value), [shape(each) for each in value]
    if isinstance(value, dict):
        return dict, [(shape(key), shape(each)) for key, each in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(shape(each)) for each in value)
    return type(value), value if isinstance(value, int) else repr(value)


@given(plain)
def test_plain_data_arrives_as_it_was(value):
    reader, writer = os.pipe()
    try:
        channel = wire.Channel(reader, writer)
        channel.send(wire.encode(value, pytest.fail))
        arrived = wire.decode(channel.receive(), pytest.fail)
    finally:
        os.close(reader)
        os.close(writer)
    assert arrived == value and shape(arrived) == shape(value)


def test_what_is_not_plain_travels_as_a_number():
    held = []
    message = wire.encode([len, {"a": object}], lambda value: held.append(value) or len(held) - 1)
    assert held == [len, object] and wire.decode(message, held.__getitem__) == [len, {"a": object}]


@pytest.mark.parametrize(
    "message",
    [{}, [], ["list"], ["list", 1], ["list", [1], 2], ["dict", [[1]]], ["int", 5], ["int", "0xg"], ["bytes", "x"],
     ["complex", ["a", 1]], ["range", [1, 2, 0]], ["decimal", "ten"], ["object", 7], ["object", "x"], ["other", 1],
     ["set", [["list", []]]], [["list", []], 1]],
)  # fmt: skip
def test_a_message_that_means_nothing_is_refused(message):
    with pytest.raises((ValueError, TypeError, LookupError, ArithmeticError)):
        wire.decode(message, [].__getitem__)


def filtered(machine, architecture, number, argument=0):
    """What the kernel would do: the filter's program, interpreted."""
    code = list(struct.iter_unpack("=HBBI", seccomp.filter_code(machine)))
    data = struct.pack("=iIQ6Q", number, architecture, 0, 0, argument, 0, 0, 0, 0)
    position, accumulator = 0, 0
    while True:
        operation, equal, unequal, constant = code[position]
        position += 1
        if operation == seccomp.LOAD:
            accumulator = struct.unpack_from("=I", data, constant)[0]
        elif operation == seccomp.EQUAL:
            position += equal if accumulator == constant else unequal
        else:
            return constant


@pytest.mark.parametrize(("machine", "column", "name"), [("x86_64", 0, 0xC000003E), ("aarch64", 1, 0xC00000B7)])
def test_the_filter_allows_its_list_and_nothing_else(machine, column, name):
    allowed = set(seccomp.numbers(column).values())
    commands = {int(entry.split()[1 + column]): values for entry, values in seccomp.COMMANDS.items()}
    for number in (*range(480), 1 << 30, (1 << 30) + 1):
        wanted = seccomp.ALLOW if number in allowed else seccomp.MISSING
        assert number in commands or filtered(machine, name, number) == wanted
    for number, values in commands.items():
        for argument in (*range(40), *range(1024, 1040), *range(0x5400, 0x5460), 0x8901, 0x8904):
            wanted = seccomp.ALLOW if argument in values else seccomp.MISSING
            assert filtered(machine, name, number, argument) == wanted
    assert filtered(machine, 0x40000003, 0) == seccomp.KILL


def test_the_filter_has_the_kernels_numbers():
    if not HEADER.exists():
        pytest.skip("the kernel's headers are not installed")
    lines = [line.split() for line in HEADER.read_text().splitlines() if line.startswith("#define __NR_")]
    known = {name.removeprefix("__NR_"): int(number) for _, name, number in lines}
    assert {name: known[name] for name in seccomp.numbers(0)} == seccomp.numbers(0)
    for entry in seccomp.COMMANDS:
        assert known[entry.split()[0]] == int(entry.split()[1])


def test_an_unknown_architecture_has_no_filter():
    with pytest.raises(OSError, match="no seccomp filter for riscv64"):
        seccomp.filter_code("riscv64")
