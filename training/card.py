"""The pair's model card: what it is, what it learned, and how far draft and target agree."""

import json
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch
import transformers
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from baselines import greedy
from bench.models.checkpoint import load_whole
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from tasks import TASKS, Scores
from tasks.sources import DataConfig, load_rows
from training.config import TrainConfig

SPLITS = ("test", "test_unseen")


def write_card(config: TrainConfig) -> None:
    """Score the pair on the bundled test splits and write README.md beside it."""
    output = Path(config.output)
    tokenizer = AutoTokenizer.from_pretrained(output / "target")
    target, draft = (
        load_whole(role, pretrained_model_name_or_path=output / role, dtype=torch.float32)[0].to(config.device).eval()
        for role in ("target", "draft")
    )
    lines = ["| task | split | prompts | scores | tokens an answer | draft agreement |", "|---|---|---|---|---|---|"]
    cells = [(task, split) for task in config.documents for split in SPLITS]
    for task_name, split in tqdm(cells, desc="model card"):
        scores, lengths, agreement = _evaluate(task_name, split, config.evaluate, tokenizer, target, draft)
        shown = ", ".join(f"{name} {value:.3g}" for name, value in scores.means.items() if value is not None)
        mean = sum(lengths) / len(lengths)
        lines.append(f"| {task_name} | {split} | {len(lengths)} | {shown} | {mean:.0f} | {agreement:.0%} |")
    (output / "README.md").write_text(_text(config, target, draft, "\n".join(lines)), encoding="utf-8")


def _evaluate(
    task_name: str,
    split: str,
    count: int,
    tokenizer: PreTrainedTokenizerBase,
    target: PreTrainedModel,
    draft: PreTrainedModel,
) -> tuple[Scores, list[int], float]:
    """Scores of the target's greedy answers, their lengths, and the draft's agreement.

    The agreement is the share of tokens that are the draft's argmax.
    """
    task = TASKS[task_name]()
    examples = load_rows(task, DataConfig(source="bundled", split=split)).examples(task)[:count]
    eos = frozenset({tokenizer.eos_token_id})
    decoder = greedy.build(greedy.Config(), ModelPair(ModelSession(target), None, eos, tokenizer.decode))
    texts, lengths, agreed = [], [], 0
    for place, example in enumerate(examples):
        if example.follows:
            example = examples[place] = task.follow_up(examples[place - 1], texts[-1])
        prompt = task.encode(example, tokenizer)
        stopping = Stopping(eos, task.max_new_tokens, task.stop + example.stop, tokenizer.decode, tuple(prompt))
        tokens = decoder.generate(prompt, stopping).tokens
        with torch.inference_mode():
            ids = torch.tensor([prompt + tokens[:-1]], device=draft.device)
            guesses = draft(ids, logits_to_keep=len(tokens)).logits[0].argmax(-1).tolist()
        agreed += sum(guess == token for guess, token in zip(guesses, tokens, strict=True))
        texts.append(tokenizer.decode(tokens, skip_special_tokens=True))
        lengths.append(len(tokens))
    return task.score(examples, texts), lengths, agreed / sum(lengths)


def _text(config: TrainConfig, target: PreTrainedModel, draft: PreTrainedModel, table: str) -> str:
    rows = []
    for role, model, shape in (("target", target, config.target), ("draft", draft, config.draft)):
        log = [json.loads(line) for line in (Path(config.work) / role / "log.jsonl").read_text().splitlines()]
        grown = f", grown from {shape.grow_from} layers after {shape.grow_at:.0%} of them" if shape.grow_from else ""
        rows.append(
            f"| {role} | {model.config.num_hidden_layers} x {config.hidden} | {model.num_parameters() / 1e6:.1f}M "
            f"| {log[-1]['tokens'] / 1e6:.1f}M{grown} | {log[-1]['loss']:.3f} |"
        )
    size = json.loads((Path(config.work) / "documents.json").read_text())
    return f"""# The bundled pair `tiny`

Two Llama models and one byte-level BPE tokenizer ({config.vocabulary} entries, digits one by one), trained from scratch
by `scripts/train_pair.py` on the project's own synthetic data (`training/corpus`) and nothing else; the tokenizer also
read Python's standard library. They make the harness run and mean something on a machine without a network; they know
nothing of the world. Weights are stored in bfloat16. Written {datetime.now(UTC):%Y-%m-%d} with torch
{torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}, on {config.device}.

| model | layers x width | parameters | training tokens seen | final loss |
|---|---|---|---|---|
{chr(10).join(rows)}

The training text held {size["documents"]:,} documents, {size["tokens"] / 1e6:.1f}M tokens, of six tasks; a
prompt's tokens weigh {config.prompt_weight} in the loss, an answer's 1.

Greedy answers of the target in float32, on the first {config.evaluate} prompts of each split. `test` holds problem
families that training saw, `test_unseen` those it did not. Draft agreement: share of the answer's tokens that are the
draft's argmax too, given the answer so far.

{table}
"""
