"""Words of a prompt: the thing that it names, what describes it, and colours."""

import re

from ..geometry.colour_spaces import NAMES

_SHADES = {
    "grey": "gray silver silvery steel chrome metallic ash charcoal",
    "white": "ivory snowy snow-white",
    "black": "ebony jet-black",
    "red": "crimson scarlet ruby maroon cherry",
    "green": "lime olive emerald mint jade teal",
    "blue": "navy azure cyan turquoise cobalt aqua",
    "yellow": "gold golden lemon cream",
    "orange": "amber apricot",
    "brown": "tan beige chocolate bronze copper rusty wooden wood timber",
    "purple": "violet lilac lavender mauve",
    "pink": "rose magenta fuchsia",
}
COLOUR_WORDS = {name: name for name in NAMES} | {
    shade: name for name, shades in _SHADES.items() for shade in shades.split()
}
# They name nothing and say nothing of a form.
FILLERS = frozenset(
    "a an the one two three some few my its very low poly simple object model shape thing made "
    "coloured colored colour color painted".split()
)
# What follows one of them describes the thing before it.
PREPOSITIONS = frozenset("of with and or in on to for at by from under behind beside without".split())


def words_of(prompt: str) -> list[str]:
    """Its words in lower case, hyphens kept."""
    return re.findall(r"[a-z]+(?:-[a-z]+)*", prompt.lower())


def named_part(prompt: str) -> list[str]:
    """The words up to the preposition that follows a word that may name a thing: of “a red and white car with wheels”
    those before “with”."""
    words = words_of(prompt)
    for place, word in enumerate(words):
        before = [one for one in words[:place] if one not in COLOUR_WORDS and one not in FILLERS | PREPOSITIONS]
        if before and word in PREPOSITIONS:
            return words[:place]
    return words


def content_words(prompt: str) -> list[str]:
    """The words of a prompt that name a thing, in the singular, its noun last: what follows a preposition says more of
    it and is left out."""
    parts = [part for word in named_part(prompt) for part in word.split("-")]
    kept = [part for part in parts if part not in FILLERS]
    return [singular(word) for word in kept if word not in PREPOSITIONS or len(kept) == 1]


def singular(word: str) -> str:
    """A word without the ending of most plurals."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
