"""Is an output the target's?

By token ids against greedy, and by teacher-forcing through the plain model.

Teacher-forcing knows nothing of caches, trees and masks: the whole output goes through `model(ids)`
once, and every token must be the best of its row, or within the tolerance of it. The tolerance is
twice the noise floor: a token chosen from logits that are off by the noise lies at most twice the
noise below the best of the exact ones.
"""

import math
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from bench.measure.teacher_forcing import teacher_forced
from decoding.finite import require_finite
from decoding.sampling import Sampler
from decoding.stopping import Stopping

NOISE_ROWS = 48


@dataclass(frozen=True)
class Agreement:
    """How far an output is the target's own.

    Attributes:
        gap: how far the worst token's logit lies below its row's best (0: every token is the
            argmax; infinite: no number).
        gap_at: that token's index in the output, None if the gap is 0.
        stop_fault: what is wrong with where the output ends, None if nothing.
    """

    gap: float
    gap_at: int | None
    stop_fault: str | None


@torch.inference_mode()
def noise_floor(model: PreTrainedModel, vocabulary: int, sequences: list[list[int]]) -> float:
    """Largest difference of logits between one forward of many rows and cached forwards of one row.

    At least the spacing of the dtype's numbers at the largest logit: a few rows may happen to agree
    to the last bit in bfloat16, but any row's logits are rounded that far. Only the model's own
    code runs, with its own cache, so that a fault of the harness cannot raise its own tolerance.

    Args:
        model: the target.
        vocabulary: how many of its logits are tokens.
        sequences: token ids to measure on, at most the last NOISE_ROWS rows of each.

    Raises:
        NotFinite: logits are no numbers, between which there is no difference.
    """
    noise = largest = 0.0
    for sequence in sequences:
        start = max(len(sequence) - NOISE_ROWS, 1)
        ids = torch.tensor([sequence], device=model.device)
        together = model(ids, logits_to_keep=len(sequence) - start + 1).logits[0, :, :vocabulary]
        require_finite(together, model, "target")
        largest = max(largest, together.abs().max().item())
        output = model(ids[:, :start], use_cache=True, logits_to_keep=1)
        for row in range(len(sequence) - start + 1):
            alone = output.logits[0, -1, :vocabulary]
            require_finite(alone, model, "target")
            noise = max(noise, (alone.float() - together[row].float()).abs().max().item())
            if start + row < len(sequence):
                step = ids[:, start + row : start + row + 1]
                output = model(step, past_key_values=output.past_key_values, use_cache=True, logits_to_keep=1)
    _, exponent = math.frexp(largest)
    return max(noise, math.ldexp(torch.finfo(model.dtype).eps, exponent - 1) if largest else 0.0)


@torch.inference_mode()
def token_gaps(
    model: PreTrainedModel,
    vocabulary: int,
    prompt: list[int],
    output: list[int],
    rope_boundary: int | None = None,
    sampler: Sampler | None = None,
    tolerance: float = 0.0,
) -> list[float]:
    """For every output token, how far its logit lies below the best of its row.

    In a plain forward, without a cache. Of a sample it is the score, with the sample's own noise.

    Args:
        model: the target.
        vocabulary: how many of its logits are tokens. A token outside, which a padded head may
            give, lies infinitely far below.
        prompt: token ids.
        output: token ids, at least one.
        rope_boundary: see bench.measure.teacher_forcing.
        sampler: what drew the output; None for a greedy one.
        tolerance: of logits, for tokens on a boundary of warping.

    Returns:
        As many gaps as `output` has tokens, in logits, of a sample in logits over temperature.

    Raises:
        NotFinite: logits are no numbers; no output of such a target is right or wrong.
    """
    known = [token if 0 <= token < vocabulary else 0 for token in output]
    logits = teacher_forced(model, vocabulary, prompt, output, rope_boundary)
    require_finite(logits, model, "target")
    if sampler:
        places = range(len(prompt), len(prompt) + len(output))
        gaps = [sampler.gap(*each, tolerance) for each in zip(logits, known, places, strict=True)]
        return [gap if token == same else math.inf for gap, token, same in zip(gaps, output, known, strict=True)]
    chosen = logits.gather(1, torch.tensor(known, device=logits.device)[:, None])[:, 0]
    gaps = (logits.max(dim=-1).values - chosen).double().tolist()
    return [gap if token == same else math.inf for gap, token, same in zip(gaps, output, known, strict=True)]


def stop_fault(output: list[int], stop: str, stopping: Stopping, prompt_length: int, context: int) -> str | None:
    """What is wrong with where `output` ends and with the reason given.

    None if both are as the rule says.
    """
    replayed: list[int] = []
    reason = stopping.extend(replayed, output)
    if len(replayed) < len(output):
        return f"went on after {reason} at token {len(replayed)}"
    if reason is None and prompt_length + len(output) >= context:
        reason = "context"
    if reason is None:
        return "ended before any stop"
    return None if reason == stop else f"ended by {reason} but says {stop}"


def agreement(gaps: list[float], fault: str | None) -> Agreement:
    """The worst of the gaps; a gap that is not a number counts as infinite."""
    worst, at = 0.0, None
    for index, gap in enumerate(gaps):
        gap = gap if gap == gap else float("inf")
        if gap > worst:
            worst, at = gap, index
    return Agreement(worst, at, fault)
