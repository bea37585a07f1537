"""python -m bench: measures a method beside greedy decoding, checks its outputs, and reports."""

from pathlib import Path

_BESIDE = Path(__file__).resolve().parent.parent
# What an installed harness has in place of a checkout (pyproject.toml maps it).
_DATA = _BESIDE / "ouroboros_bench_data"
INSTALLED = _DATA.is_dir()
# Where Hydra's settings, the bundled pair, what is measured and what others have published lie.
ROOT = _DATA if INSTALLED else _BESIDE
CONF = ROOT / "conf"
# What bench.tune wrote, and the commands of make paper (its README tells more).
GENERATED = ROOT / "generated"
