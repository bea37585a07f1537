"""Greedy in float32 beside bfloat16 on a CPU.

Most CPUs run bfloat16 greedy slower than float32, which flatters every method that is measured in
it: there the target is loaded in float32 too, its greedy runs beside the reference, and speeds are
also given over the faster of the two. No verdict rests on it.
"""

from dataclasses import replace

from bench.measure.record import FLOAT32, METHOD, REFERENCE
from bench.models.config import ModelConfig
from bench.models.loading import LoadedPair, load_pair
from bench.models.place import Place, fastest, runs


def flatters(place: Place) -> bool:
    """Whether figures measured there need float32 greedy beside them."""
    return place.device == "cpu" and place.dtype == "bfloat16"


def roles(place: Place) -> tuple[str, ...]:
    """The roles of the records that every prompt and repeat needs."""
    return (METHOD, REFERENCE, FLOAT32) if flatters(place) else (METHOD, REFERENCE)


def load_float32(model: ModelConfig, place: Place, seed: int) -> LoadedPair | None:
    """The target alone in float32, None where bfloat16 does not flatter."""
    alone = replace(model, draft=None, draft_revision=None, draft_device=None, draft_dtype=None)
    engine = place.engine if runs(place.engine, place.device, "float32") else fastest(place.device, "float32")
    return load_pair(alone, Place(place.device, "float32", engine), seed) if flatters(place) else None


