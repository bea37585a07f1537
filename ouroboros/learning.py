"""What verification teaches the phrase pool (arXiv 2402.13720, section 3.4).

The target's forward says, for every drafted token, what the target would say next, also after a
wrong token. Rejected text is thus not lost: where draft and target agree again, target-approved
phrases lie ready. Phrases are addressed by value, never by their slot in the pool, because
insertions in between move the slots.
"""

from dataclasses import dataclass

from baselines.phrase_pool import Phrase, PhrasePool
from decoding.verification import Verdict

REJECTED = ("aligned", "continuations")
REFINEMENTS = ("in_place", "newest", "off")


@dataclass(frozen=True)
class Candidate:
    """A suffix that was verified: the phrase as it is in the pool, and its nodes in the tree."""

    phrase: Phrase
    nodes: list[int]

    def said(self, parent: int, verdict: Verdict) -> Phrase:
        """What the target said along the candidate, which hangs on `parent`.

        It has as many tokens as the candidate has nodes.
        """
        return tuple(verdict.choices[node] for node in [parent, *self.nodes[:-1]])


def aligned_runs(rejected: list[int], choices: list[int], longest: int, shortest: int) -> list[tuple[int, Phrase]]:
    """Phrases from a rejected stretch of draft: the paper's rule.

    A run starts after rejected[s] and goes on while the draft agrees with the target; the target's
    own next token ends it.

    Args:
        rejected: the drafted tokens from the first wrong one on.
        choices: the target's token after each of them.
        longest: tokens of the longest phrase.
        shortest: tokens of the shortest phrase.

    Returns:
        (key, phrase) pairs with shortest <= len(phrase) <= longest.
    """
    pairs = []
    for start, key in enumerate(rejected):
        end = start + 1
        while end < len(rejected) and end - start < longest and rejected[end] == choices[end - 1]:
            end += 1
        if end - start >= shortest:
            pairs.append((key, tuple(choices[start:end])))
    return pairs


def continuations(
    choices: list[int], after_suffixes: list[list[int]], longest: int, shortest: int
) -> list[tuple[int, Phrase]]:
    """Every stretch of what the target said from the rejected place on, agreed with or not.

    The rule of the authors' code for Spec-Bench.

    Args:
        choices: the target's correction, then its token after each rejected one.
        after_suffixes: for each suffix candidate, the target's tokens after its nodes; they
            lengthen stretches that end with the draft.
        longest: tokens of the longest phrase.
        shortest: tokens of the shortest phrase.

    Returns:
        (key, phrase) pairs with shortest <= len(phrase) <= longest.
    """
    pairs = []
    for place, key in enumerate(choices):
        stretch = choices[place + 1 : place + 1 + longest]
        tails = after_suffixes if after_suffixes and len(stretch) < longest else [[]]
        pairs += [(key, tuple(stretch + tail[: longest - len(stretch)])) for tail in tails]
    return [(key, phrase) for key, phrase in pairs if len(phrase) >= shortest]


def refines(refinement: str, accepted_only: bool, whole: bool) -> bool:
    """Whether a step refines the suffixes that it verified.

    The target's words along a suffix follow on the draft, so that after a rejection they are
    conditioned on a wrong token. The paper refines then too (section 3.4). In the authors' code
    (thunlp/Ouroboros at commit 7dac65b, ouroboros/ouroboros.py, line 103) the loop that would do it
    runs K // (N - 1) times, which is never where K < N - 1.

    Args:
        refinement: one of REFINEMENTS.
        accepted_only: as in the method's settings.
        whole: the whole draft was accepted.
    """
    return refinement != "off" and (whole or not accepted_only)


def refine(
    pool: PhrasePool, key: int, parent: int, candidates: list[Candidate], verdict: Verdict, keep: bool = False
) -> None:
    """Write what the target said along every verified suffix over it, or beside it if `keep`.

    Their order in the pool stays.

    Args:
        pool: where the phrases are.
        key: the token of `parent`.
        parent: the node that the candidates hang on.
        candidates: newest first.
        verdict: of the step.
        keep: whether the old phrases stay too.
    """
    with pool.clock:
        for candidate in reversed(candidates):
            said = candidate.said(parent, verdict)
            if said == candidate.phrase[: len(said)]:
                # Confirmed as far as the tree reached; near an output's end, not all of it.
                said = candidate.phrase
            if keep:
                pool.insert(key, said, "refinement")
            else:
                pool.replace(key, candidate.phrase, said, "refinement")
