"""A panel at the start: the race on a loaded pair, and the decoders that run in it."""

from functools import partial

from bench.console.naming import naming_pair
from bench.console.terminal import warn
from bench.measure.drafting import require_numbers
from bench.measure.lossless import noise_floor
from bench.measure.record import FLOAT32, METHOD, REFERENCE
from bench.measure.runner import Entrant, Race
from bench.measure.store import RunFolder
from bench.models.encoding import encoding_warnings
from bench.models.loading import LoadedPair
from bench.plan.case import Case
from bench.plan.histories import load_history
from bench.plan.methods import METHODS, REFERENCE_METHOD
from bench.plan.naming import naming_settings
from bench.plan.prompts import Prompts
from bench.plan.settings import MethodPlan, Plan
from decoding.draws import Sampling
from decoding.session import check_masks

NOISE_TEXTS = 2


def _greedy(loaded: LoadedPair, role: str) -> Entrant:
    method = METHODS[REFERENCE_METHOD].load()
    return Entrant(REFERENCE_METHOD, method.build(method.Config(), loaded.pair), "cold", None, role)


def make_race(
    plan: Plan, loaded: LoadedPair, prompts: Prompts, identifier: str, float32: LoadedPair | None = None
) -> Race:
    """Checks that the target follows tree masks and gives numbers.

    Its noise on real prompts sets the tolerance.
    """
    target = loaded.pair.target
    with naming_pair():
        check_masks(target, "target")
    examples = (prompts.warmup or prompts.examples)[:NOISE_TEXTS]
    sequences = [plan.task.encode(example, loaded.tokenizer) for example in examples]
    sequences.append([(7 * index + 3) % target.vocabulary for index in range(96)])
    longest = min(target.context, target.rope_boundary or target.context)
    sequences = [each[:longest] for each in sequences if len(each) > 1]
    # Not kept, as below: what a draft does concerns only the methods that use it, whose records say
    # how it was.
    warn(require_numbers(loaded.pair, sequences))
    noise = noise_floor(target.model, target.vocabulary, sequences)
    references = [_greedy(loaded, REFERENCE)] + ([_greedy(float32, FLOAT32)] if float32 else [])
    settings = plan.settings
    race = Race(
        loaded, plan.task, plan.max_new_tokens, 2 * noise, identifier, references, settings.sampling, settings.seed
    )
    encoded = [race.encode(example)[0] for example in prompts.examples]
    loaded.warnings += encoding_warnings(plan.task, loaded.tokenizer, encoded)
    loaded.warnings += noise_warnings(settings.sampling, target.device.type)
    return race


def noise_warnings(sampling: Sampling, device: str) -> list[str]:
    """What to know before samples are held against those of another machine.

    Args:
        sampling: how outputs are drawn.
        device: of the target, a kind: "cpu", "cuda".
    """
    if sampling.greedy or device == "cpu":
        return []
    return [
        f"{device} takes its own logarithms for the noise of samples, and their last bit may not be a CPU's: of the "
        "same seed a CPU may, once in a long while, draw another token; all methods of one run draw alike"
    ]


def make_entrant(label: str, planned: MethodPlan | Case, loaded: LoadedPair, folder: RunFolder | None) -> Entrant:
    """A case's decoder, built for the loaded pair.

    Args:
        label: the case's name.
        planned: its method, with config and history.
        loaded: target, draft and tokenizer.
        folder: where its records go; None for a check or a search, which keep none.

    Raises:
        UserError: the method does not fit the pair, or its saved state.
    """
    config, file = planned.config, planned.history_file
    method = METHODS[config.name]
    naming = partial(naming_settings, config, planned.group)
    with naming():
        decoder = method.load().build(config, loaded.pair)
        if file:
            load_history(file, config.name, decoder, loaded.tokenizer)
    ways = {"draft_noise": planned.draft_noise, "acceptance": planned.acceptance}
    return Entrant(label, decoder, planned.history, folder, METHOD, method.ours, **ways, naming=naming)


def make_entrants(folders: dict[Case, RunFolder], loaded: LoadedPair, race: Race) -> list[Entrant]:
    """All cases that can be built for this pair, before anything is measured.

    Rivals that cannot are left out.
    """
    entrants = []
    for case, folder in folders.items():
        with race.leaving_out(case.label, case.method.ours):
            entrants.append(make_entrant(case.label, case, loaded, folder))
    return entrants
