"""Running generated programs so that they hurt nobody, and judging them so that they cannot cheat.

See README.md.
"""

from tasks.sandbox.isolation import Limits, SandboxError, Submission
from tasks.sandbox.runner import Outcome, run_submissions

__all__ = ["Limits", "Outcome", "SandboxError", "Submission", "run_submissions"]
