"""Tab completion in bash, of `python -m bench` and bench.tune as of `ouroboros-bench`.

Hydra's own knows `python FILE.py` and commands alone, and takes every other use of `python` from
the shell.
"""

import os
import re
from collections.abc import Sequence

from bench.console.search_path import generated_folders
from decoding.errors import UserError

INSTALL = """_bench_before=$(complete -p python 2> /dev/null | sed -n 's/.* -F \\([^ ]*\\) .*/\\1/p')
_bench_complete()
{
    local words=($COMP_LINE)
    local run=("${words[0]}")
    case "${words[1]} ${words[2]}" in
        "-m bench" | "-m bench.tune") run+=("${words[@]:1:2}") ;;
        *) if [[ "${words[0]##*/}" == python* ]]; then
               [[ -n "$_bench_before" && "$_bench_before" != _bench_complete ]] && "$_bench_before" "$@"
               return
           fi ;;
    esac
    local choices=$(COMP_LINE="$COMP_LINE" "${run[@]}" -sc query=bash 2> /dev/null)
    compopt -o nospace 2> /dev/null
    COMPREPLY=($(compgen -W "$choices" -- "${words[$COMP_CWORD]}"))
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o default -F _bench_complete python python3 ouroboros-bench"""
UNINSTALL = """complete -r python python3 ouroboros-bench 2> /dev/null
[[ -n "$_bench_before" ]] && complete -o default -F "$_bench_before" python python3
unset -f _bench_complete; unset _bench_before"""
SCRIPTS = {"install=bash": INSTALL, "uninstall=bash": UNINSTALL}


def script(arguments: Sequence[str]) -> str | None:
    """What bash is to evaluate for `-sc install=bash` or `-sc uninstall=bash`.

    None for another command line.

    Raises:
        UserError: the shell is another: Hydra's scripts for others know no `python -m`, and would
            offer nothing without a word.
    """
    if "--shell-completion" not in arguments:
        return None
    for what, _, shell in (each.partition("=") for each in arguments):
        if what in ("install", "uninstall", "query") and shell != "bash":
            raise UserError(f"{what}={shell}: tab completion is for bash alone, -sc {what}=bash")
    return next((SCRIPTS[each] for each in arguments if each in SCRIPTS), None)


def shorten_line() -> None:
    """`python -m bench ...` in COMP_LINE as one word: Hydra would take -m for its own flag."""
    line = os.environ.get("COMP_LINE", "")
    os.environ["COMP_LINE"] = re.sub(r"^\s*\S*python[\d.]*\s+-m\s+bench(\.\w+)?(?=\s|$)", "ouroboros-bench", line)


def tuned_names(arguments: Sequence[str]) -> list[str]:
    """How COMP_LINE may go on, a folder at a time, where its last word is `method=tuned/...`.

    Hydra offers no option that lies in a folder of its group.

    Args:
        arguments: of the process; nothing is offered for any but `-sc query=bash`.
    """
    begun = os.environ.get("COMP_LINE", "").rpartition(" ")[2]
    if "query=bash" not in arguments or not begun.startswith("method="):
        return []
    folder = begun.removeprefix("method=").rpartition("/")[0]
    first, *inner = folder.split("/")
    if first not in ("", "tuned") or ".." in inner or begun.startswith("method=/"):
        return []
    found = [each for root in generated_folders() for each in (root / "method" / folder).glob("*")]
    names = {f"{each.stem}/" if each.is_dir() else each.stem for each in found}
    options = sorted(f"method={folder}{'/' if folder else ''}{name}" for name in names)
    return [option for option in options if option.startswith(begun)]
