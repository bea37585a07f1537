"""transformers' own greedy generate(): a rival from outside, one token a forward.

With a static cache and compilation it is the strong baseline: what the library can do for a model
without any drafts.
"""

from dataclasses import dataclass, replace

import torch
from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException
from torch._dynamo.utils import counters
from transformers import CompileConfig, StaticCache

from baselines.hf_rival import HfRival
from decoding.decoder import ModelPair
from decoding.errors import SettingError, UserError
from decoding.method import Spec
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping

CACHES = ("dynamic", "static")
ENGINES = ("prepared", "plain")
STEP = 64  # cache lengths are multiples of it
ATTEMPTS = 5


SPEC = Spec(
    name="hf_generate",
    drafts="nothing: transformers' own `generate()`, run by the same runner",
    colour="grey",
    ours=False,
)


@dataclass
class Config:
    """How generate() caches and whether it is compiled.

    Attributes:
        cache: "dynamic" grows with the text, as the library does by default; "static" is allocated
            once.
        compile: torch.compile for the forwards after the prefill, in the library's own mode; needs
            the static cache.
        engine: "prepared", the model that all methods run on, or "plain", the model as transformers
            loads it: what a user has who does nothing. Where the prepared model is a rounded one,
            the plain model's outputs may be others.
    """

    name: str = "hf_generate"
    cache: str = "dynamic"
    compile: bool = False
    engine: str = "prepared"

    def __post_init__(self) -> None:
        if self.cache not in CACHES:
            raise SettingError(f"cache={self.cache} is unknown: choose one of {', '.join(CACHES)}")
        if self.engine not in ENGINES:
            raise SettingError(f"engine must be one of {', '.join(ENGINES)}, not {self.engine}")
        if self.compile and self.cache != "static":
            raise SettingError("compile=true needs cache=static: transformers compiles with no other cache")


class Static(HfRival):
    """generate() with one static cache for all prompts, as long as the longest expected sequence.

    Attention runs over the whole of it in every forward, so it is no longer than that.
    """

    def __init__(self, pair: ModelPair, **settings: object) -> None:
        # On an accelerator the library would compile a static cache's forwards unasked.
        super().__init__(pair, settings or {"disable_compile": True})
        self.target = pair.target
        self.length = 0
        self.cache: StaticCache | None = None

    def reserve(self, length: int) -> None:
        """Make the cache hold `length` tokens, and all that the bench reserved in the target."""
        if length > self.length:
            self.length = -(-max(length, self.target.reserved) // STEP) * STEP
            self.cache = StaticCache(config=self.model.config, max_cache_len=self.length)

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`.

        Raises:
            UserError: the prompt is empty or leaves no room in the context.
        """
        self.reserve(min(len(prompt) + stopping.max_new_tokens, self.context))
        return super().generate(prompt, stopping, sampler)

    def arguments(self, length: int) -> dict[str, object]:  # noqa: ARG002
        """The static cache, emptied."""
        assert self.cache is not None
        self.cache.reset()  # type: ignore[no-untyped-call]  # untyped in transformers
        return {"past_key_values": self.cache}


class Compiled(Static):
    """The same, compiled.

    A generation in which something was compiled is not a measurement, and is done again.
    """

    def __init__(self, pair: ModelPair) -> None:
        everywhere = CompileConfig()
        # The library's own switch for CPUs.
        everywhere._compile_all_devices = True  # type: ignore[assignment]  # there it is None, of no type
        super().__init__(pair, compile_config=everywhere)

    def reserve(self, length: int) -> None:
        """As above.

        Earlier graphs are dropped, or the next would be compiled for any length, and slower.
        """
        before = self.length
        super().reserve(length)
        if self.length > before:
            torch.compiler.reset()

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`, with nothing compiled inside the clock.

        Raises:
            UserError: the model cannot be compiled, or is compiled anew again and again.
        """
        try:
            with torch._dynamo.config.patch(fail_on_recompile_limit_hit=True):
                for _ in range(ATTEMPTS):
                    before = counters["stats"]["unique_graphs"]
                    generation = super().generate(prompt, stopping, sampler)
                    if counters["stats"]["unique_graphs"] == before:
                        self._require_compiled(generation)
                        return generation
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            cause = getattr(error, "inner_exception", error)
            reason = f"{type(cause).__name__}: {str(cause).strip()}".splitlines()[0]
            raise UserError(f"torch cannot compile this model here ({reason}): use compile=false") from error
        raise UserError("torch compiles this model anew for every output: use compile=false")

    def _require_compiled(self, generation: Generation) -> None:
        """Raise UserError where the library would leave compilation out.

        It does so without a word where some weights lie on the CPU, among others.
        """
        if generation.target_forwards and not hasattr(self.model, "_compiled_call"):
            raise UserError("transformers does not compile this model where it lies: use compile=false")


def build(config: Config, pair: ModelPair) -> HfRival:
    """generate() on the pair's target; the draft is not used.

    Raises:
        UserError: the plain model is asked for, and the pair cannot load it.
    """
    if config.engine == "plain":
        if pair.plain is None:
            raise SettingError("engine must be prepared, not plain: the pair was not loaded from files")
        pair = replace(pair, target=ModelSession(pair.plain(), pair.target.vocabulary))
    if config.compile:
        return Compiled(pair)
    return Static(pair) if config.cache == "static" else HfRival(pair)
