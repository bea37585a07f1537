"""Greedy decoding: one token per forward of the target. The reference of every other method."""

from dataclasses import dataclass

from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec

SPEC = Spec(name="greedy", drafts="nothing: one token per forward, the reference of all others", colour="grey")


@dataclass
class Config:
    """Greedy decoding has no settings."""

    name: str = "greedy"


def build(_config: Config, pair: ModelPair) -> DraftThenVerify:
    """The loop with a drafter that proposes nothing."""
    return DraftThenVerify(pair, Drafter())
