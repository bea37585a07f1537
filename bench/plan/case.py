"""A case: a method with its settings on a task, model and data, as planned and written down."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from bench.models.config import EAGER
from bench.plan import typed_json
from bench.plan.methods import METHODS, Method, method_config
from bench.plan.tuned import Origin
from decoding.draws import KEYED, SHARED


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Everything that changes results.

    A field with a default is left out of files where it has it: runs from before there was the
    setting keep their folders.

    Attributes:
        method: the method's settings, `name` among them, as plain containers.
        task: its version. task_config: the settings of it that change prompts or outputs.
        data: digest of the rows. split: of the data.
        weights: digests of target and draft, None for no draft.
        attn_implementation, device_map, draft_device, draft_dtype, draft_vocabulary: of the pair.
        device, dtype, engine: see bench.models.place.Place.
        temperature, top_k, top_p, min_p: see decoding.draws.Sampling. draft_noise,
            acceptance: see decoding.sampling.make_sampler.
        history: "cold", "warm" or "file". history_file: digest of the saved state.
        prompts: ids of all, where what was learned on one serves the next: another limit is another
            run.
    """

    method: dict[str, Any]
    task: str
    task_config: dict[str, Any]
    data: str
    split: str
    weights: dict[str, str | None]
    attn_implementation: str | None
    device_map: Any
    draft_device: str | None
    device: str
    dtype: str
    engine: str = field(default=EAGER, metadata=typed_json.LEFT_OUT)
    draft_dtype: str | None = field(default=None, metadata=typed_json.LEFT_OUT)
    draft_vocabulary: int | None = field(default=None, metadata=typed_json.LEFT_OUT)
    max_new_tokens: int
    temperature: float
    top_k: int = field(default=0, metadata=typed_json.LEFT_OUT)
    top_p: float = field(default=1.0, metadata=typed_json.LEFT_OUT)
    min_p: float = field(default=0.0, metadata=typed_json.LEFT_OUT)
    draft_noise: str = field(default=SHARED, metadata=typed_json.LEFT_OUT)
    acceptance: str = field(default=KEYED, metadata=typed_json.LEFT_OUT)
    seed: int
    history: str
    history_file: str | None = field(default=None, metadata=typed_json.LEFT_OUT)
    prompts: list[str] | None = field(default=None, metadata=typed_json.LEFT_OUT)

    @property
    def digits(self) -> str:
        """Ten hexadecimal digits for all of it."""
        text = json.dumps(typed_json.to_json(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the final table, as it is planned: a method on one task, model and data.

    While it is measured it is an Entrant; its generations are Records, which lie in its folder;
    CaseRecords has them by prompt and repeat, and its Summary has the figures. Read back from the
    folder it is a Run.

    A field's default, but for that of `group`, says that it was not known when the file was
    written, by an older harness.

    Attributes:
        label: the method's name, with the settings that tell it from the panel's other cases.
        group: what the user set to have it: method, compare or cases.
        origin: where its settings come from; None also where nobody asked.
        identity: everything that changes results; its hash names the folder.
        history_file: the saved state that every prompt begins with, None without one.
        folder: where its records live, as the command named it.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    label: str = ""
    group: str = "method"
    origin: Origin | None = None
    identity: Identity
    history_file: str | None = None
    folder: Path = Path()

    def __hash__(self) -> int:
        return hash(self.folder)

    @property
    def method(self) -> Method:
        """What is declared of its method."""
        return METHODS[self.identity.method["name"]]

    @cached_property
    def config(self) -> Any:
        """The method's typed config; made when it is asked for, because methods import torch."""
        return method_config(self.identity.method, self.group)

    @property
    def draft_noise(self) -> str:
        """What draft models draw with."""
        return self.identity.draft_noise

    @property
    def acceptance(self) -> str:
        """How draws are accepted."""
        return self.identity.acceptance

    @property
    def history(self) -> str:
        """What a prompt begins with: "cold", "warm" or "file"."""
        return self.identity.history

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        content: dict[str, Any] = typed_json.to_json(self)
        return content

    @classmethod
    def from_json(cls, content: Any) -> "Case":
        """The case of what `to_json` gave.

        Raises:
            UserError: another schema version, or a key that is missing, unknown or damaged.
        """
        case: Case = typed_json.from_file(cls, content, "the case")
        return case
