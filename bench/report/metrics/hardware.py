"""GPUs and models as their makers describe them, for what was not measured here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """A GPU by its datasheet.

    Attributes:
        name: in words.
        bandwidth: of its memory, bytes a second.
        flops: of dense products in bfloat16, a second.
        memory: bytes.
    """

    name: str
    bandwidth: float
    flops: float
    memory: float


@dataclass(frozen=True)
class Shape:
    """A model's size.

    Attributes:
        parameters: all of them.
        layers: of the decoder.
        cached_numbers: keys and values of a cached token, in all layers together.
    """

    parameters: float
    layers: int
    cached_numbers: int


@dataclass(frozen=True)
class Pair:
    """A target with its draft.

    Attributes:
        name: by their sizes.
        published: what results/published calls the target; "" where it tells nothing of it.
    """

    name: str
    target: Shape
    draft: Shape
    published: str = ""


def _shape(billions: float, layers: int, heads: int, width: int = 128) -> Shape:
    """heads: of keys and values; width: of a head."""
    return Shape(billions * 1e9, layers, 2 * layers * heads * width)


# NVIDIA's datasheets: A100 (nvidia-a100-datasheet-us-nvidia-1758950-r4, SXM 80GB), H100 and H200
# (SXM), which give operations with sparsity, 1,979 TFLOPS, of which dense ones are half.
GPUS = (
    Gpu("A100 80GB SXM", 2.039e12, 312e12, 80e9),
    Gpu("H100 SXM", 3.35e12, 989.5e12, 80e9),
    Gpu("H200", 4.8e12, 989.5e12, 141e9),
)

# Yi: arXiv 2403.04652, table 1. Llama 2: arXiv 2307.09288, table 1, and config.json of its weights.
# GPT-3: arXiv 2005.14165, table 2.1. OPT: arXiv 2205.01068, table 1. Llama 3: arXiv 2407.21783,
# table 3. Parameters where a table rounds them: those of the published weights.
PAIRS = (
    Pair("34B/6B", _shape(34.4, 60, 8), _shape(6.06, 32, 4), "Yi-34B"),
    Pair("70B/7B", _shape(68.98, 80, 8), _shape(6.74, 32, 32), "Llama-2-70B"),
    Pair("175B/6.7B", _shape(175.0, 96, 96), _shape(6.7, 32, 32)),
    Pair("405B/8B", _shape(405.9, 126, 8), _shape(8.03, 32, 8)),
)
BATCHES = (1, 2, 4, 8, 16, 32, 64)
