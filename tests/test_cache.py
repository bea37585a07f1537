"""The cache against a plain list of rows: whatever is written, kept, forgotten and grown, the same
rows are seen."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from decoding.cache import TreeCache

# (heads, dim) of keys and values, layer by layer.
SHAPES = [((2, 4), (2, 3)), ((1, 4), (1, 4)), ((2, 4), (2, 3))]


def row(value: float, shape: tuple[int, int], layer: int, count: int = 1) -> torch.Tensor:
    """Rows [1, heads, count, dim], told apart by value and layer."""
    values = torch.arange(count, dtype=torch.float64) + value + 1000 * layer
    return values[None, None, :, None].expand(1, shape[0], count, shape[1])


def write(cache: TreeCache, value: float, count: int) -> list[list[list[float]]]:
    """A forward's update of every layer.

    The value of each row that keys and values of each layer then see.
    """
    return [
        [seen[0, 0, :, 0].sub(1000 * number).tolist() for seen in layer.update(
            row(value, keys, number, count), row(value, values, number, count))]
        for number, (layer, (keys, values)) in enumerate(zip(cache.layers, SHAPES, strict=True))
    ]


def new_cache() -> TreeCache:
    return TreeCache([(row(0, keys, 0), row(0, values, 0)) for keys, values in SHAPES])


STEPS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 511), st.integers(0, 5), st.booleans()), min_size=1, max_size=12
)


@given(STEPS)
@torch.inference_mode()
def test_the_cache_is_a_list_of_rows(steps) -> None:
    cache, rows, value = new_cache(), [], 1.0
    for count, chosen, forgotten, twice in steps:
        # A forward that is forgotten as a whole, at the same place again.
        for _ in range(1 + twice):
            cache.reserve(len(rows) + count)
            fresh = [value + place for place in range(count)]
            assert write(cache, value, count) == [[rows + fresh] * 2] * len(SHAPES)
            value += count
        path = [0, *(place for place in range(1, count) if chosen >> place & 1)]
        assert cache.keep(path) == (path != list(range(len(path))))
        rows += [fresh[place] for place in path]
        cut = max(len(rows) - forgotten, 0)
        cache.truncate(cut)
        del rows[cut:]
        assert cache.get_seq_length() == len(rows)


@torch.inference_mode()
def test_growth_between_two_forwards_at_one_place() -> None:
    cache = new_cache()
    cache.reserve(3)
    write(cache, 1, 2)
    cache.reserve(50)
    write(cache, 5, 2)
    cache.advance(2)
    assert write(cache, 7, 1)[0][0] == [5, 6, 7]
