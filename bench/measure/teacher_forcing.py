"""A model's logits along a text that stands already: one plain forward, no cache, tree or mask."""

import torch
from transformers import PreTrainedModel


@torch.inference_mode()
def teacher_forced(
    model: PreTrainedModel, vocabulary: int, prompt: list[int], output: list[int], rope_boundary: int | None = None
) -> torch.Tensor:
    """What a model says before every token of an output.

    Args:
        model: target or draft.
        vocabulary: how many of its logits are tokens; other ids are read as id 0, as a session
            reads them.
        prompt: token ids.
        output: token ids, at least one.
        rope_boundary: the length up to which longrope uses its short factors; rows of an output
            that crosses it come from a forward of either side, for a forward of the whole would
            rotate the earlier rows as they never were.

    Returns:
        Logits [len(output), vocabulary].
    """
    sequence = [token if 0 <= token < vocabulary else 0 for token in [*prompt, *output[:-1]]]
    cuts = [len(sequence)]
    if rope_boundary is not None and len(prompt) <= rope_boundary < len(sequence):
        cuts.insert(0, rope_boundary)
    rows, done = [], len(prompt) - 1
    for end in cuts:
        ids = torch.tensor([sequence[:end]], device=model.device)
        rows.append(model(ids, use_cache=False, logits_to_keep=end - done).logits[0, :, :vocabulary])
        done = end
    return torch.cat(rows)
