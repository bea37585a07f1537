"""check=true: does this pair work here?

Says what it will take, loads it, looks, decodes one prompt, and stops.
"""

from collections.abc import Sequence

import torch

from bench.console.naming import naming_pair
from bench.measure.drafting import context_warnings
from bench.measure.float32 import flatters
from bench.measure.record import Record
from bench.measure.runner import Entrant, Race
from bench.measure.verdicts import agrees
from bench.models.borrowing import borrows
from bench.models.config import ModelConfig
from bench.models.encoding import against_file
from bench.models.loading import READERS, LoadedPair, load_tokenizers
from bench.models.location import cannot_load, config_of, locate
from bench.models.memory import Part, part, require_room
from bench.models.place import Place, resolve_place
from bench.models.speculators import layer_of, published
from bench.plan.settings import Plan
from decoding.errors import NotFinite
from decoding.session import ModelSession, check_masks, context_of
from tasks import Example

# What transformers spreads over the devices that are there; any other device_map is one device.
SPREAD = ("auto", "balanced", "balanced_low_0", "sequential")


def before_loading(plan: Plan, place: Place, examples: Sequence[Example]) -> list[str]:
    """What is known before any weight is loaded, one line each.

    It takes seconds, for models of any size.

    Raises:
        UserError: a model that is not available, tokenizers that differ, or too little memory.
    """
    tokenizers = load_tokenizers(plan.model)
    seen = [f"tokenizers: the same up to id {tokenizers.draft - 1}"] if tokenizers.draft else []
    parts = _parts(plan.model, place)
    seen += [f"{each.name}: {each.parameters / 1e6:.1f} M parameters" for each in parts]
    model = plan.model
    seen.append(against_file(plan.task, model.target_name, model.revision, tokenizers.tokenizer, examples))
    # A longer prompt is cut or refused, and an output ends with the context.
    context = context_of(config_of(model.target_name, model.revision))
    lengths = [min(len(plan.task.encode(example, tokenizers.tokenizer)), context) for example in examples]
    if model.draft:
        short = context_warnings(lengths, plan.max_new_tokens, context_of(config_of(model.draft, model.draft_revision)))
        seen += [f"warning: {line}" for line in short]
    return [*seen, require_room(parts, min(max(lengths) + plan.max_new_tokens, context))]


def _parts(model: ModelConfig, place: Place) -> list[Part]:
    """Everything that will stand in memory together."""
    spread = isinstance(model.device_map, dict) or model.device_map in SPREAD
    mapped = None if spread else resolve_place(model.device_map or place.device, place.dtype).device
    dtype, draft_dtype = (getattr(torch, each) for each in (place.dtype, model.draft_dtype or place.dtype))
    parts = [_part("target", model.target_name, model.revision, dtype, mapped)]
    if model.draft:
        own = resolve_place(model.draft_device, place.dtype).device if model.draft_device else mapped
        parts.append(_part("draft", model.draft, model.draft_revision, draft_dtype, own))
    for setting in READERS:
        name = getattr(model, setting)
        if name and borrows(name):
            parts.append(_part(setting.replace("_", " "), name, None, draft_dtype, mapped))
        elif name and published(name):
            parts.append(part(setting.replace("_", " "), locate(name)[0], layer_of(name), draft_dtype, mapped))
    if flatters(place):
        parts.append(_part("target in float32", model.target_name, model.revision, torch.float32, mapped))
    return parts


def _part(name: str, model: str, revision: str | None, dtype: torch.dtype, device: str | None) -> Part:
    located, local = locate(model)
    config = config_of(model, revision)
    try:
        return part(name, located if local else None, config, dtype, device)
    except (ValueError, AttributeError) as error:
        # No causal language model, or one without attention.
        raise cannot_load(model, error) from error


def check(
    loaded: LoadedPair, race: Race, entrants: Sequence[Entrant], example: Example
) -> tuple[list[str], dict[str, bool]]:
    """(what was seen, one line each; by label whether the outputs are the target's).

    An entrant that cannot run has no verdict, and is in race.left_out with the reason.

    Raises:
        UserError: masks that the model does not follow.
    """
    pair = loaded.pair
    sessions = {"target": pair.target} | ({"draft": pair.draft} if pair.draft else {})
    ids, _ = race.encode(example)
    seen = [f"{name}: {_shape(session)}" for name, session in sessions.items()]
    seen.append(f"engine: {loaded.engine}")
    seen.append(f"end-of-sequence ids: {', '.join(map(str, sorted(pair.eos))) or 'none'}")
    for name, session in sessions.items():
        try:
            with naming_pair(name):
                difference = check_masks(session, name)
        except NotFinite as error:
            # A draft without numbers is of no use, but all that does without one runs.
            if name == "target":
                raise
            seen.append(f"masks of the {name}: CANNOT BE CHECKED, {error}")
            continue
        seen.append(f"masks of the {name}: followed; rows in a tree differ from single rows by {difference:.3g}")
    seen.append(f"noise floor of the target: {race.tolerance / 2:.3g}")
    reference = race.references[0]
    greedy = race.measure(reference, example, ids, race.stopping(example, ids))
    seen.append(_line(reference, greedy))
    fine = {}
    for each in entrants:
        with race.leaving_out(each.label, each.ours, collect=True):
            record = race.measure(each, example, ids, race.stopping(example, ids))
            seen.append(_line(each, record))
            if record.draft_fault:
                seen.append(f"warning: {record.draft_fault}")
            same, fine[each.label] = record.tokens == greedy.tokens, agrees(record) and agrees(greedy)
            judgement = (
                f"{'equal' if same else 'different'}, {'within' if fine[each.label] else 'NOT WITHIN'} the tolerance"
            )
            whose = f"{each.label}: " if len(entrants) > 1 else ""
            seen.append(f"{whose}outputs: {judgement} {race.tolerance:.3g}")
            seen.append(f"{whose}text: {record.text[:200]!r}")
    return seen, fine


def _line(entrant: Entrant, record: Record) -> str:
    return (
        f"{entrant.label}: {len(record.tokens)} tokens in {record.total_seconds:.2f} s, ended by "
        f"{record.stop}, worst token {record.gap:.3g} below the best"
    )


def _shape(session: ModelSession) -> str:
    padded = session.model.config.get_text_config().vocab_size
    return (
        f"{type(session.model).__name__}, context {session.context}, "
        f"vocabulary {session.vocabulary} (padded to {padded})"
    )
