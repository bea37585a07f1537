"""check=true: does this pair work here? Loads it, looks, decodes one prompt, and stops."""

import psutil
import torch

from bench.cases import Case
from bench.lossless import fits, noise_floor
from bench.models import LoadedPair
from bench.runner import Entrant, Race
from decoding.errors import UserError
from decoding.session import ModelSession, check_masks
from tasks import Example

GIB = 1 << 30


def check(loaded: LoadedPair, case: Case, race: Race, entrant: Entrant, example: Example) -> tuple[list[str], bool]:
    """(what was seen, one line each; whether the outputs are the target's).

    Raises:
        UserError: masks that the model does not follow, or too little memory.
    """
    pair = loaded.pair
    sessions = {"target": pair.target} | ({"draft": pair.draft} if pair.draft else {})
    ids, _ = race.encode(example)
    seen = [f"{name}: {_shape(session)}" for name, session in sessions.items()]
    seen.append(f"end-of-sequence ids: {', '.join(map(str, sorted(pair.eos))) or 'none'}")
    for name, session in sessions.items():
        difference = check_masks(session)
        seen.append(f"masks of the {name}: followed; rows in a tree differ from single rows by {difference:.3g}")
    seen.append(f"noise floor of the target: {noise_floor(pair.target.model, pair.target.vocabulary, [ids]):.3g}")
    seen.append(_memory(sessions, len(ids) + race.max_new_tokens))
    records = {}
    reference = race.references[0]
    for each in (reference, entrant):
        record = race.measure(each, example, ids, race.stopping(example))
        records[each.label] = record
        seen.append(
            f"{each.label}: {len(record['tokens'])} tokens in {record['total_seconds']:.2f} s, ended by "
            f"{record['stop']}, worst token {record['gap']:.3g} below the best"
        )
    mine, greedy = records[case.label], records[reference.label]
    same = mine["tokens"] == greedy["tokens"]
    fine = fits(mine) and fits(greedy)
    judgement = f"{'equal' if same else 'different'}, {'within' if fine else 'NOT WITHIN'} the tolerance"
    seen.append(f"outputs: {judgement} {race.tolerance:.3g}")
    seen.append(f"text: {mine['text'][:200]!r}")
    return seen, fine


def _shape(session: ModelSession) -> str:
    millions = sum(parameter.numel() for parameter in session.model.parameters()) / 1e6
    padded = session.model.config.get_text_config().vocab_size
    return (
        f"{type(session.model).__name__}, {millions:.1f} M parameters, context {session.context}, "
        f"vocabulary {session.vocabulary} (padded to {padded})"
    )


def _memory(sessions: dict[str, ModelSession], length: int) -> str:
    """What the weights and the cache of one sequence take, and what is free now that the weights are loaded.

    Raises UserError if that is too little.
    """
    weights = sum(
        parameter.numel() * parameter.element_size()
        for session in sessions.values()
        for parameter in session.model.parameters()
    )
    cache = sum(_cache_bytes(session) for session in sessions.values()) * length
    device = sessions["target"].device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    sizes = f"weights {weights / GIB:.2f} GiB, cache of {length} tokens {cache / GIB:.3f} GiB"
    sizes += f", free {free / GIB:.1f} GiB"
    if cache >= free:
        raise UserError(f"not enough memory ({sizes}): set a smaller max_new_tokens, or take a smaller model")
    return f"memory: {sizes}: enough"


def _cache_bytes(session: ModelSession) -> int:
    """Bytes of keys and values per token."""
    config = session.model.config.get_text_config(decoder=True)
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * size * next(session.model.parameters()).element_size()
