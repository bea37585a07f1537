"""Pure functions from numbers to figures. What is not known is None, never zero."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, comb, log
from statistics import NormalDist

import numpy as np

# What a resample draws anew, and how many resamples there are.
RESAMPLED = "prompts, and the repeats of each"
RESAMPLES = 4000
CHUNK = 1 << 19


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval over prompts and their repeats.

    For a single generation the interval is the figure itself.
    """

    value: float | None
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Whether `value` is in the interval; not where there is none."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


NONE = Estimate(None, None, None)


@dataclass(frozen=True)
class Throughput:
    """Tokens and seconds of every generation.

    Two arrays [prompts, repeats], of all sides of a ratio in the same order.
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


def _columns(*sides: Throughput) -> np.ndarray:
    """Tokens and seconds of each side in turn, float [prompts, repeats, 2 x sides]."""
    return np.stack([column for each in sides for column in (each.tokens, each.seconds)], axis=-1).astype(float)


def _ratio_of_rates(sums: np.ndarray) -> np.ndarray:
    """The rate of the first side over the second's, of sums [..., 4] as _columns orders them.

    Of four sides, [..., 8], the first such ratio over that of the last two.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = sums[..., 0::2] / sums[..., 1::2]
        ratios: np.ndarray = rates[..., 0] / rates[..., 1]
        return ratios if sums.shape[-1] == 4 else ratios / (rates[..., 2] / rates[..., 3])


def _pooled(columns: np.ndarray, seed: int) -> Estimate:
    """The ratio of the sums over everything, of columns [prompts, repeats, quantities]."""
    prompts, repeats, quantities = columns.shape
    value = float(_ratio_of_rates(columns.sum(axis=(0, 1))))
    sums = _weights(prompts, repeats, seed) @ columns.reshape(-1, quantities)
    return _interval(value, _ratio_of_rates(sums))


def _geometric(columns: np.ndarray, seed: int) -> Estimate:
    """Geometric mean over prompts of the ratio of a prompt's sums, where it has one."""
    ratios = _ratio_of_rates(columns.sum(axis=1))
    known = np.isfinite(ratios) & (ratios > 0)
    prompts, repeats, quantities = columns[known].shape
    if not prompts:
        return NONE
    logs = np.log(ratios[known])
    if repeats == 1:
        means = _weights(prompts, repeats, seed) @ logs / prompts
        return _interval(float(np.exp(logs.mean())), np.exp(means))
    picks, found = _picks(prompts, repeats, seed), []
    most = max(CHUNK // picks[0].size, 1)
    for start in range(0, RESAMPLES, most):
        # A prompt that is drawn twice has repeats of its own each time.
        drawn = columns[known].reshape(-1, quantities)[picks[start : start + most]].sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(np.exp(np.log(_ratio_of_rates(drawn)).mean(axis=-1)))
    return _interval(float(np.exp(logs.mean())), np.concatenate(found))


def speedup(method: Throughput, reference: Throughput, seed: int = 0) -> Estimate:
    """The ratio of total rates, with an interval."""
    return NONE if rate_ratio(method, reference) is None else _pooled(_columns(method, reference), seed)


def ratio_of_speedups(
    first: tuple[Throughput, Throughput], second: tuple[Throughput, Throughput], seed: int = 0
) -> Estimate:
    """Speed of the first method over the second's, each (method, greedy beside it).

    Where both were measured beside the same greedy, greedy cancels out and this is the plain ratio
    of their speeds.
    """
    sides = [*first, *second]
    return NONE if any(each.rate() is None for each in sides) else _pooled(_columns(*sides), seed)


def geometric_mean(method: Throughput, reference: Throughput, seed: int = 0) -> Estimate:
    """Geometric mean of the ratios by prompt, prompts without a figure on either side left out."""
    return _geometric(_columns(method, reference), seed)


def geometric_mean_ratio(
    first: tuple[Throughput, Throughput], second: tuple[Throughput, Throughput], seed: int = 0
) -> Estimate:
    """Geometric mean over prompts of the first method's speed over the second's.

    Each is (method, greedy beside it).

    Prompts without a figure on any side are left out.
    """
    return _geometric(_columns(*first, *second), seed)


@lru_cache(maxsize=2)
def _picks(prompts: int, repeats: int, seed: int) -> np.ndarray:
    """What a hierarchical bootstrap draws, int [resamples, prompts, repeats].

    A resample draws prompts, and for every prompt drawn as many of its repeats as it has, both with
    replacement (Davison & Hinkley 1997, section 3.8). A number stands for one prompt and repeat,
    all sides of it, so they stay together. With one repeat this is the bootstrap over prompts.
    """
    draw = np.random.default_rng(seed)
    picks: np.ndarray = draw.integers(0, prompts, size=(RESAMPLES, prompts, 1)) * repeats
    return picks if repeats == 1 else picks + draw.integers(0, repeats, size=(RESAMPLES, prompts, repeats))


@lru_cache(maxsize=2)
def _weights(prompts: int, repeats: int, seed: int) -> np.ndarray:
    """How often each resample draws each generation, float [resamples, prompts x repeats]."""
    cells = prompts * repeats
    places = _picks(prompts, repeats, seed).reshape(RESAMPLES, cells) + cells * np.arange(RESAMPLES)[:, None]
    return np.bincount(places.ravel(), minlength=RESAMPLES * cells).reshape(RESAMPLES, cells).astype(float)


def _interval(value: float, values: np.ndarray) -> Estimate:
    """A figure with the 95% percentile interval of its values over resamples."""
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
        rate: their ratio, of chains alone. The paths of a tree share their rows and exclude each
            other, so that no one number says how many of its tokens were accepted.
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

    @property
    def accepted_per_step(self) -> float | None:
        """Accepted tokens a step, of chains and trees alike."""
        return None if self.marginal is None else sum(self.marginal)


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


@dataclass(frozen=True)
class Percentiles:
    """Of some values the mean, the median, and what nine in ten and 99 in 100 do not exceed."""

    mean: float
    p50: float
    p90: float
    p99: float


def percentiles(values: Sequence[float], weights: Sequence[int] | None = None) -> Percentiles | None:
    """The percentiles of values, each itself one of them: the least that so many do not exceed.

    Args:
        values: the values.
        weights: how often each counts; None: once.

    Returns:
        None without a value.
    """
    times = np.ones(len(values), dtype=np.int64) if weights is None else np.asarray(weights, dtype=np.int64)
    total = int(times.sum())
    if not total:
        return None
    order = np.argsort(values)
    ranked, reached = np.asarray(values, dtype=float)[order], np.cumsum(times[order])
    found = [float(ranked[np.searchsorted(reached, ceil(total * share / 100))]) for share in (50, 90, 99)]
    return Percentiles(float((ranked * times[order]).sum() / total), *found)


def least_by_chance(count: int, share: float, level: float = 0.01) -> int:
    """The fewest successes that are not yet rarer than chance.

    Args:
        count: of independent trials.
        share: the probability of a success.
        level: how rarely a true `share` may give fewer.

    Returns:
        The largest k for which fewer than k of Binomial(count, share) are at most so probable.
    """
    below = 0.0
    for k in range(count + 1):
        below += comb(count, k) * share**k * (1 - share) ** (count - k)
        if below > level:
            return k
    return count


@dataclass(frozen=True)
class Needed:
    """How large a panel must be to tell an effect from nothing.

    Attributes:
        prompts: with the repeats there are.
        repeats: with the prompts there are; None where no number would do, or nobody can tell.
    """

    prompts: int
    repeats: int | None


def needed(method: Throughput, reference: Throughput, ratio: float, power: float = 0.8) -> Needed | None:
    """How large a panel must be, about, for a 95% interval to exclude 1.0 at a true ratio.

    The mean log ratio is off by (between + within / repeats) / prompts, squared, as in a random
    effects model; the components are estimated from the pairs' own log ratios, about a truth of
    1.0, and the size follows from the normal approximation.

    Args:
        method: one side of an A/A case.
        reference: the other.
        ratio: to be told from 1.0.
        power: the probability with which it is to be told.

    Returns:
        None for fewer than two prompts with a figure. With one repeat prompts and repeats are not
        told apart, and `repeats` is None.
    """
    logs = np.log(_ratio_of_rates(_columns(method, reference)))
    logs = logs[np.isfinite(logs).all(axis=1)]
    prompts, repeats = logs.shape
    if prompts < 2:
        return None
    mean = float((logs.mean(axis=1) ** 2).mean())
    within = float(logs.var(axis=1, ddof=1).mean()) if repeats > 1 else 0.0
    between = max(mean - within / repeats, 0.0)
    normal = NormalDist()
    sought = (log(ratio) / (normal.inv_cdf(0.975) + normal.inv_cdf(power))) ** 2
    spare = prompts * sought - between
    more = max(ceil(within / spare), 1) if repeats > 1 and spare > 0 else None
    return Needed(max(ceil(mean / sought), 2), more)


def repetition_rate(outputs: Iterable[Sequence[int]], length: int = 4) -> float | None:
    """Share of the outputs' n-grams of `length` tokens that occurred earlier in the same output."""
    total = repeated = 0
    for output in outputs:
        grams = [tuple(output[start : start + length]) for start in range(len(output) - length + 1)]
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / total if total else None
