"""The draft: some of its target's layers, under the target's own embeddings, last norm and head."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from baselines.parallel import MASK
from bench.models.borrowing import ATTENDS, BORROWED, READS_FEATURES
from bench.models.short_head import RANKING, write_ranking
from decoding.cross import attend_to
from decoding.errors import UserError
from decoding.hidden import Reader, read_features
from decoding.layers import layer_stack
from decoding.reading import reader_of


def student_of(
    target: PreTrainedModel,
    layers: list[int],
    features: bool = False,
    mask: int | None = None,
    cross: bool = False,
) -> PreTrainedModel:
    """A model of the target's kind with copies of these layers, in float32.

    All that is no layer is frozen. Initialised as distil-whisper's student is (arXiv 2311.00430):
    the first and the last layer count most.

    Args:
        target: the lender.
        layers: numbers of its layers, from the end where negative.
        features: whether the draft reads the target's hidden states beside its tokens.
        mask: the id that it reads for tokens that it writes in parallel.
        cross: whether its layers attend to the target's keys and values.

    Raises:
        UserError: a layer that the target does not have, layers that do not ascend, or such as
            cannot attend to the target.
    """
    count = target.config.get_text_config(decoder=True).num_hidden_layers
    chosen = [layer + count if layer < 0 else layer for layer in layers]
    if not all(0 <= layer < count for layer in chosen) or sorted(set(chosen)) != chosen:
        raise UserError(f"layers={layers} must ascend within the target's {count} layers")
    settings = {**target.config.to_dict(), "num_hidden_layers": len(chosen)}
    if settings.get("layer_types"):
        settings["layer_types"] = [settings["layer_types"][layer] for layer in chosen]
    config = AutoConfig.for_model(**settings, **({} if mask is None else {MASK: mask}))
    student = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    stack = layer_stack(target)
    number = {f"{stack}.{old}.": f"{stack}.{new}." for new, old in enumerate(chosen)}
    weights = {}
    for name, tensor in target.state_dict().items():
        if not name.startswith(f"{stack}."):
            weights[name] = tensor
        elif (prefix := next((each for each in number if name.startswith(each)), None)) is not None:
            weights[number[prefix] + name.removeprefix(prefix)] = tensor
    student.load_state_dict(weights)
    if features:
        read_features(student)
    if cross:
        attend_to(target, student)
    for name, parameter in student.named_parameters():
        parameter.requires_grad_(_learned(name, stack))
    return student


def _learned(name: str, stack: str) -> bool:
    """Whether a tensor is the draft's own: of its layers, or of what mixes features in."""
    return name.startswith(f"{stack}.") or ".fusion." in name


def ranked(texts: Iterable[list[int]], first: Iterable[int]) -> list[int]:
    """Ids by how often the texts hold them, `first` in front.

    Those of `first` are ids that a draft must be able to choose.
    """
    counts = Counter(token for text in texts for token in text)
    front = list(dict.fromkeys(first))
    return front + [token for token, _ in counts.most_common() if token not in set(front)]


def save(student: PreTrainedModel, ranking: list[int], folder: Path) -> None:
    """Layers in float16, config and ranking.

    What is borrowed is named in the config and not written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stack = layer_stack(student)
    own = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in student.state_dict().items()
        if _learned(name, stack)
    }
    save_file(own, folder / "model.safetensors", {"format": "pt"})
    config = student.config.to_diff_dict()
    config |= {"architectures": [type(student).__name__], "dtype": "float16"}
    if reader := reader_of(student):
        config[READS_FEATURES if isinstance(reader, Reader) else ATTENDS] = True
    config[BORROWED] = sorted(set(student.state_dict()) - set(own))
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    write_ranking(folder / RANKING, ranking)
