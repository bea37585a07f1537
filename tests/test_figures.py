"""Figures over many runs: what is drawn and what is not, whose values stand in them, and that they
are not blank."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from many_runs import IDENTITY, SETTINGS, interval, summary_of, write_run

from bench.report.arguments import figures as main
from bench.report.collection import collect
from bench.report.figures.beside import beside_published
from bench.report.figures.contamination import contamination
from bench.report.figures.drafts import draft_size, of_several_drafts
from bench.report.figures.draw import FIGURES
from bench.report.figures.series import all_series
from bench.report.figures.speed import cold_and_warm, efficiency, speedups
from bench.report.figures.steps import acceptance, step_time
from bench.report.figures.style import COLOURS, PALETTE, WRONG_HATCH, WRONG_LEGEND, looks
from bench.report.figures.sweeps import find_sweeps, sensitivity
from bench.report.figures.temperature import by_temperature, of_several_temperatures

RIVALS = {"speculative": 1.4, "lookahead": 1.1, "ouroboros": 1.7}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def runs(tmp_path):
    """A function that writes summaries and reads them back as runs."""

    def make(*summaries):
        for each in summaries:
            write_run(tmp_path, *(each if isinstance(each, tuple) else (each,)))
        return collect([tmp_path])[0]

    return make


def panel(**changes):
    return [summary_of(method, speed, **changes) for method, speed in RIVALS.items()]


def without_speed(*given, **changes):
    """As of prompts whose outputs end with the prefill: no token of theirs is decoded."""
    none = {"value": None, "low": None, "high": None}
    found = summary_of(*given, tokens_per_target_forward=None, **changes)
    found["tokens_per_second"]["decode"] = {"method": None, "greedy": None}
    return found | {"speedup": {"decode": none, "end_to_end": interval(1.0), "geomean": none}}


def heights(axes):
    return sorted(round(bar.get_height(), 6) for bar in axes.patches)


def words(figure):
    """Every text of a figure."""
    return " ".join(text.get_text() for text in figure.findobj(plt.Text)).replace("\n", " ").replace("\u00a0", " ")


def test_bars_are_the_speedups_and_whiskers_the_intervals(runs):
    [drawing] = speedups(runs(*panel(), *panel(task="gsm8k"), summary_of("oracle", 9.0), summary_of("greedy", 1.0)))
    [axes] = drawing.figure.axes
    assert heights(axes) == sorted([*RIVALS.values()] * 2), "no bound, no greedy"
    ends = {round(y, 6) for lines in axes.collections for segment in lines.get_segments() for y in segment[:, 1]}
    assert ends == {round(speed + half, 6) for speed in RIVALS.values() for half in (-0.1, 0.1)}
    shown = words(drawing.figure)
    for said in ("tiny", "bundled test", "float32", "cpu (Some CPU, 2 threads)", "batch size 1", "50 prompts", "1.70"):
        assert said in shown
    assert [text.get_text().split("\n")[0] for text in axes.get_xticklabels()] == ["humaneval", "gsm8k"]


def test_scatter_has_one_labelled_point_a_method_and_no_label_on_another(runs):
    speeds = {f"method {number}": 1.5 + 0.01 * number for number in range(8)}
    those = runs(*(summary_of("suffix", speed, label=label) for label, speed in speeds.items()))
    [drawing] = efficiency(those)
    [axes] = drawing.figure.axes
    renderer = drawing.figure.canvas.get_renderer()
    drawing.figure.draw_without_rendering()
    boxes = [plt.Text.get_window_extent(text, renderer) for text in axes.texts]
    assert {text.get_text() for text in axes.texts} == set(speeds)
    for place, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[place + 1 :])
    assert {tuple(np.round(text.xy, 6)) for text in axes.texts} == {
        (round(1 + speed, 6), round(speed, 6)) for speed in speeds.values()
    }


def test_a_method_without_forwards_is_not_in_the_scatter(runs):
    those = runs(*panel(), summary_of("hf_generate", 1.0, tokens_per_target_forward=None))
    [drawing] = efficiency(those)
    assert {text.get_text() for text in drawing.figure.axes[0].texts} == set(RIVALS)


def test_cold_and_warm_are_paired_by_settings_and_prompts(runs):
    those = runs(
        summary_of(speed=1.5), summary_of(speed=1.8, history="warm"),
        summary_of(speed=5.0, history="warm", prompts=20), summary_of(speed=6.0, history="warm", settings={"k": 9}),
        summary_of(speed=1.4, task="gsm8k"), summary_of(speed=1.6, task="gsm8k", history="warm"),
    )  # fmt: skip
    [drawing] = cold_and_warm(those)
    assert heights(drawing.figure.axes[0]) == [1.4, 1.5, 1.6, 1.8]


def test_lines_join_runs_that_differ_in_one_setting_only(runs):
    sweep = [summary_of(speed=1 + gamma / 10, settings={"gamma": gamma}) for gamma in (2, 4, 8)]
    other = [summary_of(settings={"gamma": 16, "k": 9}), summary_of(settings={"gamma": 16}, dtype="bfloat16")]
    pair = [summary_of("suffix", settings={"gamma": gamma}) for gamma in (2, 4)]
    those = runs(*sweep, *other, *pair)
    [found] = find_sweeps(those)
    assert found.settings == ("gamma",) and sorted(found.cells) == [(2,), (4,), (8,)]
    [drawing] = sensitivity(those)
    assert drawing.name == "sensitivity_gamma_ouroboros"
    left, right, share = drawing.figure.axes
    np.testing.assert_allclose(share.lines[0].get_ydata(), [1.34] * 3)
    assert list(right.lines[0].get_xdata()) == [2, 4, 8] and list(right.lines[0].get_ydata()) == [2.2, 2.4, 2.8]
    assert list(left.containers[0].lines[0].get_ydata()) == [1.2, 1.4, 1.8]


def test_settings_in_parts_have_dotted_names_and_join_runs_from_before_there_were_parts(runs):
    """The `learn` of older summaries is today's learning.enabled."""
    old = [summary_of(speed=1.0 + size, settings={"pool_capacity": size}) for size in (2, 4)]
    new = [
        summary_of(speed=1.0 + size, method_config={"name": "ouroboros", **numbers, "learning": {"enabled": True},
                                                    "pool": {"capacity": size}})
        for numbers in [{key: value for key, value in SETTINGS.items() if key != "learn"}] for size in (6, 8)
    ]  # fmt: skip
    those = runs(*old, *new)
    [found] = find_sweeps(those)
    assert found.settings == ("pool.capacity",) and sorted(found.cells) == [(2,), (4,), (6,), (8,)]
    [drawing] = sensitivity(those)
    assert drawing.name == "sensitivity_pool_capacity_ouroboros"
    assert drawing.figure.axes[0].get_xlabel() == "pool.capacity"


def test_a_grid_is_a_heat_map_and_not_lines_as_well(runs):
    those = runs(*(summary_of(speed=g / 4 + k / 10, settings={"gamma": g, "k": k}) for g in (4, 8, 12) for k in (1, 3)))
    [found] = find_sweeps(those)
    assert found.settings == ("gamma", "k") and len(found.cells) == 6
    [drawing] = sensitivity(those)
    assert drawing.name == "sensitivity_gamma_k_ouroboros_humaneval"
    image = drawing.figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(image, [[1.1, 1.3], [2.1, 2.3], [3.1, 3.3]])
    assert "1.10 [1.00, 1.20]" in words(drawing.figure)


def test_drafts_of_several_sizes_are_one_figure(tmp_path, runs):
    """Also where a case took no draft, and has no cost to tell."""
    for number, draft in enumerate(("some/draft", "d-1", "d-2")):
        here = {"identity": {**IDENTITY, "weights": {"target": "t", "draft": draft}}}
        for label, forwards in (("speculative", 900), ("automatic", None)):
            summary = summary_of("speculative", 1 + number, label=label, draft_forwards=forwards)
            write_run(tmp_path / "sizes", summary, here, {"model": {"draft": draft}})
    found, _ = collect([tmp_path / "sizes"])
    [those] = of_several_drafts(found)
    figure = draft_size(those).figure
    left, right = figure.axes
    assert {text.get_text().split("\n")[0] for text in left.get_xticklabels()} == {"draft", "d-1", "d-2"}
    assert [list(line.get_ydata()) for line in right.lines] == [[2, 3, 4]] * 2
    assert {run.pair for run in those} == {"tiny", "tiny with d-1", "tiny with d-2"}
    main([str(tmp_path / "sizes"), "--output", str(tmp_path / "drawn")])
    assert [file.stem for file in (tmp_path / "drawn").glob("*.png")] == ["draft_size_tiny-bundled-test-float32-cpu"]


def test_temperatures_are_one_figure(runs):
    """A case that has one temperature alone is no line; a mismatch is crossed out."""
    those = []
    for temperature in (None, 0.5, 1.0):
        drawn = {"temperature": temperature, "seed": 3}
        those += [summary_of("speculative", 2 - (temperature or 0), **drawn), summary_of("suffix", 1.5, **drawn)]
    those.append(summary_of("lookahead", 1.2, temperature=1.0, seed=3, **WRONG))
    two = runs(*those[:4])
    assert not of_several_temperatures(two)
    [found] = of_several_temperatures(runs(*those))
    left, right = by_temperature(found).figure.axes
    assert sorted(list(line.lines[0].get_ydata()) for line in left.containers) == [[1.5] * 3, [2.0, 1.5, 1.0]]
    assert all(list(line.get_xdata()) == [0.0, 0.5, 1.0] for line in right.lines)


def test_a_run_without_a_speed_is_a_gap_beside_others(runs):
    warm = without_speed("suffix", history="warm")
    those = runs(*panel(), without_speed("suffix"), warm, without_speed(task="gsm8k"))
    [drawing] = speedups(those)
    assert heights(drawing.figure.axes[0]) == [0, 0, 0, *sorted(RIVALS.values())] and "–" in words(drawing.figure)
    [drawing] = efficiency(those)
    assert {text.get_text() for text in drawing.figure.axes[0].texts} == set(RIVALS)
    [drawing] = beside_published(those)
    [ours] = [line for line in drawing.figure.axes[1].lines if line.get_marker() == "D"]
    assert np.isnan(np.array(ours.get_ydata(), dtype=float)).all()
    swept = [summary_of("lookahead", gamma, task="mbpp", settings={"gamma": gamma}) for gamma in (2, 3)]
    for gamma, verdicts in ((1, {}), (4, WRONG)):
        swept.append(without_speed("lookahead", task="mbpp", settings={"gamma": gamma}, **verdicts))
    [drawing] = sensitivity(runs(*swept))
    values = np.array(drawing.figure.axes[0].containers[0].lines[0].get_ydata(), dtype=float)
    np.testing.assert_equal(values, [np.nan, 2, 3, np.nan])


def test_drafts_of_several_sizes_without_a_speed_are_a_gap(tmp_path):
    for number, draft in enumerate(("d", "d-1", "d-2")):
        config = {"model": {"draft": draft}}
        here = {"identity": {**IDENTITY, "weights": {"target": "t", "draft": draft}}}
        write_run(tmp_path, summary_of("speculative", 2.0), here, config)
        write_run(tmp_path, without_speed(**(WRONG if number else {})), here, config)
    [those] = of_several_drafts(collect([tmp_path])[0])
    left, _ = draft_size(those).figure.axes
    values = [np.array(container.lines[0].get_ydata(), dtype=float) for container in left.containers]
    np.testing.assert_equal(sorted(values, key=lambda each: np.isnan(each).all()), [[2.0] * 3, [np.nan] * 3])


@pytest.mark.slow
def test_runs_none_of_which_has_a_speed_break_no_figure(tmp_path):
    for history in ("cold", "warm"):
        write_run(tmp_path, without_speed(history=history))
    for gamma in (1, 2, 3):
        write_run(tmp_path, without_speed("suffix", settings={"gamma": gamma}))
    assert main([str(tmp_path), "--output", str(tmp_path / "drawn")]) == 0


def test_of_a_sweep_none_stands_for_the_method(runs):
    those = runs(*(summary_of(speed=gamma / 4, settings={"gamma": gamma}) for gamma in (4, 8, 12)))
    assert all_series(those) == [] and beside_published(those) == []


def test_three_settings_give_one_figure(runs):
    """Draft length, candidates and window at once."""
    grid = [(g, k, w) for g in (4, 8, 12) for k in (1, 3, 5) for w in (5, 10, 15)]
    those = runs(*(summary_of(speed=g + k / 10, settings={"gamma": g, "k": k, "window": w}) for g, k, w in grid))
    [drawing] = sensitivity(those)
    assert drawing.name == "sensitivity_gamma_k_window_ouroboros_humaneval" and len(drawing.figure.axes) == 9


def test_a_grid_with_a_hole_leaves_the_cell_white(runs):
    grid = [(g, k) for g in (4, 8, 12) for k in (1, 3, 5)][:-1]
    [drawing] = sensitivity(runs(*(summary_of(settings={"gamma": g, "k": k}) for g, k in grid)))
    assert np.isnan(drawing.figure.axes[0].images[0].get_array().filled(np.nan)[2, 2])
    assert "–" in words(drawing.figure)


def test_two_settings_swept_one_after_the_other_are_two_figures(runs):
    gammas = [summary_of(settings={"gamma": value}) for value in (2, 4, 8)]
    ks = [summary_of(settings={"k": value}) for value in (1, 5)]
    assert [each.name for each in sensitivity(runs(*gammas, *ks))] == [
        "sensitivity_gamma_ouroboros", "sensitivity_k_ouroboros",
    ]  # fmt: skip


def test_acceptance_leaves_out_depths_that_few_steps_reach(runs):
    [drawing] = acceptance(runs(summary_of(), summary_of("hf_generate", acceptance={"marginal": None, "rate": None})))
    top, bottom = drawing.figure.axes
    assert [list(line.get_ydata()) for line in top.lines] == [[0.8, 0.5, 0.04]]
    assert [list(line.get_ydata()) for line in bottom.lines] == [[0.8, 0.6, 0.1]]
    few = {**summary_of()["acceptance"], "histogram": {"0": 300, "1": 15, "2": 2, "3": 1}}
    [other] = acceptance(runs(summary_of(task="gsm8k", acceptance=few)))
    assert len(other.figure.axes[1].lines[0].get_ydata()) == 1


def test_a_step_is_split_into_its_parts(runs):
    [drawing] = step_time(runs(summary_of(speed=2.0)))
    widths = [round(bar.get_width(), 6) for bar in drawing.figure.axes[0].patches]
    # 12 s of greedy at 80 tokens/s, 8 s of 400 steps: draft, verify, other of (greedy, method)
    # each.
    assert widths == pytest.approx([0, 7.5, 11000 / 960, 10.0, 1000 / 960, 2.5], abs=1e-5)
    # Of draft and other 0.8 s and 0.4 s were the pool's.
    seconds = summary_of()["seconds"] | {"pool": 1.2, "pool_draft": 0.8}
    [drawing] = step_time(runs(summary_of(speed=2.0, seconds=seconds)))
    widths = [round(bar.get_width(), 6) for bar in drawing.figure.axes[0].patches]
    assert widths == pytest.approx([0, 5.5, 11000 / 960, 10.0, 0, 3.0, 1000 / 960, 1.5], abs=1e-5)


def test_histories_of_one_task_used_on_another(runs):
    def run(learned, task, speed):
        return summary_of(speed=speed, task=task, history="file"), {"history_made_by": {"task": learned}}

    those = runs(
        run("humaneval", "humaneval", 1.8), run("humaneval", "gsm8k", 1.4), run("gsm8k", "gsm8k", 1.9),
        run("gsm8k", "humaneval", 1.5), summary_of(speed=1.2), summary_of(speed=1.3, task="gsm8k"),
        summary_of(speed=7.0, prompts=20), summary_of(speed=8.0, history="warm"),
    )  # fmt: skip
    [drawing] = contamination(those)
    axes = drawing.figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["humaneval", "gsm8k", "none (cold)"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[1.8, 1.4], [1.5, 1.9], [1.2, 1.3]])
    assert not any(run.summary.history == "file" for each in all_series(those) for run in each.runs.values())


def test_published_values_stand_beside_ours(runs):
    those = runs(*panel(), summary_of("oracle", 4.0), summary_of(speed=1.2, task="custom"))
    [drawing] = beside_published(those)
    [axes] = drawing.figure.axes
    ours = {round(line.get_ydata()[0], 6) for line in axes.lines if line.get_marker() == "D"}
    assert ours == {round(speed, 6) for speed in RIVALS.values()}
    published = [line.get_ydata()[0] for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert any(value == pytest.approx(57.0 / 15.6) for value in published), "cold, from the paper's figure"
    assert not any(value == pytest.approx(61.2 / 15.6) for value in published), "no warm run here"
    assert "hardware, models" in words(drawing.figure) and "arXiv 2402.13720" in words(drawing.figure)


def test_a_series_is_never_the_fastest_of_several(runs):
    those = runs(
        summary_of(speed=1.3, settings={"gamma": 5}), summary_of(speed=1.1, task="gsm8k", settings={"gamma": 5}),
        summary_of(speed=9.0, settings={"gamma": 9}), summary_of(speed=8.0, prompts=7),
    )  # fmt: skip
    [series] = all_series(those)
    assert {task: run.summary.speedup.decode.value for task, run in series.runs.items()} == {
        "humaneval": 1.3, "gsm8k": 1.1,
    }  # fmt: skip


def test_cases_keep_the_order_of_their_command(runs):
    labels = ["without", "+ a", "+ b", "+ c"]
    config = {"cases": [{"name": "ouroboros", "label": label} for label in labels]}
    those = runs(*((summary_of(label=label), None, config) for label in reversed(labels)))
    assert [each.name for each in all_series(those)] == labels


def test_looks_tell_series_apart():
    found = looks(["ouroboros", "ouroboros", "speculative", "new_a", "new_b"])
    assert found[0].colour == found[1].colour == COLOURS["ouroboros"] and found[0].hatch != found[1].hatch
    assert len({(each.colour, each.hatch) for each in found}) == 5
    kin = looks(["ouroboros"] * 6)
    assert [each.colour for each in kin] == list(PALETTE[:6])
    many = looks(["ouroboros"] * 20)
    assert len({(each.colour, each.hatch) for each in many}) == 20


WRONG = {"lossless": {**summary_of()["lossless"], "verdict": "mismatch", "mismatch": 3}}


def test_a_mismatch_is_crossed_out_and_named_in_bars(runs):
    rival = summary_of("hf_generate", 3.1, **WRONG)
    those = runs(*panel(), *panel(task="gsm8k"), rival, summary_of("hf_generate", 1.2, task="gsm8k"))
    [drawing] = speedups(those)
    [axes] = drawing.figure.axes
    [bar] = [bar for bar in axes.patches if bar.get_hatch() == WRONG_HATCH]
    assert bar.get_height() == pytest.approx(3.1) and bar.get_facecolor() == (1, 1, 1, 1)
    assert [text.get_text() for text in axes.texts if "mismatch" in text.get_text()] == ["3.10 mismatch"]
    shown = words(drawing.figure)
    assert "hf_generate (mismatch: humaneval)" in shown and WRONG_LEGEND in shown
    [scatter] = efficiency(those)
    assert crosses(scatter.figure) == [(4.1, 3.1)] and "hf_generate (mismatch)" in words(scatter.figure)
    assert not crosses(efficiency([run for run in those if not run.mismatch])[0].figure)


def test_a_mismatch_is_crossed_out_in_every_other_figure(runs):
    [warm] = cold_and_warm(runs(summary_of(speed=1.5), summary_of(speed=1.8, history="warm", **WRONG)))
    assert [bar.get_height() for bar in warm.figure.axes[0].patches if bar.get_hatch() == WRONG_HATCH] == [1.8]
    assert WRONG_LEGEND in words(warm.figure)
    sweep = [summary_of("suffix", 1 + g / 10, settings={"gamma": g}, **(WRONG if g == 8 else {})) for g in (2, 4, 8)]
    those = runs(*sweep)
    [lines] = sensitivity([run for run in those if run.summary.method == "suffix"])
    np.testing.assert_allclose(crosses(lines.figure), [(8, 1.8), (8, 2.8), (8, 1.34)])
    assert WRONG_LEGEND in words(lines.figure)
    those = runs(summary_of("speculative", 2.5, **WRONG))
    [speculative] = [run for run in those if run.summary.method == "speculative"]
    assert [up for _, up in crosses(beside_published([speculative])[0].figure)] == [2.5]
    for drawn in (step_time([speculative]), acceptance([speculative])):
        assert "speculative (mismatch)" in words(drawn[0].figure)


def test_a_mismatch_is_no_end_of_a_heat_maps_scale(runs):
    cells = [(g, k) for g in (4, 8, 12) for k in (1, 3)]
    those = [summary_of(speed=g / 4, settings={"gamma": g, "k": k}, **(WRONG if g == 12 else {})) for g, k in cells]
    [drawing] = sensitivity(runs(*those))
    axes = drawing.figure.axes[0]
    assert np.isnan(axes.images[0].get_array().filled(np.nan)[2]).all() and axes.images[0].get_clim() == (1.0, 2.0)
    assert sum("mismatch" in text.get_text() for text in axes.texts) == len(axes.patches) == 2


def crosses(figure):
    """Where points are crossed out."""
    return [
        (round(float(line.get_xdata()[0]), 6), round(float(line.get_ydata()[0]), 6))
        for axes in figure.axes
        for line in axes.lines
        if line.get_marker() == "x"
    ]


def colours(file):
    red, green, blue = np.moveaxis(np.rint(plt.imread(file)[..., :3] * 255).astype(np.int64), -1, 0)
    return len(np.unique((red << 16) + (green << 8) + blue))


@pytest.mark.slow
def test_every_figure_is_written_and_not_blank(tmp_path, capsys):
    root = tmp_path / "runs"
    for history in ("cold", "warm"):
        write_run(root, summary_of(speed=1.5, history=history))
    write_run(root, summary_of("speculative", 1.3))
    for task in ("humaneval", "gsm8k"):
        for pool in ("humaneval", "gsm8k"):
            write_run(root, summary_of(task=task, history="file"), {"history_made_by": {"task": pool}})
    for gamma in (2, 8):
        write_run(root, summary_of(settings={"gamma": gamma}))
    assert main([str(root), "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "not drawn" not in said
    drawn = sorted((tmp_path / "out").iterdir())
    assert {file.stem.split("_tiny-")[0] for file in drawn} == {
        "speedup_runs", "efficiency_runs", "sensitivity_gamma_ouroboros", "acceptance_runs", "step_time_runs",
        "cold_warm_runs", "contamination_ouroboros", "published",
    }  # fmt: skip
    for file in drawn:
        assert str(file) in said
        assert file.read_bytes().startswith(b"%PDF" if file.suffix == ".pdf" else b"\x89PNG")
        assert file.suffix == ".pdf" or colours(file) > 10, file


def test_what_has_no_data_is_said_and_not_drawn(tmp_path, capsys):
    bare = {"marginal": None, "conditional": None, "histogram": None, "rate": None, "drafted": None, "accepted": None}
    nothing = {"prefill": 1.0, "draft": None, "verify": None, "other": None, "observe": None, "decode": 2.0}
    summary = summary_of(
        "greedy", 1.0, acceptance=bare, seconds=nothing, target_forwards=None, tokens_per_target_forward=None
    )
    write_run(tmp_path / "runs", summary)
    assert main([str(tmp_path / "runs"), "--output", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [re.match(r"not drawn: (\w+) takes .+", line)[1] for line in said] == list(FIGURES)
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture
def only(monkeypatch):
    """A function that leaves these figures alone to be drawn."""
    return lambda *kinds: [monkeypatch.delitem(FIGURES, kind) for kind in list(FIGURES) if kind not in kinds]


def test_experiments_have_figures_of_their_own_but_sweeps_join(tmp_path, only):
    only("speedup", "sensitivity")
    for name, gamma in (("one", 2), ("two", 4), ("two", 8)):
        write_run(tmp_path / name, summary_of(settings={"gamma": gamma}))
    assert main([str(tmp_path / "one"), str(tmp_path / "two"), "--output", str(tmp_path / "out")]) == 0
    names = {file.stem.split("_tiny-")[0] for file in (tmp_path / "out").iterdir()}
    assert names == {"speedup_one", "speedup_two", "sensitivity_gamma_ouroboros"}


def test_setups_never_share_a_figure(tmp_path, only):
    only("speedup")
    for dtype in ("float32", "bfloat16"):
        write_run(tmp_path / "runs", summary_of(dtype=dtype))
    for cpu in ("One CPU", "Another CPU"):
        write_run(tmp_path / "runs", summary_of(model="m"), {"cpu": cpu})
    assert main([str(tmp_path / "runs"), "--output", str(tmp_path / "out")]) == 0
    names = [file.name for file in (tmp_path / "out").glob("speedup_*.png")]
    assert len(names) == 4 and sum("_m-" in name for name in names) == 2


def test_a_figure_without_an_interval_is_still_drawn(runs):
    speedup = {**summary_of()["speedup"], "decode": {"value": 1.5, "low": None, "high": None}}
    rival = summary_of("speculative", speedup=speedup | {"decode": interval(1.2)})
    [drawing] = speedups(runs(summary_of(speedup=speedup), rival))
    assert heights(drawing.figure.axes[0]) == [1.2, 1.5]


def test_errors_are_one_line_with_status_2(tmp_path, capsys):
    assert main([str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
