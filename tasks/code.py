"""What tasks that ask for code share: their settings, and pass@1 by running the tests."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.base import Example, Row, Scores, Task, TaskConfig, by_prompt
from tasks.sandbox import Limits, SandboxError, Submission, run_submissions

# The ks of pass@k beside pass@1, where there are so many samples.
SAMPLED = (2, 5, 10, 20, 50, 100)


@dataclass(frozen=True)
class CodeConfig(TaskConfig):
    """Settings of a code task.

    Attributes:
        run_tests: run the generated code; False leaves pass@1 empty.
        timeout: seconds a program may take.
        memory_mib: address space a program may take, in MiB.
    """

    run_tests: bool = True
    timeout: float = 10.0
    memory_mib: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.timeout <= 600:
            raise UserError(f"task.timeout={self.timeout} must be above 0 and at most 600 seconds")
        # Python itself needs that much.
        require_at_least("task.memory_mib", self.memory_mib, 64)


class CodeTask(Task):
    """A task whose answer is a program that its row's tests judge."""

    config_class = CodeConfig
    score_settings = ("run_tests", "timeout", "memory_mib")
    config: CodeConfig

    @abstractmethod
    def submission(self, row: Row, answer: str) -> Submission:
        """The program that the answer makes, and the row's tests.

        The tests run in another process than the program.
        """

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """pass@1: the share of programs that pass all their tests.

        None where they cannot be run safely. Of n samples a problem pass@k too, for the ks of
        SAMPLED that are at most n.
        """
        if not self.config.run_tests:
            return _not_run(examples, "task.run_tests=false")
        if not examples:
            return _not_run(examples, "no examples")
        submissions = [
            self.submission(example.row, self.clean(example, text))
            for example, text in zip(examples, texts, strict=True)
        ]
        try:
            outcomes = run_submissions(submissions, Limits(self.config.timeout, self.config.memory_mib))
        except SandboxError as error:
            return _not_run(examples, str(error))
        # Imported here: evaluate takes a second or more, which a job needs only at its end.
        from tasks.metrics import metric

        found = metric("pass_at_k").compute(predictions=[[outcome.passed] for outcome in outcomes])
        samples = [[outcomes[place].passed for place in places] for places in by_prompt(examples)]
        ks = [k for k in SAMPLED if k <= min(map(len, samples))]
        several = metric("pass_at_k").compute(predictions=samples, k=ks) if ks else {}
        means = {"pass@1": found["pass@1"], **{f"pass@{k}": several[f"pass@{k}"] for k in ks}}
        notes = {"pass@1": next((outcome.isolation for outcome in outcomes if outcome.isolation), "no outcome")}
        return Scores(means, found["per_example"], notes)


def _not_run(examples: Sequence[Example], reason: str) -> Scores:
    return Scores({"pass@1": None}, [{} for _ in examples], {"pass@1": f"not run: {reason}"})
