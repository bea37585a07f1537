"""python -m bench: measures a decoding method beside greedy decoding, checks its outputs, and reports."""

from pathlib import Path

# What lies beside the packages: Hydra's settings, the bundled pair, what is measured and what others have published.
ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
