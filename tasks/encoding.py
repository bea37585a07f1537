"""What tokenizers and chat templates do to prompts unasked, and what a template may be asked."""

from collections.abc import Mapping, Sequence

import jinja2
import jinja2.ext
import jinja2.meta
import jinja2.nodes

from decoding.errors import UserError

# What templates are handed under these names is not for a setting to say.
RESERVED = frozenset({
    "self", "conversation", "messages", "tools", "documents", "chat_template", "add_generation_prompt",
    "continue_final_message", "tokenize", "sanitize_control_tokens", "padding", "truncation", "max_length",
    "return_tensors", "return_dict", "return_assistant_tokens_mask", "tokenizer_kwargs", "kwargs",
})  # fmt: skip
CLOCKS = frozenset({"strftime_now", "datetime"})


class _Generation(jinja2.ext.Extension):
    """Reads over {% generation %}, with which templates mark the assistant's part."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body, lineno=line)


def template_variables(template: str) -> frozenset[str]:
    """The names that a chat template reads from outside; none where it cannot be parsed."""
    environment = jinja2.Environment(extensions=[_Generation, jinja2.ext.loopcontrols], autoescape=False)
    try:
        return frozenset(jinja2.meta.find_undeclared_variables(environment.parse(template)))
    except jinja2.TemplateError:
        return frozenset()


def require_variables(given: object, variant: str) -> None:
    """Raise UserError where task.template is no mapping of names to plain values.

    Also where no template reads it.
    """
    if given is None:
        return
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name.isidentifier() for name in given):
        raise UserError("task.template must map names to values, as in task.template={reasoning_effort: low}")
    if variant == "base":
        raise UserError("task.template says nothing to task.variant=base, which has no template: set task.variant=chat")
    for name, value in given.items():
        if name in RESERVED:
            raise UserError(f"task.template.{name} is set by the harness itself: leave it out")
        plain = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        if not all(each is None or isinstance(each, (str, bool, int, float)) for each in plain):
            raise UserError(f"task.template.{name} must be a text, a number, true, false, null or a list: {value!r}")


def appended(tokenizer) -> int:
    """How many tokens, such as the end of a sequence, the tokenizer puts after any text."""
    whole, plain = list(tokenizer("a").input_ids), list(tokenizer("a", add_special_tokens=False).input_ids)
    starts = [start for start in range(len(whole) - len(plain) + 1) if whole[start : start + len(plain)] == plain]
    return len(whole) - starts[0] - len(plain) if plain and starts else 0


def without_end(ids: list[int], tokenizer) -> list[int]:
    """The ids of a text to be continued: without what the tokenizer itself put after it."""
    if not ids or ids[-1] not in getattr(tokenizer, "all_special_ids", ()):
        return ids
    return ids[: len(ids) - appended(tokenizer)]
