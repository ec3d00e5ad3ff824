"""Captions as people would type them, from the few words a collection's file names give. Knows words; not shapes or tokens."""

import random
import re

SYNONYMS = (
    ("sofa", "couch", "settee"), ("car", "automobile"), ("cup", "mug"), ("gun", "firearm"), ("pistol", "handgun"), ("house", "home", "cottage"),
    ("person", "human", "figure"), ("man", "male", "guy"), ("woman", "female", "lady"), ("bookcase", "bookshelf", "shelf"), ("crate", "wooden box"),
    ("chest", "treasure chest"), ("rock", "stone", "boulder"), ("tree", "leafy tree"), ("pine", "fir", "conifer", "christmas tree"), ("bush", "shrub"),
    ("plant", "potted plant", "houseplant"), ("spaceship", "spacecraft", "starship"), ("rocket", "missile"), ("ship", "boat", "vessel"),
    ("plane", "airplane", "aircraft"), ("truck", "lorry"), ("bus", "coach"), ("train", "locomotive"), ("tv", "television"), ("lamp", "light"),
    ("computer", "pc"), ("fridge", "refrigerator"), ("stove", "oven", "cooker"), ("bin", "trash can", "garbage can"), ("barrel", "cask", "keg"),
    ("bottle", "flask"), ("potion", "potion bottle", "elixir"), ("sword", "blade"), ("knife", "dagger"), ("axe", "hatchet"), ("hammer", "mallet"),
    ("building", "block of flats"), ("skyscraper", "tall building", "high-rise"), ("tower", "turret"), ("fence", "railing"), ("grave", "gravestone", "tombstone"),
    ("stool", "bar stool"), ("armchair", "easy chair"), ("desk", "writing desk"), ("table", "dining table"), ("wardrobe", "closet"), ("cabinet", "cupboard"),
    ("flower", "blossom"), ("mushroom", "toadstool"), ("burger", "hamburger"), ("cake", "gateau"), ("alien", "monster"), ("robot", "mech"), ("dog", "puppy"),
    ("cat", "kitten"), ("stairs", "staircase", "steps"), ("door", "doorway"), ("tent", "camping tent"), ("sign", "signpost"), ("shield", "buckler"),
)  # fmt: skip
_ALTERNATIVES = {word: group for group in SYNONYMS for word in group if " " not in word}
_OPENINGS = ("a {}", "{}", "an object: {}", "a model of a {}", "one {}", "a low poly {}", "a simple {}", "the {}")
_JUNK = re.compile(r"\b(vert|color|anim|animated|mesh|lod|tri|low|poly|detail|single|type|base|default|sm|obj|chr)\b")


def clean(caption: str) -> str:
    """The caption without the words that come from tools rather than from the thing; if nothing else is left the caption itself, or "object"."""
    cleaned = " ".join(_JUNK.sub(" ", caption.lower()).split())
    return cleaned or caption.lower().strip() or "object"


def vary(caption: str, head: str, rng: random.Random) -> str:
    """One way of saying it: words dropped, a synonym for one of them, an opening."""
    words = clean(caption).split()
    if rng.random() < 0.35 and head:
        words = head.split()
    elif len(words) > 1 and rng.random() < 0.4:
        dropped = rng.randrange(len(words))
        if words[dropped] != head:
            del words[dropped]
    if rng.random() < 0.3:
        words = [rng.choice(_ALTERNATIVES[word]) if word in _ALTERNATIVES else word for word in words]
    return rng.choice(_OPENINGS).format(" ".join(words)) if rng.random() < 0.8 else " ".join(words)
