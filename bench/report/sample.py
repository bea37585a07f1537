"""One answer as a reader sees it, every token in the colour of who proposed it."""

from collections import Counter

from transformers import PreTrainedTokenizerBase

from bench.measure.record import Record
from bench.report.metrics.proposers import TARGET, proposers
from decoding.text import TextStream

# The target's tokens keep the terminal's colour; ANSI codes of the others, in the order of their
# first token.
COLOURS = ("32", "34", "35", "36", "33", "31")
PLAIN = "\x1b[0m"


def sample(record: Record, tokenizer: PreTrainedTokenizerBase, prompt: list[int], colours: bool) -> str:
    """The answer of `record`, and a line that says what share of its tokens each source proposed.

    Args:
        record: a generation of ours.
        tokenizer: the target's.
        prompt: token ids that the answer continues.
        colours: for a terminal that can show them.

    Returns:
        Lines of text, special tokens left out.
    """
    sources = proposers(record)
    counts = Counter(sources)
    names = [name for name in dict.fromkeys(sources) if name != TARGET]
    codes = {name: f"\x1b[{COLOURS[index % len(COLOURS)]}m" for index, name in enumerate(names)}

    def painted(text: str, source: str) -> str:
        return f"{codes[source]}{text}{PLAIN}" if colours and source in codes and text else text

    stream = TextStream(tokenizer, prompt)
    pieces = [painted(stream.add(token), source) for token, source in zip(record.tokens, sources, strict=True)]
    shares = ", ".join(
        f"{painted(name, name)} {counts[name] / len(sources):.0%}" for name in [*names, TARGET] if counts[name]
    )
    answer = "".join(pieces) + stream.end()
    head = f"{record.label} answers {record.prompt} ({len(record.tokens)} tokens, proposed by {shares}):"
    return f"{head}\n{answer.strip()}"
