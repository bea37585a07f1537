"""EAGLE-3 drafts as they are published: in the format of `speculators`, or of SpecForge and EAGLE.

The first (github.com/vllm-project/speculators at commit c05b95b) names its kind in
`speculators_model_type` and keeps the layer's settings in `transformer_layer_config`. The others
(github.com/sgl-project/SpecForge at a6b6b02, github.com/SafeAILab/EAGLE at cb7e084) have a flat
Llama config and call the layer `midlayer`. Weights and arithmetic are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from bench.models.location import cannot_load, folder_config, locate
from bench.models.memory import INDEX, PICKLED, safetensors_files
from bench.models.short_head import ShortHead
from decoding.eagle3 import Eagle3Reader, eagle3
from decoding.errors import UserError, naming

KIND = "speculators_model_type"
FLAT = "LlamaForCausalLMEagle3"
AUX = "eagle_aux_hidden_state_layer_ids"
# What a published draft calls the tensors of `decoding.eagle3`.
PUBLISHED = (
    ("model.", ""),
    ("embed_tokens.fusion.input_layernorm.", "layers.0.input_layernorm."),
    ("embed_tokens.fusion.hidden_norm.", "layers.0.hidden_norm."),
    ("embed_tokens.fusion.", ""),
    ("lm_head.norm.", "norm."),
    ("lm_head.linear.", "lm_head."),
)
EMBEDDING, D2T, T2D = "embed_tokens.weight", "d2t", "t2d"


@dataclass(frozen=True)
class _Draft:
    """What a config.json says.

    layers: the target's hidden states that are read, as transformers numbers them; None: EAGLE-3's.
    """

    layer: LlamaConfig
    vocabulary: int
    layers: tuple[int, ...] | None
    target_width: int
    norm_before_residual: bool
    norm_before_fc: bool
    fc_norm: bool
    norm_output: bool


def published(name: str | None) -> bool:
    """Whether a model, as the user calls it, is a local folder with a published draft.

    Of whatever kind: which of them can be loaded is for `load_published` to say.

    Raises:
        UserError: a model that is not there, or a config.json that is none.
    """
    config = folder_config(name) or {}
    return KIND in config or any("Eagle3" in str(each) for each in config.get("architectures") or ())


def layer_of(name: str) -> LlamaConfig:
    """The config of the one layer of the EAGLE-3 draft in folder `name`.

    Raises:
        UserError: a draft of another kind, or with a layer that is no Llama's.
    """
    with naming(f"cannot load {name}"):
        return _described(folder_config(name) or {}).layer


def load_published(name: str, target: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The EAGLE-3 draft in folder `name`, with a head as wide as the target's.

    Args:
        name: the folder.
        target: whose states it reads, and whose embedding it takes where it has none.
        dtype: of its weights.

    Raises:
        UserError: a draft of another kind, one that is reviewed leniently, one with a layer that
            is no Llama's, tensors that are missing, unexpected or of other shapes, or a draft for
            another target.
    """
    folder = Path(locate(name)[0])
    with naming(f"cannot load {name}"):
        draft = _described(folder_config(name) or {})
        weights = {_in_stack(key): tensor for key, tensor in _weights(name, folder).items()}
        model = _built(draft, target)
        weights.setdefault(EMBEDDING, _embedding(target))
        ids = _target_ids(draft, weights.pop(D2T, None), weights.pop(T2D, None))
        _fill(model, weights, dtype)
        head = ShortHead(model.lm_head, ids, draft.layer.vocab_size)
        model.set_output_embeddings(head)  # type: ignore[no-untyped-call]  # untyped in transformers
    return model


def _described(config: dict[str, Any]) -> _Draft:
    """Raises UserError for what is no EAGLE-3 draft of one chain of Llama layers."""
    kind = config.get(KIND)
    if kind is None:
        if config.get("architectures") != [FLAT]:
            raise UserError(f"a draft of the architecture {config['architectures']}; of flat ones {FLAT} alone is read")
        if config.get("norm_output") is False:
            raise UserError("norm_output=false, a head without the last norm, which is not read")
        settings = config
        # SpecForge counts a layer's output with the layer, transformers with the next one.
        inner = _layers((config.get("eagle_config") or {}).get(AUX))
        layers = tuple(layer + 1 for layer in inner) if inner else _layers(config.get(AUX))
        # Its norm_output says that the head is normed, and nothing of what the next row reads.
        norm_output = False
    else:
        if kind != "eagle3":
            raise UserError(f"a draft of the kind {kind}; of the speculators format eagle3 alone is read")
        _require_strict(config.get("speculators_config") or {})
        if not isinstance(config.get("transformer_layer_config"), dict):
            raise UserError("its config.json lacks transformer_layer_config")
        settings = config["transformer_layer_config"]
        layers, norm_output = _layers(config.get(AUX)), bool(config.get("norm_output"))
    layer = _llama(settings)
    vocabulary = config.get("draft_vocab_size") or layer.vocab_size
    flags = {name: bool(config.get(name)) for name in ("norm_before_residual", "norm_before_fc", "fc_norm")}
    width = config.get("target_hidden_size") or layer.hidden_size
    return _Draft(layer, vocabulary, layers, width, **flags, norm_output=norm_output)


def _layers(given: object) -> tuple[int, ...] | None:
    """Raises UserError for what is no list of layers; of none at all it is None."""
    if not given:
        return None
    if not isinstance(given, list) or not all(type(each) is int for each in given):
        raise UserError(f"{AUX}={given} in its config.json is no list of layers")
    return tuple(given)


def _require_strict(config: Mapping[str, Any]) -> None:
    """Raise UserError for another algorithm, or one whose output would not be the target's."""
    if (algorithm := config.get("algorithm", "eagle3")) != "eagle3":
        raise UserError(f"a draft of the algorithm {algorithm}; of the speculators format eagle3 alone is read")
    for proposal in config.get("proposal_methods") or ():
        for setting, strict in (("verifier_accept_k", 1), ("accept_tolerance", 0)):
            if (proposal.get(setting) or strict) > strict:
                raise UserError(
                    f"{setting}={proposal[setting]}: it is meant to be accepted where the target says something else; "
                    f"set {setting} to {strict} in its config.json for exact verification"
                )


def _llama(settings: dict[str, Any]) -> LlamaConfig:
    """Raises UserError for what transformers' Llama layer does not have."""
    if (kind := settings.get("model_type", "llama")) != "llama":
        raise UserError(f"a layer of the type {kind}: llama alone is read")
    window = settings.get("sliding_window") if settings.get("use_sliding_window", True) else None
    others = set(settings.get("layer_types") or ()) - {"full_attention"}
    if window or others:
        raise UserError(f"attention of the kind {', '.join(sorted(others)) or f'sliding_window={window}'}: not read")
    own = {key: value for key, value in settings.items() if not key.startswith("_") and key != "architectures"}
    try:
        config = LlamaConfig(**{**own, "tie_word_embeddings": False})
    except Exception as error:
        # Settings of a wrong type have errors of many kinds.
        raise UserError(f"its config.json is none of a Llama layer: {' '.join(str(error).split())}") from error
    rope = config.rope_parameters or {}
    kind, share = rope.get("rope_type", "default"), rope.get("partial_rotary_factor", 1.0)
    if kind not in ("default", *ROPE_INIT_FUNCTIONS) or "mrope_section" in rope or share != 1.0:
        what = "mrope_section" if "mrope_section" in rope else f"rope_type={kind}, partial_rotary_factor={share}"
        raise UserError(f"a rotary embedding with {what}, which a Llama layer does not have")
    return config


def _weights(name: str, folder: Path) -> dict[str, torch.Tensor]:
    try:
        files = [folder / file for file in safetensors_files(folder / INDEX)]
        if files[0].is_file():
            return {key: tensor for file in files for key, tensor in load_file(file).items()}
        found: dict[str, torch.Tensor] = torch.load(folder / PICKLED, map_location="cpu", weights_only=True)
        return found
    except UserError:
        raise
    except Exception as error:
        # Broken files have errors of many kinds; what they say ends in one line.
        raise UserError(str(cannot_load(name, error)).removeprefix(f"cannot load {name}: ")) from error


def _in_stack(key: str) -> str:
    return f"layers.0.{key.removeprefix('midlayer.')}" if key.startswith("midlayer.") else key


def _embedding(target: PreTrainedModel) -> torch.Tensor:
    weight = target.get_input_embeddings().weight
    assert isinstance(weight, torch.Tensor)
    return weight.detach()


def _built(draft: _Draft, target: PreTrainedModel) -> LlamaForCausalLM:
    """The draft before its weights. Raises UserError for a target that it cannot read."""
    config = target.config.get_text_config(decoder=True)
    if config.hidden_size != draft.target_width:
        found = f"{draft.target_width} numbers, the target's have {config.hidden_size}"
        raise UserError(f"it reads hidden states of {found}: it is for another one")
    count = config.num_hidden_layers
    layers = draft.layers or (2, count // 2, count - 3)
    if not all(0 <= layer < count for layer in layers):
        raise UserError(f"it reads what layers {', '.join(map(str, layers))} read, and the target has {count}")
    if (rows := _embedding(target).shape[0]) != draft.layer.vocab_size:
        raise UserError(f"it reads {draft.layer.vocab_size} ids, and the target {rows}: it is for another one")
    flags = draft.norm_before_residual, draft.norm_before_fc, draft.fc_norm
    reader = Eagle3Reader(draft.layer, layers, draft.target_width, *flags)
    return eagle3(draft.layer, reader, draft.vocabulary, draft.norm_output)


def _fill(model: LlamaForCausalLM, weights: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    """Make the weights the model's own. Raises UserError unless each has its place and shape."""
    places = {_published(place): (place, tensor) for place, tensor in model.state_dict().items()}
    if missing := sorted(places.keys() - weights.keys()):
        raise UserError(f"its checkpoint lacks {missing[0]}")
    if strange := sorted(weights.keys() - places.keys()):
        raise UserError(f"its checkpoint holds {strange[0]}, which its config.json has no place for")
    for name, tensor in sorted(weights.items()):
        if tensor.shape != (wanted := places[name][1]).shape:
            raise UserError(f"its {name} is {_shape(tensor)}, and by its config.json {_shape(wanted)}")
    # Nothing else of the model has a dtype of its own: what it rotates with stays in float32.
    model.load_state_dict({places[name][0]: tensor.to(dtype) for name, tensor in weights.items()}, assign=True)


def _published(place: str) -> str:
    for ours, theirs in PUBLISHED:
        if place.startswith(ours):
            place = theirs + place.removeprefix(ours)
    return place


def _shape(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape))


def _target_ids(draft: _Draft, d2t: torch.Tensor | None, t2d: torch.Tensor | None) -> torch.Tensor:
    """The target's id of every id of the draft, int64 [draft's vocabulary].

    Raises UserError where the two maps are no such thing.
    """
    size, whole = draft.vocabulary, draft.layer.vocab_size
    if d2t is None:
        if size != whole:
            raise UserError(f"its checkpoint lacks {D2T}, the target's ids of its {size}")
        d2t = torch.zeros(size, dtype=torch.int64)
    if d2t.shape != (size,) or d2t.is_floating_point():
        raise UserError(f"its {D2T} is {_shape(d2t)} of {d2t.dtype}, not {size} whole numbers as in its config.json")
    ids = torch.arange(size) + d2t
    if len(set(ids.tolist())) != size or int(ids.min()) < 0 or int(ids.max()) >= whole:
        raise UserError(f"its {D2T} does not give each of its {size} ids one of the target's {whole}")
    if t2d is not None and not torch.equal(t2d.bool(), torch.zeros(whole, dtype=torch.bool).index_fill(0, ids, True)):
        raise UserError(f"its {D2T} and {T2D} name other ids of the target: one of them is not this draft's")
    return ids
