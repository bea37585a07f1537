"""Trains one model of the pair from scratch, resumable from its last checkpoint."""

import copy
import itertools
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from training.config import ModelShape, TrainConfig
from training.documents import Document, batches


def build(config: TrainConfig, layers: int) -> LlamaForCausalLM:
    """A randomly initialised Llama of the configured width, without biases, its heads tied."""
    torch.manual_seed(config.seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocabulary,
            hidden_size=config.hidden,
            intermediate_size=config.intermediate,
            num_hidden_layers=layers,
            num_attention_heads=config.heads,
            num_key_value_heads=config.heads,
            max_position_embeddings=config.context,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=0,
        )
    )


def grow(config: TrainConfig, shallow: LlamaForCausalLM, layers: int) -> LlamaForCausalLM:
    """A model of `layers` layers whose block repeats the shallow model's (arXiv 2405.15319)."""
    deep = build(config, layers)
    deep.model.embed_tokens.load_state_dict(shallow.model.embed_tokens.state_dict())
    deep.model.norm.load_state_dict(shallow.model.norm.state_dict())
    sources = itertools.cycle(shallow.model.layers)
    for layer, source in zip(deep.model.layers, sources, strict=False):
        layer.load_state_dict(copy.deepcopy(source.state_dict()))
    return deep


def train(config: TrainConfig, shape: ModelShape, documents: list[Document], work: Path) -> LlamaForCausalLM:
    """Train one model.

    It continues from `work`/checkpoint.pt, and logs a line per 20 steps to `work`/log.jsonl.
    """
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / "checkpoint.pt"
    total = max(1, shape.tokens // config.batch_tokens)
    growth = int(total * shape.grow_at) if shape.grow_from else -1
    state = torch.load(checkpoint, weights_only=False) if checkpoint.exists() else None
    step = state["step"] if state else 0
    model = build(config, shape.grow_from if shape.grow_from and step < growth else shape.layers).to(config.device)
    optimizer = _optimizer(model, config)
    seen = 0
    if state:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen = state["seen"]
    stream = itertools.islice(batches(documents, config.batch_tokens, config.prompt_weight, config.seed), step, None)
    average = None
    progress = tqdm(stream, total=total, initial=step, desc=f"train {work.name}", unit="step", miniters=10)
    for ids, weights in progress:
        if step >= total:
            break
        if step == growth:
            model = grow(config, model, shape.layers).to(config.device)
            optimizer = _optimizer(model, config)
        _set_rate(optimizer, config.learning_rate, step, total, config.warmup_steps, growth)
        loss = _loss(model, ids.to(config.device), weights.to(config.device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        seen += int((weights > 0).sum())
        value = loss.item()
        average = value if average is None else 0.95 * average + 0.05 * value
        if step % 20 == 0:
            progress.set_postfix(loss=f"{average:.3f}", tokens=seen)
            with (work / "log.jsonl").open("a") as log:
                log.write(json.dumps({"step": step, "tokens": seen, "loss": round(average, 4)}) + "\n")
        if step % config.checkpoint_steps == 0 or step == total:
            state = {"step": step, "seen": seen, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
    return model


def _loss(model: LlamaForCausalLM, ids: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weighted mean of the next-token losses.

    Padding comes after every real token, so no mask is needed.
    """
    logits = model(input_ids=ids[:, :-1]).logits
    losses = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
    weight = weights[:, 1:].flatten()
    return (losses * weight).sum() / weight.sum()


def _optimizer(model: LlamaForCausalLM, config: TrainConfig) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95), fused=True)


def _set_rate(optimizer: torch.optim.Optimizer, peak: float, step: int, total: int, warmup: int, growth: int) -> None:
    """Linear warm-up (again after growing), then linear decay to zero at the end."""
    since = step - growth if 0 <= growth <= step else step
    rate = peak * min(1.0, (since + 1) / warmup, (total - step) / (0.6 * total))
    for group in optimizer.param_groups:
        group["lr"] = rate
