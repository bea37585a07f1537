"""Tiny random models of every supported family, built from config: real classes, no download."""

import copy

import torch
from transformers import AutoModelForCausalLM as Auto
from transformers import (
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Phi3Config,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from decoding.cross import attend_to
from decoding.hidden import read_features

VOCABULARY = 24
EOS = 5
CONTEXT = 128
WINDOW = 12  # shorter than the sequences of the tests

_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.35,
    "bos_token_id": 1,
    "eos_token_id": EOS,
    "pad_token_id": 0,
}
_WITHOUT_KEY_VALUE_HEADS = {k: v for k, v in _SHAPE.items() if k not in ("num_key_value_heads", "head_dim")}
_OPT = {**_WITHOUT_KEY_VALUE_HEADS, "ffn_dim": 48, "word_embed_proj_dim": 32, "init_std": 0.35, "dropout": 0.0}

FAMILIES: dict[str, tuple[type[PretrainedConfig], dict]] = {
    "llama": (LlamaConfig, _SHAPE),
    # Dynamic scaling begins where the context ends: the family shows that nothing goes beyond.
    "llama_dynamic_rope": (
        LlamaConfig,
        {**_SHAPE, "max_position_embeddings": 40,
         "rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}},
    ),
    "qwen2": (Qwen2Config, {**_SHAPE, "use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 1}),
    "qwen3": (Qwen3Config, _SHAPE),
    "mistral": (MistralConfig, {**_SHAPE, "sliding_window": WINDOW}),
    "gpt_neox": (GPTNeoXConfig, _WITHOUT_KEY_VALUE_HEADS),
    "gpt2": (
        GPT2Config,
        {"vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": CONTEXT,
         "initializer_range": 0.35, "bos_token_id": 1, "eos_token_id": EOS,
         "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    ),
    "phi3": (Phi3Config, {**_SHAPE, "sliding_window": WINDOW, "original_max_position_embeddings": CONTEXT}),
    "phi3_longrope": (
        Phi3Config,
        {**_SHAPE, "original_max_position_embeddings": 32,
         "rope_parameters": {"rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 32,
                             "short_factor": [1.0] * 4, "long_factor": [1.5, 2.0, 3.0, 4.0]}},
    ),
    "gemma2": (Gemma2Config, {**_SHAPE, "sliding_window": WINDOW, "query_pre_attn_scalar": 8}),
    "gemma3": (Gemma3TextConfig, {**_SHAPE, "sliding_window": WINDOW, "sliding_window_pattern": 2,
                                  "query_pre_attn_scalar": 8}),
    "opt": (OPTConfig, _OPT),
}  # fmt: skip

# Families that the engine treats alike: their masks and positions are of one kind. The others stand
# alone.
KINDS = {
    "llama": "plain", "qwen3": "plain", "gpt_neox": "plain", "qwen2": "sliding", "mistral": "sliding",
    "phi3": "sliding", "gemma2": "two masks", "gemma3": "two masks", "gpt2": "learned", "opt": "learned",
}  # fmt: skip


def make_model(
    family: str, seed: int = 0, attention: str | None = None, dtype: torch.dtype = torch.float64, **changes: object
) -> PreTrainedModel:
    """A random model of `family`; Gemma 2's capped logits need eager attention."""
    kind, settings = FAMILIES[family]
    torch.manual_seed(seed)
    model = Auto.from_config(
        kind(**{**settings, **changes}), attn_implementation=attention or ("eager" if family == "gemma2" else "sdpa")
    )
    with torch.no_grad():
        # Random norms and biases as well, so that no mistake hides behind a one or a zero.
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.to(dtype).eval()


def plain_logits(model: PreTrainedModel, texts: list[list[int]]) -> list[torch.Tensor]:
    """Of every text the logits after its last token, without a cache; texts of one length in one
    forward."""
    found: dict[int, torch.Tensor] = {}
    for length in {len(text) for text in texts}:
        places = [place for place, text in enumerate(texts) if len(text) == length]
        with torch.no_grad():
            logits = model(torch.tensor([texts[place] for place in places])).logits[:, -1]
        found |= dict(zip(places, logits, strict=True))
    return [found[place] for place in range(len(texts))]


def blurred(model: PreTrainedModel, noise: float, seed: int = 1) -> PreTrainedModel:
    """A copy with noise on its weights: a draft that agrees with the model now and then."""
    draft = copy.deepcopy(model)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in draft.parameters():
            parameter.add_(torch.randn_like(parameter) * noise * parameter.std().nan_to_num(0.1))
    return draft


def reading(model: PreTrainedModel, share: float = 0.1) -> PreTrainedModel:
    """`model` as a feature draft: to every token's vector comes `share` of its features, mixed."""
    fusion = read_features(model)
    width = fusion.width
    with torch.no_grad():
        mix = torch.randn(width, width, generator=torch.Generator().manual_seed(4)) / width**0.5
        fusion.linear.weight.copy_(torch.cat([torch.eye(width), share * mix], dim=1))
    return model


def attending(model: PreTrainedModel, target: PreTrainedModel, share: float = 0.02) -> PreTrainedModel:
    """`model` as a GliDe draft, with random weights of size `share` for what it reads."""
    reader = attend_to(target, model)
    with torch.no_grad():
        for number, layer in enumerate(reader.layers):
            torch.nn.init.normal_(layer.o_proj.weight, std=share, generator=torch.Generator().manual_seed(number))
    return model
