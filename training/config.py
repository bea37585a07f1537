"""Settings of `scripts/train_pair.py`, as conf/train_pair.yaml gives them."""

from dataclasses import dataclass, field

from decoding.errors import UserError
from decoding.settings import require_at_least


@dataclass
class ModelShape:
    """One Llama model. tokens: how many training tokens it sees.

    grow_from: layers it starts with; at `grow_at` (share of its tokens) the block of layers is
        repeated to reach `layers` (depth growth by stacking, Du et al., arXiv 2405.15319: early
        training of a deep model is spent on a shallow one). null: train at full depth throughout.
    """

    layers: int = 4
    tokens: int = 4_000_000
    grow_from: int | None = None
    grow_at: float = 0.6


@dataclass
class TrainConfig:
    """How the bundled pair is trained.

    seed: data order and initial weights. output: where the pair is written. work: checkpoints,
    outside git. documents: training documents drawn per task. prompt_weight: weight of the prompt's
    tokens in the loss. batch_tokens: tokens a step. evaluate: examples per task and split for the
    model card's scores.
    """

    output: str = "models/tiny"
    work: str = "results/train"
    seed: int = 0
    device: str = "cpu"
    vocabulary: int = 4096
    hidden: int = 192
    intermediate: int = 512
    heads: int = 3
    context: int = 4096
    documents: dict[str, int] = field(default_factory=dict)
    prompt_weight: float = 0.3
    batch_tokens: int = 4096
    learning_rate: float = 3e-3
    warmup_steps: int = 100
    checkpoint_steps: int = 100
    evaluate: int = 50
    target: ModelShape = field(default_factory=lambda: ModelShape(layers=12, tokens=6_000_000, grow_from=6))
    draft: ModelShape = field(default_factory=lambda: ModelShape(layers=2, tokens=3_400_000))

    def __post_init__(self) -> None:
        for name in ("hidden", "heads", "vocabulary", "batch_tokens", "warmup_steps", "checkpoint_steps"):
            require_at_least(name, getattr(self, name), 1)
        if self.hidden % self.heads:
            raise UserError(f"hidden={self.hidden} must be a multiple of heads={self.heads}")
        for role, shape in (("target", self.target), ("draft", self.draft)):
            if shape.grow_from is not None and shape.layers % shape.grow_from:
                raise UserError(f"{role}.layers={shape.layers} must be a multiple of grow_from={shape.grow_from}")
