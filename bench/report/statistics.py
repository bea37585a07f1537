"""Pure functions from numbers to figures. What is not known is None, never zero."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000
CHUNK = 1 << 19


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval over prompts.

    For a single prompt the interval is the figure itself.
    """

    value: float | None
    low: float | None
    high: float | None


NONE = Estimate(None, None, None)


@dataclass(frozen=True)
class Throughput:
    """Tokens and seconds by prompt, repeats summed.

    Two arrays of equal length, prompts in the same order.
    """

    tokens: np.ndarray
    seconds: np.ndarray

    def rate(self) -> float | None:
        """Total tokens / total seconds."""
        tokens, seconds = self.tokens.sum(), self.seconds.sum()
        return float(tokens / seconds) if tokens > 0 and seconds > 0 else None


def rate_ratio(method: Throughput, reference: Throughput) -> float | None:
    """Ratio of total rates, tokens per second over tokens per second: every speedup of the harness.

    Not a ratio of seconds: the two sides may have decoded other numbers of tokens, as a rival does
    whose prefill gives several, or any method whose output ends elsewhere within rounding.
    """
    rates = method.rate(), reference.rate()
    return None if rates[0] is None or rates[1] is None else rates[0] / rates[1]


def _ratios(method: Throughput, reference: Throughput) -> np.ndarray:
    """The ratio of rates of every prompt that has one."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios: np.ndarray = method.tokens / method.seconds / (reference.tokens / reference.seconds)
    known: np.ndarray = ratios[np.isfinite(ratios) & (ratios > 0)]
    return known


def speedup(method: Throughput, reference: Throughput, seed: int = 0) -> Estimate:
    """The ratio of total rates, with an interval.

    A percentile bootstrap resamples prompts for both sides together.
    """
    value = rate_ratio(method, reference)
    if value is None:
        return NONE
    columns = np.stack([method.tokens, method.seconds, reference.tokens, reference.seconds], axis=1).astype(float)

    def ratio(sums: np.ndarray) -> np.ndarray:
        ratios: np.ndarray = sums[..., 0] * sums[..., 3] / (sums[..., 1] * sums[..., 2])
        return ratios

    return _interval(value, columns, ratio, seed)


def ratio_of_speedups(
    first: tuple[Throughput, Throughput], second: tuple[Throughput, Throughput], seed: int = 0
) -> Estimate:
    """Speed of the first method over the second's, each (method, greedy beside it).

    Where both were measured beside the same greedy, greedy cancels out and this is the plain ratio
    of their speeds.
    """
    sides = [each for pair in (first, second) for each in pair]
    rates = [rate for each in sides if (rate := each.rate()) is not None]
    if len(rates) < len(sides):
        return NONE
    columns = np.stack([column for each in sides for column in (each.tokens, each.seconds)], axis=1).astype(float)

    def ratio(sums: np.ndarray) -> np.ndarray:
        speeds = [sums[..., 2 * side] / sums[..., 2 * side + 1] for side in range(4)]
        ratios: np.ndarray = speeds[0] / speeds[1] / (speeds[2] / speeds[3])
        return ratios

    return _interval(rates[0] / rates[1] / (rates[2] / rates[3]), columns, ratio, seed)


def geometric_mean(method: Throughput, reference: Throughput, seed: int = 0) -> Estimate:
    """Geometric mean of the ratios by prompt, prompts without a figure on either side left out."""
    return _geometric(np.log(_ratios(method, reference)), seed)


def geometric_mean_ratio(
    first: tuple[Throughput, Throughput], second: tuple[Throughput, Throughput], seed: int = 0
) -> Estimate:
    """Geometric mean over prompts of the first method's speed over the second's.

    Each is (method, greedy beside it).

    Prompts without a figure on any side are left out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (
            np.log(method.tokens / method.seconds) - np.log(greedy.tokens / greedy.seconds)
            for method, greedy in (first, second)
        )
        logs = one - two
    return _geometric(logs[np.isfinite(logs)], seed)


def _geometric(logs: np.ndarray, seed: int) -> Estimate:
    """The geometric mean of ratios whose logarithms these are, one a prompt."""
    if not len(logs):
        return NONE
    columns = np.stack([logs, np.ones_like(logs)], axis=1)
    return _interval(
        float(np.exp(logs.mean())), columns, lambda sums: np.exp(sums[..., 0] / sums[..., 1]), seed
    )


def _interval(
    value: float, columns: np.ndarray, figure: Callable[[np.ndarray], np.ndarray], seed: int
) -> Estimate:
    """95% percentile interval of `figure` over resamples of the rows.

    columns: float [prompts, quantities].

    figure: sums of the columns, [..., quantities], to values [...].
    """
    prompts = len(columns)
    if prompts == 1:
        return Estimate(value, value, value)
    draw = np.random.default_rng(seed)
    found = []
    for start in range(0, RESAMPLES, max(CHUNK // prompts, 1)):
        count = min(max(CHUNK // prompts, 1), RESAMPLES - start)
        picks = draw.integers(0, prompts, size=(count, prompts))
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(figure(columns[picks].sum(axis=1)))
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(value, None, None)
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(value, float(low), float(high))


@dataclass(frozen=True)
class Acceptance:
    """How drafts fared, over all steps.

    1 + sum(marginal) is the mean of accepted + 1, what a step confirms. It is not tokens per target
    forward where outputs end with drafted tokens: 1 + sum(marginal) = tokens per target forward +
    cut_steps / steps.

    Attributes:
        drafted, accepted: totals of tokens.
        rate: their ratio.
        marginal: by d, the share of steps that accepted more than d tokens.
        conditional: by d, among steps that had drafted more than d tokens and accepted d at least,
            the share that accepted one more.
        histogram: accepted length to number of steps.
        cut_steps: steps after which the output ended with a drafted token, so that the target's own
            token was not emitted and the draft was not tried after the end. Such a step is censored
            at its accepted length only: it counts as tried and accepted at every depth before, and
            as not tried there.
    """

    drafted: int | None = None
    accepted: int | None = None
    rate: float | None = None
    marginal: list[float] | None = None
    conditional: list[float | None] | None = None
    histogram: dict[str, int] | None = None
    cut_steps: int | None = None


NO_DRAFTS = Acceptance()


def acceptance(drafted: Sequence[int], accepted: Sequence[int], emitted: Sequence[int]) -> Acceptance:
    """The figures of columns with one entry a step (see decoding/records.py).

    NO_DRAFTS where nothing was drafted.
    """
    proposed, taken, given = (np.asarray(column, dtype=np.int64) for column in (drafted, accepted, emitted))
    if not proposed.sum():
        return NO_DRAFTS
    cut = given <= taken
    depths = range(int(proposed.max()))
    marginal = [float((taken > depth).mean()) for depth in depths]
    conditional: list[float | None] = []
    for depth in depths:
        tried = (proposed > depth) & (taken >= depth) & ~(cut & (taken == depth))
        conditional.append(float((taken[tried] > depth).mean()) if tried.any() else None)
    histogram = {str(length): count for length, count in sorted(Counter(taken.tolist()).items())}
    total, kept = int(proposed.sum()), int(taken.sum())
    return Acceptance(total, kept, kept / total, marginal, conditional, histogram, int(cut.sum()))


def chain_forwards(chances: Sequence[float], gamma: int, ends: Collection[int] = ()) -> tuple[float, float]:
    """(tokens, target forwards) after the prefill of a chain drafter over one output.

    A drafter of a chain agrees with the target up to the first token on which it does not, reads
    the target's token there, and starts anew after it: arXiv 2211.17192, algorithm 1, at
    temperature 0. The first chain rides in the prefill. From every place of the output the
    forwards that are left follow from those of the places behind it, so no step is drawn: with
    chances of 0 and 1 alone the two numbers are exact counts, else they are expectations. It makes
    no difference whether an output's last token is a drafted one or the target's own.

    Args:
        chances: for every token of the output, the chance that the drafter would draft it after the
            target's text.
        gamma: the most tokens of a chain.
        ends: places of the output after whose token a chain ends early.
    """
    count = len(chances)
    # Of the forwards that are left at a place; no forward is needed at the end.
    left = [0.0] * (count + 1)
    first = 0.0  # tokens that the prefill's forward emits, known once the first place is reached
    for place in reversed(range(count)):
        most = min(gamma, count - place)
        reached, forwards, first = 1.0, 1.0, 0.0
        for depth in range(most):
            chance = chances[place + depth]
            forwards += reached * (1 - chance) * left[place + depth + 1]
            first += reached * (1 - chance) * (depth + 1)
            reached *= chance
            if not reached:
                break
            if place + depth in ends:
                most = depth + 1
                break
        after = min(place + most + 1, count)
        left[place] = forwards + reached * left[after]
        first += reached * (after - place)
    return count - first, max(left[0] - 1, 0.0)


def independent_tokens_per_forward(rate: float, gamma: int) -> float:
    """Tokens per target forward if every drafted token were accepted with the same chance.

    (1 - rate^(gamma + 1)) / (1 - rate), arXiv 2211.17192, equation 1.

    Args:
        rate: the chance, from 0 to 1.
        gamma: draft tokens per step.
    """
    return float(sum(rate**depth for depth in range(gamma + 1)))


def repetition_rate(outputs: Iterable[Sequence[int]], length: int = 4) -> float | None:
    """Share of the outputs' n-grams of `length` tokens that occurred earlier in the same output."""
    total = repeated = 0
    for output in outputs:
        grams = [tuple(output[start : start + length]) for start in range(len(output) - length + 1)]
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / total if total else None
