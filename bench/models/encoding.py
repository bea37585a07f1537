"""How the prompts of a run are encoded.

What is odd about it, and whether the tokenizer's own file says the same.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import try_to_load_from_cache
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerBase

from bench.models.location import locate
from tasks import Example, Task
from tasks.encoding import CLOCKS, appended, template_variables


def prompt_digest(ids: Sequence[int]) -> str:
    """Sixteen hexadecimal digits for a prompt's token ids."""
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:16]


def encoding_warnings(task: Task, tokenizer: PreTrainedTokenizerBase, encoded: Sequence[list[int]]) -> list[str]:
    """What must be known of the way prompts become ids.

    Args:
        task: whose prompts they are.
        tokenizer: the target's.
        encoded: the ids of every prompt of the run.
    """
    seen = []
    if task.config.variant == "base":
        if count := appended(tokenizer):
            last = tokenizer.convert_ids_to_tokens(list(tokenizer("a").input_ids)[-count:])
            seen.append(
                f"the tokenizer ends every text with {' '.join(map(str, last))}: left out of the prompts, which would "
                "otherwise be over before the output begins"
            )
    else:
        seen += _template_warnings(task, tokenizer)
    bos = tokenizer.bos_token_id
    doubled = sum(ids[:2] == [bos, bos] for ids in encoded) if bos is not None else 0
    if doubled:
        seen.append(
            f"{doubled} of {len(encoded)} prompts begin with {tokenizer.bos_token} twice: the text holds it and it is "
            "added again; take it out of the text"
        )
    eos = tokenizer.eos_token_id
    # Of a model whose beginning and end are one token, a prompt of that token alone only begins.
    ended = sum(ids[-1:] == [eos] and (eos != bos or len(ids) > 1) for ids in encoded) if eos is not None else 0
    if ended:
        seen.append(
            f"{ended} of {len(encoded)} prompts end with {tokenizer.eos_token}, the end of a sequence: the output "
            "begins another text; take it out of the text or of the chat template"
        )
    return seen


def _template_warnings(task: Task, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    read = template_variables(tokenizer.get_chat_template())
    seen = []
    unread = sorted(set(task.config.template or {}) - read)
    if unread and read:
        seen.append(f"the chat template does not read {', '.join(unread)} of task.template: nothing changes by it")
    if read & CLOCKS:
        seen.append(
            "the chat template may write the date or the time into the prompts: a run can then be continued only while "
            "they read the same; where it takes a date, as many do, task.template={date_string: DATE} fixes it"
        )
    return seen


def against_file(
    task: Task, name: str, revision: str | None, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]
) -> str:
    """Whether the loaded tokenizer gives its tokenizer.json's ids on all prompts, in a line."""
    file = _tokenizer_file(name, revision)
    if file is None:
        return "token ids: not compared, the model has no tokenizer.json"
    plain = Tokenizer.from_file(str(file))
    plain.no_truncation()
    plain.no_padding()
    special = task.config.variant == "base"
    differing, first = 0, ""
    for example in examples:
        text = task.rendered(example, tokenizer)
        ours = list(tokenizer(text, add_special_tokens=special).input_ids)
        theirs = plain.encode(text, add_special_tokens=special).ids
        if ours != theirs:
            differing += 1
            first = first or f"prompt {example.id} {_difference(ours, theirs, tokenizer)}"
    if not differing:
        return f"token ids: as tokenizer.json gives them, on all {len(examples)} prompts"
    return f"token ids: DIFFERENT from those of {file} on {differing} of {len(examples)} prompts, first {first}"


def _difference(ours: list[int], theirs: list[int], tokenizer: PreTrainedTokenizerBase) -> str:
    """Where two lists of ids part, with what stands there."""
    pairs = zip(ours, theirs, strict=False)
    at = next((index for index, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))

    def shown(ids: list[int]) -> str:
        return f"{ids[at]} {tokenizer.convert_ids_to_tokens(ids[at])!r}" if at < len(ids) else "nothing"

    return f"at token {at}: {shown(ours)} here, {shown(theirs)} by the file"


def _tokenizer_file(name: str, revision: str | None) -> Path | None:
    located, local = locate(name)
    if local:
        file = Path(located) / "tokenizer.json"
        return file if file.is_file() else None
    found = try_to_load_from_cache(located, "tokenizer.json", revision=revision or "main")
    return Path(found) if isinstance(found, str) else None
