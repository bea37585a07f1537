"""The whole of the pair's training, step by step, each step skipped when its result is there."""

import json
import pickle
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaForCausalLM, PreTrainedTokenizerFast

from training.card import write_card
from training.config import TrainConfig
from training.documents import Document, examples, tokenize
from training.tokenizer import train_tokenizer, wider_text
from training.train import train

TOKENIZER_ROWS = 1500
WIDER_CHARACTERS = 1_500_000


def run(config: TrainConfig) -> int:
    """All of it; the exit status."""
    train_pair(config)
    return 0


def train_pair(config: TrainConfig) -> None:
    """Train tokenizer, target and draft into `config.output`, then write the model card."""
    work = Path(config.work)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(config, work / "tokenizer")
    documents = _documents(config, tokenizer, work / "documents.pickle")
    for role, shape in (("target", config.target), ("draft", config.draft)):
        folder = Path(config.output) / role
        if not (folder / "model.safetensors").exists():
            _save(train(config, shape, documents, work / role), tokenizer, folder)
    write_card(config)


def _tokenizer(config: TrainConfig, folder: Path) -> PreTrainedTokenizerFast:
    if not folder.exists():
        texts = [e.prompt + e.answer for task in config.documents for e in examples(task, "train", TOKENIZER_ROWS)]
        tokenizer = train_tokenizer([*texts, *wider_text(WIDER_CHARACTERS)], config.vocabulary, config.context)
        tokenizer.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def _documents(config: TrainConfig, tokenizer: PreTrainedTokenizerFast, cache: Path) -> list[Document]:
    if not cache.exists():
        documents = tokenize(tokenizer, dict(config.documents), config.seed)
        cache.write_bytes(pickle.dumps(documents))
        size = {"documents": len(documents), "tokens": sum(len(document.ids) for document in documents)}
        cache.with_suffix(".json").write_text(json.dumps(size) + "\n")
    return pickle.loads(cache.read_bytes())


def _save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """bfloat16 on disk: half the size, and the rounding is part of the model from here on."""
    model.to("cpu", torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
