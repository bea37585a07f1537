"""The draft's card: what it is, what it learned from, how often it says what its target says."""

import platform
import textwrap
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

from bench.measure.environment import cpu_name
from training.drafter.agreement import DEPTHS, agreement
from training.drafter.config import DraftConfig
from training.drafter.labels import Labelled
from training.drafter.own_text import Answered
from training.drafter.train import Head


def write_card(
    config: DraftConfig,
    student: PreTrainedModel,
    head: Head,
    own: Sequence[Answered],
    held_out: Sequence[Answered],
    states: Sequence[torch.Tensor] | None,
    text: Sequence[Labelled],
    log: Sequence[Mapping[str, object]],
    seconds: Mapping[str, float],
) -> None:
    """Write README.md beside the draft."""
    by_source = defaultdict(list)
    for place, each in enumerate(held_out):
        by_source[each.source].append(place)
    rows = []
    for source, places in sorted(by_source.items()):
        answers = [held_out[place] for place in places]
        read = [states[place] for place in places] if states else None
        short, whole = (agreement(student, answers, ids, read) for ids in (head.ids, None))
        depths = " ".join(f"{share:.2f}" for share in short.by_depth)
        shares = f"{short.share:.3f} | {whole.share:.3f}"
        rows.append(f"| {source} | {len(answers)} | {short.tokens} | {shares} | {depths} |")
    learned = Counter[str]()
    for each in own:
        learned[each.source] += len(each.answer)
    tokens = ", ".join(f"{source} {count:,}" for source, count in learned.most_common())
    existing = sum(shard.ids.numel() for shard in text)
    stages = "\n".join(
        f"| {line['stage']} | {line['step']} | {_number(line['loss'])} | {_number(line['share'])} |"
        for line in _ends(log)
    )
    size = sum(parameter.numel() for parameter in student.parameters() if parameter.requires_grad)
    spent = ", ".join(f"{stage} {value / 60:.0f}" for stage, value in seconds.items())
    layers = ", ".join(map(str, config.layers)) + " (negative: from the end)" * any(each < 0 for each in config.layers)
    own = f"{sum(learned.values()):,} tokens that the target wrote greedily ({tokens})"
    turns = "; invented: user turns of its own, by what they begin with" * any("invented" in each for each in learned)
    reads = " It reads the target's last hidden states beside the tokens (EAGLE): method=eagle." * config.features
    reads += " Its layers attend to the target's keys and values (GliDe): method=glide." * config.cross
    texts = f" and over {existing:,} tokens of existing text" if existing else ""
    paragraphs = [
        f"{'Layer' if len(config.layers) == 1 else 'The layers'} {layers} of the target, trained on its own text by "
        f"`python scripts/train_draft.py`; {size / 1e6:.1f}M parameters, stored in float16. Embeddings, last norm and "
        f"head are the target's, taken from it on loading.{reads} `token_ranking.json` has the ids of the target's "
        "text by frequency, for `model.draft_vocabulary`.",
        f"Learned from {own}{turns}, and from the target's distributions over these{texts}. No text shares a run of "
        f"13 words with a test prompt. Minutes by stage: {spent}, on {cpu_name()} ({torch.get_num_threads()} threads). "
        f"Written {datetime.now(UTC):%Y-%m-%d} with torch {torch.__version__}, transformers "
        f"{transformers.__version__}, Python {platform.python_version()}.",
        "Held-out prompts, greedy answers of the target. Agreement: share of tokens that are the draft's first choice "
        f"after the answer so far, among the {len(head.ids)} ids it was trained over, and among all. By depth 1 to "
        f"{DEPTHS}: of the places where all tokens before agree, the share where the next does too.",
    ]
    text = "\n\n".join(textwrap.fill(each, 100, break_on_hyphens=False) for each in paragraphs)
    (Path(config.output) / "README.md").write_text(
        f"""# A draft for {config.target}

{text}

| task | prompts | tokens | agreement | all ids | by depth |
|---|---|---|---|---|---|
{chr(10).join(rows)}

| after stage | steps | loss | held-out agreement |
|---|---|---|---|
{stages}
""",
        encoding="utf-8",
    )


def _ends(log: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """The last line of every stage."""
    return list({line["stage"]: line for line in log}.values())


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else "-"
