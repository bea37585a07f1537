"""What is declared of a method: a `SPEC` beside its `Config` and `build`, in the module of both."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from decoding.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A method in words and switches.

    All are literals, so that `read_spec` finds them without running the module.

    Attributes:
        name: as on the command line; conf/method/<name>.yaml holds its settings.
        drafts: what drafts, in a few words for a table.
        sources: addresses of papers or code.
        colour: in figures, one of bench.report.figures.style.NAMED; kin share one.
        ours: whether a mismatch is our fault (exit status 1), or a rival's and only reported.
        bound: no competitor, for it knows the output beforehand: left out of rankings.
        own_draft: whether a model drafts that is not the pair's draft: a part of the target, or one
            that reads its hidden states or its keys and values.
        keeps_history: whether anything learned on one prompt can serve the next.
        saves_state: whether what was learned can be written to a file and loaded from it.
        figures: import path of the module that knows what its drafter's own metrics come to
            (decoding/figures.py).
        within: settings that hold another method: its name, or a mapping with `name` and settings.
        renamed: settings that had another name once, by that name, so that a message can tell the
            new one.
        formerly: names that the method had once and another has now, each with a setting that the
            other lacks, by which what was measured then is told apart.
    """

    name: str
    drafts: str
    sources: tuple[str, ...] = ()
    colour: str = "black"
    ours: bool = True
    bound: bool = False
    own_draft: bool = False
    keeps_history: bool = False
    saves_state: bool = False
    figures: str = ""
    within: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    formerly: Mapping[str, str] = field(default_factory=dict)


def require_new_names(spec: Spec, settings: Iterable[str], group: str = "", where: str = "") -> None:
    """Raise UserError, naming the new one, for a setting under the name that it had once.

    Args:
        spec: of the method.
        settings: the names that were given.
        group: what a user writes before a setting's name, with its dot.
        where: what the message begins with.
    """
    for name in settings:
        if name in spec.renamed:
            raise UserError(f"{where}{group}{name} is now {group}{spec.renamed[name]}")


def read_spec(module: str) -> Spec:
    """The SPEC of a module, read from its source.

    To run a method's module takes torch, for which no figure waits.

    Args:
        module: import path.

    Raises:
        UserError: there is no such module, or it holds no SPEC of literals.
    """
    file = _source(module)
    if file is None:
        raise UserError(f"method module {module}: there is no such file")
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == ["SPEC"]:
            try:
                # Anything else has none: AttributeError.
                keywords = cast(ast.Call, node.value).keywords
                return Spec(**{each.arg or "**": ast.literal_eval(each.value) for each in keywords})
            except (AttributeError, TypeError, ValueError) as error:
                raise UserError(f"{file}: SPEC must be Spec(name=..., ...) with literals alone ({error})") from error
    raise UserError(f"{file}: a method needs SPEC = Spec(name=..., drafts=...)")


def _source(module: str) -> Path | None:
    """The file of a module, None if there is none; the packages around it are not run for it."""
    package, *inner = module.split(".")
    found = find_spec(package)
    if found is None:
        return None
    if not inner:
        return Path(found.origin) if found.origin else None
    folders = found.submodule_search_locations or ()
    files = [Path(folder, *inner).with_suffix(".py") for folder in folders]
    return next((file for file in files if file.is_file()), None)
