"""Tiny EAGLE-3 drafts in the published formats, and their rule in plain tensors."""

import copy
import json
import math
from pathlib import Path

import torch
from families import VOCABULARY, make_model
from safetensors.torch import save_file
from transformers import PreTrainedModel

WIDTH, HEADS, GROUPS, HEAD, INNER = 32, 4, 2, 8, 48
# The ids of the target that the short head has.
IDS = torch.tensor([place for place in range(VOCABULARY) if place not in (0, 9, 14, 19)])
LAYER = {
    "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": INNER,
    "num_hidden_layers": 1, "num_attention_heads": HEADS, "num_key_value_heads": GROUPS, "head_dim": HEAD,
    "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "rope_scaling": None,
}  # fmt: skip
SPECULATORS = {
    "architectures": ["Eagle3Speculator"], "speculators_model_type": "eagle3", "transformer_layer_config": LAYER,
    "draft_vocab_size": len(IDS), "eagle_aux_hidden_state_layer_ids": [1, 2, 3], "target_hidden_size": WIDTH,
    "speculators_config": {
        "algorithm": "eagle3", "default_proposal_method": "greedy",
        "proposal_methods": [
            {"proposal_type": "greedy", "speculative_tokens": 3, "verifier_accept_k": 1, "accept_tolerance": 0.0}
        ],
        "verifier": {"name_or_path": "x/y", "architectures": ["LlamaForCausalLM"]},
    },
}  # fmt: skip
FLAT = {
    **LAYER, "architectures": ["LlamaForCausalLMEagle3"], "draft_vocab_size": len(IDS), "norm_output": True,
    "eagle_config": {"eagle_aux_hidden_state_layer_ids": [0, 1, 2]},
}  # fmt: skip
CONFIGS = {"speculators": SPECULATORS, "flat": FLAT}
LAYERS = (1, 2, 3)
Weights = dict[str, torch.Tensor]


def target_of(layers: int = 4) -> PreTrainedModel:
    """The model that the drafts are for."""
    return make_model("llama", num_hidden_layers=layers)


def make_weights(seed: int = 7, **flags: bool) -> Weights:
    """Random tensors of a draft, by their published names."""
    draw = torch.Generator().manual_seed(seed)

    def matrix(rows: int, columns: int) -> torch.Tensor:
        return torch.randn(rows, columns, generator=draw, dtype=torch.float64) / math.sqrt(columns)

    names = ("layers.0.input_layernorm", "layers.0.hidden_norm", "layers.0.post_attention_layernorm", "norm")
    norms = dict.fromkeys(names, WIDTH)
    norms |= {"input_norm": 3 * WIDTH} if flags.get("norm_before_fc") else {}
    norms |= {f"fc_norm.{place}": WIDTH for place in range(3) if flags.get("fc_norm")}
    found = {
        "fc.weight": matrix(WIDTH, 3 * WIDTH), "embed_tokens.weight": matrix(VOCABULARY, WIDTH),
        "layers.0.self_attn.q_proj.weight": matrix(HEADS * HEAD, 2 * WIDTH),
        "layers.0.self_attn.k_proj.weight": matrix(GROUPS * HEAD, 2 * WIDTH),
        "layers.0.self_attn.v_proj.weight": 2 * matrix(GROUPS * HEAD, 2 * WIDTH),
        "layers.0.self_attn.o_proj.weight": 2 * matrix(WIDTH, HEADS * HEAD),
        "layers.0.mlp.gate_proj.weight": matrix(INNER, WIDTH), "layers.0.mlp.up_proj.weight": matrix(INNER, WIDTH),
        "layers.0.mlp.down_proj.weight": 2 * matrix(WIDTH, INNER), "lm_head.weight": matrix(len(IDS), WIDTH),
    }  # fmt: skip
    for name, width in norms.items():
        found[f"{name}.weight"] = 1 + 0.3 * torch.randn(width, generator=draw, dtype=torch.float64)
    found["d2t"] = IDS - torch.arange(len(IDS))
    found["t2d"] = torch.zeros(VOCABULARY, dtype=torch.bool).index_fill(0, IDS, True)
    return found


def write(folder: Path, form: str, weights: Weights, **changes: object) -> Path:
    """A folder in the format `form` ("speculators" or "flat"), with its config changed."""
    folder.mkdir(parents=True)
    config = {**copy.deepcopy(CONFIGS[form]), **changes}
    (folder / "config.json").write_text(json.dumps(config))
    layer = "layers.0." if form == "speculators" else "midlayer."
    tensors = {name.replace("layers.0.", layer): tensor.contiguous() for name, tensor in weights.items()}
    if form == "speculators":
        save_file(tensors, folder / "model.safetensors")
    else:
        torch.save(tensors, folder / "pytorch_model.bin")
    return folder


def norm(rows: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """As transformers norms: in float32, whatever the model's dtype."""
    single = rows.float()
    return weight * (single * torch.rsqrt(single.pow(2).mean(-1, keepdim=True) + 1e-6)).to(rows.dtype)


def states_of(target: PreTrainedModel, text: list[int], layers: tuple[int, ...] = LAYERS) -> torch.Tensor:
    """The target's hidden states side by side, as transformers numbers them itself."""
    with torch.no_grad():
        every = target(torch.tensor([text]), output_hidden_states=True).hidden_states
    return torch.cat([every[layer][0] for layer in layers], dim=-1)


def features_of(weights: Weights, states: torch.Tensor) -> torch.Tensor:
    """The rows that the draft reads beside tokens: fc of the states, normed as the flags say."""
    if "input_norm.weight" in weights:
        states = norm(states, weights["input_norm.weight"])
    if "fc_norm.0.weight" in weights:
        parts = states.split(WIDTH, dim=-1)
        states = torch.cat([norm(part, weights[f"fc_norm.{n}.weight"]) for n, part in enumerate(parts)], dim=-1)
    return states @ weights["fc.weight"].T


def rule(
    weights: Weights, tokens: list[int], features: torch.Tensor, norm_before_residual: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """(states before the last norm, after it) of rows (token, feature), in causal order."""
    layer = {name.removeprefix("layers.0."): each for name, each in weights.items() if name.startswith("layers.0.")}
    normed = norm(features, layer["hidden_norm.weight"])
    vectors = norm(weights["embed_tokens.weight"][torch.tensor(tokens)], layer["input_layernorm.weight"])
    both, rows = torch.cat([vectors, normed], dim=-1), len(tokens)
    angles = torch.arange(1, rows + 1)[:, None].float() * 10000.0 ** (-torch.arange(0, HEAD, 2).float() / HEAD)
    cosine, sine = (each(torch.cat([angles, angles], dim=-1)).double() for each in (torch.cos, torch.sin))

    def heads(name: str, count: int) -> torch.Tensor:
        found = (both @ layer[f"self_attn.{name}_proj.weight"].T).view(rows, count, HEAD).transpose(0, 1)
        if name != "v":
            first, second = found.chunk(2, dim=-1)
            found = found * cosine + torch.cat([-second, first], dim=-1) * sine
        return found.repeat_interleave(HEADS // count, dim=0)

    scores = heads("q", HEADS) @ heads("k", GROUPS).transpose(1, 2) / math.sqrt(HEAD)
    shares = (scores + torch.full((rows, rows), -torch.inf).triu(1)).softmax(dim=-1)
    read = (shares @ heads("v", GROUPS)).transpose(0, 1).reshape(rows, -1)
    hidden = (normed if norm_before_residual else features) + read @ layer["self_attn.o_proj.weight"].T
    inner = norm(hidden, layer["post_attention_layernorm.weight"])
    gate, up, down = (layer[f"mlp.{name}_proj.weight"] for name in ("gate", "up", "down"))
    hidden = hidden + (torch.nn.functional.silu(inner @ gate.T) * (inner @ up.T)) @ down.T
    return hidden, norm(hidden, weights["norm.weight"])


def agreeing(weights: Weights, target: PreTrainedModel, texts: list[list[int]]) -> Weights:
    """The same with a head that says, as well as a linear map can, what the target says of these
    texts."""
    seen, said = [], []
    for text in texts:
        features = features_of(weights, states_of(target, text))[:-1]
        seen.append(rule(weights, text[1:], features)[1])
        with torch.no_grad():
            logits = target(torch.tensor([text])).logits[0, 1:]
        said.append(torch.nn.functional.one_hot(logits.argmax(-1), VOCABULARY).double())
    head = torch.linalg.lstsq(torch.cat(seen), torch.cat(said)).solution.T
    return {**weights, "lm_head.weight": 8 * head[IDS]}
