"""python -m bench: measures a decoding method beside greedy decoding, checks its outputs, and reports."""

from pathlib import Path

# Of summary.json; here, so that what only reads summaries need not load torch.
SCHEMA_VERSION = 1
# What lies beside the packages: Hydra's settings, the bundled pair, what is measured and what others have published.
ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
