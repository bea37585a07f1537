"""Whether a model's logits are numbers.

A model that overflows in its dtype decodes on without a word, and its drafts all fail.
"""

import torch
from transformers import PreTrainedModel

from decoding.errors import NotFinite

# The target as it drafts for itself in Draft & Verify.
SKIPPING = "target without the skipped layers"


def not_finite(model: PreTrainedModel, role: str) -> str:
    """What is wrong with a model whose logits are not finite, and what helps.

    Args:
        model: the one that gave them.
        role: who the model is, "target" for example.
    """
    dtype = str(model.dtype).removeprefix("torch.")
    name = model.name_or_path or type(model).__name__
    if dtype == "float16":
        advice = "set dtype=bfloat16 or dtype=float32"
    else:
        advice = "its weights may be damaged; fetch them anew, or try dtype=float64"
    return f"the logits of the {role} ({name}) are not finite in {dtype}: {advice}"


def require_finite(logits: torch.Tensor, model: PreTrainedModel, role: str) -> None:
    """Raise NotFinite, naming model, dtype and remedy, if any of `logits` is not finite."""
    if not bool(torch.isfinite(logits).all()):
        raise NotFinite(not_finite(model, role))


@torch.inference_mode()
def finite_on(model: PreTrainedModel, vocabulary: int, tokens: list[int], rows: int) -> bool:
    """Whether the logits [rows, vocabulary] after the last `rows` of `tokens` are finite.

    They come from one plain forward.
    Ids beyond the vocabulary are read as id 0, as a session reads them.
    """
    ids = torch.tensor([[token if token < vocabulary else 0 for token in tokens]], device=model.device)
    logits = model(ids, use_cache=False, logits_to_keep=rows).logits[0, :, :vocabulary]
    return bool(torch.isfinite(logits).all())
