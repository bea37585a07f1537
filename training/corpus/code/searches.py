"""Problems that look for one value, place or property in a list of integers."""

import random

from training.corpus.code.arguments import integers, repeating
from training.corpus.code.problem import Clause, Problem
from training.corpus.code.vocabulary import ending, guard, named, number_change, number_condition


def extreme_where(rng: random.Random) -> Problem:
    """The largest or smallest element that passes a condition, or a default."""
    xs = integers(rng)
    keep = number_condition(rng, xs.signed)
    word, sign, slug = rng.choice((("largest", ">", "max"), ("smallest", "<", "min")))
    default = rng.choice((None, None, -1, 0))
    none = rng.choice((f"return {default} if there is none", f"if there is no such {xs.one}, return {default}"))
    fallback = "" if default is None else f"if best is None:\n    return {default}\n"
    return Problem(
        names=(named(word, keep.slug), named(slug, keep.slug, xs.one), f"{word}_{xs.one}"),
        aliases=(named("find", word, keep.slug), f"find_{slug}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="Optional[int]" if default is None else "int",
        what=f"the {word} of the {keep.of(xs)}",
        note=none,
        body=f"""
            best = None
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    if best is None or {xs.one} {sign} best:
                        best = {xs.one}
        """,
        finish=Clause(code=f"{fallback}return best\n"),
    )


def position_where(rng: random.Random) -> Problem:
    """The index of the first or last element that passes a condition."""
    xs = integers(rng)
    keep = number_condition(rng, xs.signed)
    last, default = rng.random() < 0.5, rng.choice((-1, -1, "None"))
    word = "last" if last else "first"
    inner = "position = i" if last else "return i"
    after = "position" if last else default
    lines = [f"position = {default}"] if last else []
    lines += [
        f"for i, {xs.one} in enumerate({xs}):",
        f"    if {keep.test(xs.one)}:",
        f"        {inner}",
        f"return {after}",
    ]
    return Problem(
        names=(named(word, keep.slug, "position"), f"{word}_index", named("index_of", word, keep.slug)),
        aliases=(f"find_{word}_index", named("find", word, keep.slug)),
        params=(xs, *keep.params),
        returns="int" if default == -1 else "Optional[int]",
        what=f"the index of the {word} {xs.one} that {keep.one}",
        note=rng.choice((f"return {default} if there is none", f"if there is no such {xs.one}, return {default}")),
        body="\n".join(lines) + "\n",
    )


def all_or_any(rng: random.Random) -> Problem:
    """Whether every or some element passes a condition."""
    xs = integers(rng, (2, 4))
    keep = number_condition(rng, xs.signed)
    every = rng.random() < 0.5
    test = f"not ({keep.test(xs.one)})" if every else keep.test(xs.one)
    word = "every" if every else rng.choice(("at least one", "some"))
    return Problem(
        names=(named("all" if every else "any", keep.slug), named("has_only" if every else "has", keep.slug, str(xs))),
        aliases=(named("check", "all" if every else "any", keep.slug), f"check_{xs}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="bool",
        whether=f"{word} {xs.one} {keep.one}",
        guard=guard(rng, xs, (not every,), 0.6),
        body=f"""
            for {xs.one} in {xs}:
                if {test}:
                    return {not every}
            return {every}
        """,
    )


def longest_streak(rng: random.Random) -> Problem:
    """The longest run of elements that pass a condition."""
    xs = integers(rng, (4, 8))
    keep = number_condition(rng, xs.signed)
    return Problem(
        names=(named("longest_run", keep.slug), f"longest_streak_of_{xs}"),
        aliases=(named("find_longest_run", keep.slug), "max_streak"),
        params=(xs, *keep.params),
        returns="int",
        what=f"the length of the longest run of consecutive {keep.of(xs)}",
        guard=guard(rng, xs, (-1,), 0.4),
        body=f"""
            longest = 0
            count = 0
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    count += 1
                    longest = max(longest, count)
                else:
                    count = 0
        """,
        finish=ending(rng, "longest", 5),
    )


def kth_extreme(rng: random.Random) -> Problem:
    """The second or third largest or smallest distinct value."""
    xs = integers(rng, (4, 6))
    k, word = rng.choice(((2, "second"), (3, "third")))
    largest, default = rng.random() < 0.5, rng.choice((-1, 0, None))
    order = "sorted(unique, reverse=True)" if largest else "sorted(unique)"
    side = "largest" if largest else "smallest"
    change = number_change(rng, xs.signed)
    return Problem(
        names=(f"{word}_{side}", f"{word}_{side}_{xs.one}"),
        aliases=(f"find_{word}_{side}", f"get_{word}_{side}"),
        params=(xs,),
        unordered=True,
        returns="int" if default is not None else "Optional[int]",
        what=f"the {word} {side} distinct value among {change.of('the ' + xs.name)}",
        note=f"return {default} if there are fewer than {k} distinct values",
        edges=(([],), ([4, 4],)),
        body=f"""
            unique = []
            for {xs.one} in {xs}:
                value_{xs.one} = {change.apply(xs.one)}
                if value_{xs.one} not in unique:
                    unique.append(value_{xs.one})
            if len(unique) < {k}:
                return {default}
            return {order}[{k - 1}]
        """,
    )


def spread_where(rng: random.Random) -> Problem:
    """The two ends of the elements that pass a condition, combined."""
    xs = integers(rng, (3, 6))
    keep, default = number_condition(rng, xs.signed), rng.choice((0, -1))
    what, result = rng.choice(
        (
            ("difference between the largest and the smallest", "max(kept) - min(kept)"),
            ("sum of the largest and the smallest", "max(kept) + min(kept)"),
            ("difference between the last and the first", "kept[-1] - kept[0]"),
            ("sum of the first and the last", "kept[0] + kept[-1]"),
            ("product of the first and the last", "kept[0] * kept[-1]"),
        )
    )
    return Problem(
        names=(named("spread", keep.slug), f"combine_ends_of_{xs}", f"ends_of_{xs}"),
        aliases=(f"find_difference_{xs}", "combine_extremes"),
        params=(xs, *keep.params),
        returns="int",
        what=f"the {what} of the {keep.of(xs)}",
        note=f"return {default} if there are none",
        body=f"""
            kept = [{xs.one} for {xs.one} in {xs} if {keep.test(xs.one)}]
            if not kept:
                return {default}
            return {result}
        """,
    )


def most_common(rng: random.Random) -> Problem:
    """The most frequent element, with a rule for ties."""
    xs = repeating(rng)
    tie, sign = rng.choice((("smallest", "<"), ("largest", ">")))
    default = rng.choice((-1, None))
    return Problem(
        names=(f"most_common_{xs.one}", "most_frequent", f"mode_of_{xs}"),
        aliases=(f"find_most_common_{xs.one}", "max_occurrences"),
        params=(xs,),
        unordered=True,
        returns="int" if default is not None else "Optional[int]",
        what=f"the {xs.one} that occurs most often in {xs}",
        note=f"if several do, return the {tie} of them, and return {default} if {xs} is empty",
        body=f"""
            best = {default}
            best_count = 0
            for {xs.one} in {xs}:
                count = {xs}.count({xs.one})
                if count > best_count or (count == best_count and {xs.one} {sign} best):
                    best = {xs.one}
                    best_count = count
            return best
        """,
    )


FAMILIES = (extreme_where, position_where, all_or_any, longest_streak, kth_extreme, spread_where, most_common)
