"""Regular English inflection: plurals, third person, past tense, and the indefinite article."""

VOWELS = "aeiou"
SOUNDED_AS_CONSONANT = ("uni", "eu", "use", "one")
SOUNDED_AS_VOWEL = ("hour", "honest")


def plural_of(noun: str) -> str:
    """The regular plural of an English noun, which is also a regular verb's third person."""
    if noun.endswith(("s", "sh", "ch", "x", "z", "o")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in VOWELS:
        return noun[:-1] + "ies"
    return noun + "s"


def past_tense(verb: str) -> str:
    """The regular past of an English verb."""
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return verb + "ed"


def with_article(words: str) -> str:
    """`words` with "a" or "an" before them, by sound."""
    lower = words.lower()
    vowel = lower.startswith(SOUNDED_AS_VOWEL) or (lower[0] in VOWELS and not lower.startswith(SOUNDED_AS_CONSONANT))
    return f"{'an' if vowel else 'a'} {words}"
