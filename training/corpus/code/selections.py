"""Problems that choose, split or reorder the integers of a list."""

import random

from training.corpus.code.arguments import integer, integers, repeating
from training.corpus.code.problem import Clause, Problem
from training.corpus.code.vocabulary import guard, named, number_change, number_condition

LIST = "List[int]"


def filter_map(rng: random.Random) -> Problem:
    """A list of the changed elements that pass a condition."""
    xs = integers(rng)
    keep, change = number_condition(rng, xs.signed), number_change(rng, xs.signed)
    order = rng.choice(
        (
            Clause("", "return result\n"),
            Clause("keep the order of the list", "return result\n"),
            Clause("the result is in reverse order", "return result[::-1]\n"),
            Clause("the result is sorted", "return sorted(result)\n"),
        )
    )
    return Problem(
        names=(named("filter", keep.slug), named(change.slug, keep.slug, str(xs)), f"select_{xs}"),
        aliases=(named("find", keep.slug), f"filter_{xs}"),
        params=(xs, *keep.params),
        returns=LIST,
        what=f"a list of {change.of('the ' + keep.of(xs))}",
        guard=guard(rng, xs, ([0], [-1]), 0.3),
        body=f"""
            result = []
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    result.append({change.apply(xs.one)})
        """,
        finish=order,
    )


def partition(rng: random.Random) -> Problem:
    """The elements that pass a condition apart from the others."""
    xs = integers(rng)
    keep = number_condition(rng, xs.signed)
    returns, what, result = rng.choice(
        (
            (
                f"Tuple[{LIST}, {LIST}]",
                f"two lists, one with the {keep.of(xs)} and one with the others",
                "chosen, others",
            ),
            (
                "Tuple[int, int]",
                f"a tuple with the sum of the {keep.of(xs)} and the sum of the others",
                "sum(chosen), sum(others)",
            ),
            (LIST, f"a list with the {keep.of(xs)} first and then the others", "chosen + others"),
            (LIST, f"a list with the {keep.of(xs)} last and the others before them", "others + chosen"),
            ("int", f"the sum of the {keep.of(xs)} minus the sum of the others", "sum(chosen) - sum(others)"),
        )
    )
    return Problem(
        names=(f"split_{xs}", named("separate", keep.slug), f"divide_{xs}"),
        aliases=(f"partition_{xs}", named("split", keep.slug)),
        params=(xs, *keep.params),
        returns=returns,
        what=what,
        body=f"""
            chosen = []
            others = []
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    chosen.append({xs.one})
                else:
                    others.append({xs.one})
            return {result}
        """,
    )


def replace_where(rng: random.Random) -> Problem:
    """A copy in which the elements that pass a condition are replaced."""
    xs = integers(rng)
    keep, change = number_condition(rng, xs.signed), number_change(rng, xs.signed, identity=False)
    fixed = rng.choice((0, -1, 1, 10, None))
    new = change.apply(xs.one) if fixed is None else fixed
    told = f"all {keep.of(xs)} are replaced by {fixed}"
    if fixed is None:
        told = f"the {keep.of(xs)} are replaced: they become {change.of('the old ones')}"
    return Problem(
        names=(f"replace_{xs}", named("replace", keep.slug), f"update_{xs}"),
        aliases=(f"change_{xs}", named("substitute", keep.slug)),
        params=(xs, *keep.params),
        returns=LIST,
        what=f"a copy of {xs} in which {told}",
        guard=guard(rng, xs, ([0],), 0.2),
        body=f"""
            result = []
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    result.append({new})
                else:
                    result.append({xs.one})
            return result
        """,
    )


def drop_repeats(rng: random.Random) -> Problem:
    """The elements chosen by how often they occur."""
    xs = repeating(rng)
    keep = number_condition(rng, free=False)
    mode, test = rng.choice(
        (
            (f"all {xs} that occur only once", f"{xs}.count({xs.one}) == 1"),
            (f"the distinct {xs}, each at its first place", f"{xs.one} not in result"),
            (f"the distinct {xs} that occur more than once", f"{xs}.count({xs.one}) > 1 and {xs.one} not in result"),
            (f"the distinct {xs} that occur exactly twice", f"{xs}.count({xs.one}) == 2 and {xs.one} not in result"),
            (f"{xs} without equal neighbours", f"not result or result[-1] != {xs.one}"),
        )
    )
    some = rng.choice((Clause("", ""), Clause(f"leave out every {xs.one} that {keep.one}", keep.test(xs.one))))
    skip = f"    if {some.code}:\n        continue\n" if some.code else ""
    final = rng.choice(
        (
            Clause("", "return result\n"),
            Clause("sort the result", "return sorted(result)\n"),
            Clause("return only how many there are", "return len(result)\n"),
        )
    )
    return Problem(
        names=("remove_duplicates", f"distinct_{xs}", f"unique_{xs}"),
        aliases=(f"find_unique_{xs}", "remove_repeated"),
        params=(xs,),
        returns="int" if "len" in final.code else LIST,
        what=f"a list of {mode}",
        note=some.text,
        body=f"result = []\nfor {xs.one} in {xs}:\n{skip}    if {test}:\n        result.append({xs.one})\n",
        finish=final,
    )


def split_at(rng: random.Random) -> Problem:
    """Groups between the elements that pass a condition."""
    xs = integers(rng, (4, 7), high=9)
    cut = number_condition(rng, xs.signed)
    word, code, kind = rng.choice(
        (
            ("groups", "group", f"List[{LIST}]"),
            ("sums of the groups", "sum(group)", LIST),
            ("lengths of the groups", "len(group)", LIST),
        )
    )
    return Problem(
        names=(f"split_{xs}", named("split_at", cut.slug), f"group_{xs}"),
        aliases=(f"split_list_{xs}", "break_into_groups"),
        params=(xs, *cut.params),
        returns=kind,
        what=f"the list of the {word} that arise when {xs} is cut at every {xs.one} that {cut.one}",
        note=f"such a {xs.one} belongs to no group, and groups may be empty",
        body=f"""
            result = []
            group = []
            for {xs.one} in {xs}:
                if {cut.test(xs.one)}:
                    result.append({code})
                    group = []
                else:
                    group.append({xs.one})
            result.append({code})
            return result
        """,
    )


def sort_by(rng: random.Random) -> Problem:
    """The elements that pass a condition, sorted by a key."""
    xs = integers(rng, (3, 6), high=60)
    k = rng.randint(3, 8)
    key, code = rng.choice(
        (
            ("absolute value", "abs({0})"),
            ("last digit", "abs({0}) % 10"),
            (f"remainder modulo {k}", f"{{0}} % {k}"),
            (f"distance to {k}", f"abs({{0}} - {k})"),
            ("number of digits", "len(str(abs({0})))"),
        )
    )
    down = rng.random() < 0.4
    keep = number_condition(rng, xs.signed)
    return Problem(
        names=(f"sort_{xs}", f"sort_by_{key.replace(' ', '_')}", f"order_{xs}"),
        aliases=(f"sort_list_{xs}", f"arrange_{xs}"),
        params=(xs, *keep.params),
        unordered=True,
        returns=LIST,
        what=f"the {keep.of(xs)}, sorted by {key} in {'descending' if down else 'ascending'} order",
        note=f"{xs} with the same {key} stay in their order",
        body=f"""
            kept = [{xs.one} for {xs.one} in {xs} if {keep.test(xs.one)}]
            return sorted(kept, key=lambda {xs.one}: {code.format(xs.one)}{", reverse=True" if down else ""})
        """,
    )


def prefix_while(rng: random.Random) -> Problem:
    """The elements before, or from, the first that passes a condition."""
    xs = integers(rng, (3, 7))
    stop = number_condition(rng, xs.signed)
    take = rng.random() < 0.5
    what = f"the list of the {xs} before the first one that {stop.one}"
    if not take:
        what = f"the list of the {xs} from the first one that {stop.one} to the end"
    final, other = (f"{xs}[:i]", xs) if take else (f"{xs}[i:]", "[]")
    include = take and rng.random() < 0.4
    if include:
        what, final = f"the list of the {xs} up to and including the first one that {stop.one}", f"{xs}[:i + 1]"
    return Problem(
        names=(f"{'take_until' if take else 'drop_until'}", f"{'start' if take else 'end'}_of_{xs}"),
        aliases=(f"cut_{xs}", f"get_{'first' if take else 'last'}_{xs}"),
        params=(xs, *stop.params),
        returns=LIST,
        what=what,
        note=f"if there is no such {xs.one}, return {'all of them' if take else 'an empty list'}",
        body=f"""
            for i, {xs.one} in enumerate({xs}):
                if {stop.test(xs.one)}:
                    return {final}
            return {other}
        """,
    )


def move_to_end(rng: random.Random) -> Problem:
    """Elements equal to an argument, moved to one end."""
    xs = repeating(rng, (4, 7))
    value = integer(rng, "target element", 0, 5)
    front, change = rng.random() < 0.4, number_change(rng, identity=True)
    side = "beginning" if front else "end"
    joined = f"[{value}] * count + result" if front else f"result + [{value}] * count"
    return Problem(
        names=(f"move_to_{side}", f"{value}_to_{side}"),
        aliases=(f"move_{value}_to_{side}", "shift_elements"),
        params=(xs, value),
        returns=LIST,
        what=f"a list in which all elements equal to {value} are moved to the {side} of {xs}",
        note="the others keep their order" + (f" and become {change.of('the old ones')}" if change.slug else ""),
        body=f"""
            result = []
            count = 0
            for {xs.one} in {xs}:
                if {xs.one} == {value}:
                    count += 1
                else:
                    result.append({change.apply(xs.one)})
            return {joined}
        """,
    )


FAMILIES = (filter_map, partition, replace_where, drop_repeats, split_at, sort_by, prefix_while, move_to_end)
