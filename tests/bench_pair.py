"""A random Llama pair with a small byte-level tokenizer, built from config: no download, no
training."""

import json
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from bench.cli import main

TEXT = ["def add(a, b): return a + b", "the quick brown fox jumps over the lazy dog", "What is 12 + 30? It is 42."]


def make_tokenizer(texts: list[str] | None = None, size: int = 300) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer trained on a few lines; "<eos>" has id 0."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<eos>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts or TEXT, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")


def make_spaced_tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of the Llama 2 kind: a space begins its words, and a text's first space is
    dropped on decoding; what is no letter it takes byte by byte. "<eos>" has id 0."""
    letters = ["▁", *"abc", "▁a", "▁b", "ab", "▁ab"]
    tokens = ["<eos>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    merges = [("▁", "a"), ("▁", "b"), ("a", "b"), ("▁a", "b")]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>")


def save_model(folder: Path, tokenizer: PreTrainedTokenizerFast, seed: int, noise: float = 0.0) -> Path:
    """A Llama with large random weights, so that its argmax is no near-tie, saved to `folder`."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, eos_token_id=0, bos_token_id=None, initializer_range=0.4,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += noise * torch.randn_like(parameter)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_pair(folder: Path) -> tuple[Path, Path]:
    """Target and draft with one tokenizer.

    The draft is the target with noise, so that it agrees now and then.
    """
    tokenizer = make_tokenizer()
    target = save_model(folder / "target", tokenizer, seed=0)
    draft = save_model(folder / "draft", tokenizer, seed=0, noise=0.03)
    return target, draft


def write_prompts(file: Path, count: int) -> Path:
    """`count` prompts for task=custom."""
    rows = [{"id": f"p{i}", "prompt": f"What is {i} + {3 * i}? def add", "reference": "42"} for i in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def bench_arguments(pair: Path, *more: str) -> list[str]:
    """Overrides for a short run of the pair in the folder `pair` on its prompts.jsonl.

    Runs go to ./runs.

    On the eager engine, which takes no time to prepare.
    """
    return [
        "model=custom", f"model.target={pair}/target", f"model.draft={pair}/draft", "model.name=random", "task=custom",
        f"data.path={pair}/prompts.jsonl", "max_new_tokens=8", "warmup=1", "limit=2", "output=runs",
        "engine=eager", *more,
    ]  # fmt: skip


def run_folder(method: str) -> Path:
    """The one run folder of a method."""
    (folder,) = Path("runs/custom/random").glob(f"{method}-*")
    return folder


def run_summary(method: str) -> dict:
    """summary.json of the one run of a method; what is no JSON fails."""

    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    return json.loads((run_folder(method) / "summary.json").read_text(), parse_constant=refuse)


def start(*arguments: str, before: Callable[[], None] | None = None) -> ForkProcess:
    """`python -m bench` in a process of its own, which begins with everything imported.

    before: called there first.
    """

    def command() -> None:
        if before:
            before()
        sys.argv = ["bench", *arguments]
        sys.exit(main())

    process = multiprocessing.get_context("fork").Process(target=command)
    process.start()
    return process


def run(monkeypatch, *arguments: str) -> int:
    """`python -m bench` in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return main()
