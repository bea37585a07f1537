"""What verification teaches the phrase pool (arXiv 2402.13720, section 3.4).

The target's forward says, for every drafted token, what the target would say next, also behind a wrong token. Rejected
text is thus not lost: where draft and target agree again, target-approved phrases lie ready. Phrases are addressed by
value, never by their slot in the pool, because insertions in between move the slots.
"""

from decoding.phrase_pool import Phrase, PhrasePool
from decoding.verification import Verdict


def aligned_runs(rejected: list[int], choices: list[int], longest: int, shortest: int) -> list[tuple[int, Phrase]]:
    """Phrases from a rejected stretch of draft.

    rejected: the drafted tokens from the first wrong one on. choices: the target's token after each of them. A run
    starts behind rejected[s] and goes on while the draft agrees with the target; the target's own next token ends it.

    Returns (key, phrase) pairs with shortest <= len(phrase) <= longest.
    """
    pairs = []
    for start, key in enumerate(rejected):
        end = start + 1
        while end < len(rejected) and end - start < longest and rejected[end] == choices[end - 1]:
            end += 1
        if end - start >= shortest:
            pairs.append((key, tuple(choices[start:end])))
    return pairs


def refine(
    pool: PhrasePool, key: int, parent: int, candidates: list[tuple[Phrase, list[int]]], verdict: Verdict
) -> None:
    """Overwrite every verified suffix candidate with what the target said along it.

    parent: the node that the candidates hang on. candidates: (phrase as it stands in the pool, its nodes in the tree).
    The candidates come newest first; their order in the pool stays.
    """
    for phrase, nodes in reversed(candidates):
        said = tuple(verdict.choices[node] for node in [parent, *nodes[:-1]])
        if said == phrase[: len(said)]:
            said = phrase  # confirmed as far as the tree reached; near an output's end that is not the whole of it
        pool.replace(key, phrase, said, "refinement")
