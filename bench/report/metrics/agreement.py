"""How good a draft is along greedy's text, and what chains of its tokens come to there."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from bench.measure.agreement import ReadText
from bench.measure.token_class import CLASSES
from bench.report.metrics.spans import span_name, span_of
from bench.report.statistics import chain_forwards, independent_tokens_per_forward

# Among how many of the draft's first choices the target's token is looked for.
TOPS = (1, 2, 4, 8)
GAMMAS = tuple(range(1, 13))
# A draft ends after a token of lower probability.
CONFIDENCES = (0.2, 0.4, 0.6, 0.8)
# Places of an output are counted by doubling spans, the first of so many tokens.
FIRST_SPAN = 16


@dataclass(frozen=True)
class Agreement:
    """Over some tokens of greedy's text.

    Attributes:
        tokens: how many there are.
        top: by k, the share of them that is among the draft's first k choices after the target's
            text; None without any token. Where the draft's context leaves no room it has none.
    """

    tokens: int
    top: dict[int, float | None]


@dataclass(frozen=True)
class ChainFigure:
    """Chains of at most gamma drafted tokens, along the texts.

    Attributes:
        gamma: of speculative decoding.
        tokens_per_target_forward: as a run's (docs/metrics.md); None where the prefills give all.
        independent: the same if all tokens agreed with one chance, as is usual to reckon.
        at_confidence: the first where chains also end after a token of lower probability.
    """

    gamma: int
    tokens_per_target_forward: float | None
    independent: float | None
    at_confidence: dict[str, float | None]


@dataclass(frozen=True)
class AgreementFigures:
    """All of it.

    Attributes:
        texts: how many outputs were read.
        overall: of all their tokens.
        by_position: by the place in the output, "0-15" for its first 16 tokens.
        by_class: by the kind of token, see bench.measure.token_class.
        chains: by gamma.
    """

    texts: int
    overall: Agreement
    by_position: dict[str, Agreement]
    by_class: dict[str, Agreement]
    chains: list[ChainFigure]


def agreement_figures(texts: Sequence[ReadText]) -> AgreementFigures:
    """The figures of what a draft said along some texts.

    Args:
        texts: with the draft's opinion of each token.
    """
    ranks = [rank for text in texts for rank in text.ranks]
    classes = [kind for text in texts for kind in text.classes]
    spans = [span_of(place, FIRST_SPAN) for text in texts for place in range(len(text.tokens))]
    overall = _agreement(ranks)
    rate = overall.top[1]
    return AgreementFigures(
        texts=len(texts),
        overall=overall,
        by_position={span_name(span): _agreement(_where(ranks, spans, span)) for span in sorted(set(spans))},
        by_class={name: _agreement(_where(ranks, classes, name)) for name in CLASSES if name in classes},
        chains=[
            ChainFigure(
                gamma=gamma,
                tokens_per_target_forward=_chain(texts, gamma),
                independent=None if rate is None else independent_tokens_per_forward(rate, gamma),
                at_confidence={str(each): _chain(texts, gamma, each) for each in CONFIDENCES},
            )
            for gamma in GAMMAS
        ],
    )


def _agreement(ranks: Sequence[int | None]) -> Agreement:
    def share(top: int) -> float | None:
        return sum(rank is not None and rank < top for rank in ranks) / len(ranks) if ranks else None

    return Agreement(len(ranks), {top: share(top) for top in TOPS})


def _where(ranks: Iterable[int | None], kinds: Iterable[Hashable], kind: Hashable) -> list[int | None]:
    return [rank for rank, own in zip(ranks, kinds, strict=True) if own == kind]


def _chain(texts: Sequence[ReadText], gamma: int, confidence: float = 0.0) -> float | None:
    """Tokens per target forward after the prefills, of all texts together."""
    tokens = forwards = 0.0
    for text in texts:
        agrees = [float(rank == 0) for rank in text.ranks]
        ends = {place for place, chance in enumerate(text.chances) if chance is not None and chance < confidence}
        own = chain_forwards(agrees, gamma, ends)
        tokens, forwards = tokens + own[0], forwards + own[1]
    return tokens / forwards if forwards else None
