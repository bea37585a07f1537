"""The frozen target, as a draft's training runs it.

It takes many rows at once, in what the machine multiplies fastest.
"""

import torch
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from bench.models.checkpoint import load_whole
from bench.models.loading import eos_ids
from bench.models.location import source_of
from decoding.errors import UserError
from decoding.masks import MaskBuilder
from training.drafter.config import DraftConfig


def load_target(config: DraftConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, frozenset[int]]:
    """(target, tokenizer, ids that end an answer).

    Raises UserError for a model that cannot be had.
    """
    source = source_of(config.target, None)
    tokenizer = AutoTokenizer.from_pretrained(**source)
    dtype = getattr(torch, config.dtype) if config.dtype else fast_dtype(config.device)
    model, _ = load_whole(config.target, dtype=dtype, **source)
    model = model.to(config.device).eval().requires_grad_(False)
    if any(MaskBuilder(model).windows.values()):
        raise UserError(f"{config.target} has sliding windows, which training a draft does not know yet")
    return model, tokenizer, eos_ids(model, tokenizer)


def fast_dtype(device: str) -> torch.dtype:
    """bfloat16 on a GPU and on a CPU that has instructions for it, else float32."""
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if device != "cpu" or native else torch.float32
