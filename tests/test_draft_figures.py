"""How drafts fared, by hand: chains and trees, requests, positions, prompt lengths, wasted rows."""

import pytest
from bench_pair import run, run_folder, run_summary
from made_records import made_record, made_steps

from bench.report.figure_types import CHAIN, TREE, AcceptedPart
from bench.report.metrics.drafts import acceptance_of, drafts
from decoding.records import Rounds


def generation(drafted, accepted, emitted, rows=None, prompt=10, prefill=1):
    """rows: those of a chain where they are not given."""
    steps = made_steps(
        drafted=drafted, accepted=accepted, emitted=emitted, rows=rows or [1 + each for each in drafted]
    )
    tokens = [1] * (prefill + sum(emitted))
    return made_record(tokens=tokens, steps=steps, prompt_tokens=prompt, prefill_tokens=prefill)


def test_a_chain_has_a_rate_and_a_tree_has_none():
    chain = [[generation([3, 0, 2], [1, 0, 2], [2, 1, 3])]]
    assert drafts(chain).shape == CHAIN and acceptance_of(chain).rate == 3 / 5
    # One step in which a second path was verified.
    tree = [[generation([3, 0, 2], [1, 0, 2], [2, 1, 3], rows=[4, 1, 5])]]
    found = acceptance_of(tree)
    assert drafts(tree).shape == TREE and found.rate is None
    assert found.marginal == acceptance_of(chain).marginal and found.conditional == acceptance_of(chain).conditional
    assert found.accepted_per_step == pytest.approx(1.0)


def test_acceptance_length_of_all_steps_and_of_requests():
    grid = [[generation([2, 2, 2], [2, 2, 2], [3, 3, 3])], [generation([2], [0], [1])]]
    found = drafts(grid)
    assert (found.length, found.length_by_request) == (10 / 4, (3.0 + 1.0) / 2)
    # A step that was cut confirmed the target's own token too, though the output had ended.
    assert drafts([[generation([2], [2], [2])]]).length == 3.0


def test_rows_that_confirmed_nothing():
    assert drafts([[generation([3, 2], [1, 2], [2, 3])]]).wasted_rows_per_step == (2 + 0) / 2
    assert drafts([[generation([3, 2], [1, 2], [2, 3], rows=[9, 8])]]).wasted_rows_per_step == (7 + 5) / 2


def test_by_position_in_the_output_and_by_the_prompts_length():
    # Steps begin at the tokens 30, 33, 35, 65.
    long = generation([2, 29, 29, 1], [2, 1, 29, 0], [3, 2, 30, 1], prompt=64, prefill=30)
    grid = [[long], [generation([1], [1], [2], prompt=31)], [generation([1, 1], [0, 0], [1, 1], prompt=127)]]
    found = drafts(grid)
    assert found.by_position == {
        "0-31": AcceptedPart(4, (3 + 2 + 1 + 1) / 4), "32-63": AcceptedPart(2, (2 + 30) / 2),
        "64-127": AcceptedPart(1, 1.0),
    }  # fmt: skip
    assert list(found.by_position) == ["0-31", "32-63", "64-127"]
    assert found.by_prompt_length == {"0-31": AcceptedPart(1, 2.0), "64-127": AcceptedPart(6, (3 + 2 + 30 + 1 + 2) / 6)}


def test_a_rival_verifies_one_chain_and_tells_no_rows():
    grid = [[made_record(rounds=Rounds(drafted=[2, 2], accepted=[0, 2], emitted=[1, 2]), tokens=[1] * 4)]]
    found = drafts(grid)
    assert (found.shape, found.length, found.wasted_rows_per_step) == (CHAIN, 2.0, None)
    assert acceptance_of(grid).rate == 0.5


def test_nothing_drafted_or_told_is_null():
    assert drafts([[generation([0, 0], [0, 0], [1, 1])]]) is None
    assert drafts([[generation([2], [1], [2])], [made_record()]]) is None


def test_methods_draft_what_they_say(monkeypatch, capsys, arguments):
    panel = "compare=[{name: token_recycling},{name: suffix},{name: greedy}]"
    assert run(monkeypatch, *arguments, "method=speculative", "method.gamma=3", panel, "max_new_tokens=24") == 0
    table = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if " identical (" in line}
    for name, shape in (("speculative", CHAIN), ("suffix", CHAIN), ("token_recycling", TREE)):
        found = run_summary(name)
        assert found["drafts"]["shape"] == shape and (found["acceptance"]["rate"] is None) == (shape == TREE)
        assert ("% " in table[name]) == (shape == CHAIN), "no accepted % of a tree"
        page = (run_folder(name) / "report.md").read_text()
        assert f"| drafts are | {shape}s |" in page and "Acceptance by position in the output" in page
        lengths = found["drafts"]["by_prompt_length"].values()
        assert sum(each["count"] for each in lengths) == found["target_forwards"]
        assert found["latency"]["step"]["p50"] > 0 and "## Latency" in page
    assert run_summary("greedy")["drafts"] is None
