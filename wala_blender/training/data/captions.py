"""Captions in the style of typed prompts, from the few words of a file's name."""

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
_OPENINGS_OF_SEVERAL = ("{}", "some {}", "two {}", "a few {}", "the {}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Wording of kits' file names → usual English. Whole words; the first match counts.
_PHRASES = (
    ("drc practice", ""), ("robocup dsim", ""), ("low poly", ""), ("low detail", ""), ("vert color", ""), ("humanoid rig", ""), ("unity esque", ""),
    ("quad dominant", ""), ("without base", ""), ("food ingredient", ""), ("story stack", ""), ("story center", ""), ("building dirt", "building"),
    ("building grain", "granary"), ("weapon rack", "weapons rack"), ("two handed", "handed"), ("laser sabel", "laser sabre"), ("cup thea", "cup tea"),
    ("cannon karge", "large cannon"), ("wholer ham", "whole ham"), ("archeryrange", "archery range"), ("lumbermill", "lumber mill"),
    ("simpletower", "tower"), ("stop light", "traffic light"), ("lightpost", "lamp post"), ("rocketlauncher", "rocket launcher"),
    ("machinegun", "machine gun"), ("vegetableburger", "vegetable burger"), ("policetape", "police tape"), ("sidehouse", "side house"),
    ("jackolantern", "jack-o-lantern"), ("trex", "tyrannosaurus"), ("sci fi", "futuristic"), ("fatkid", "fat kid"), ("watchtower", "watch tower"),
    ("book case", "bookcase"), ("arm chair", "armchair"), ("space craft", "spaceship"), ("space truck", "space truck"),
    ("craft cargo", "cargo spaceship"), ("craft miner", "mining spaceship"), ("craft racer", "racing spaceship"),
    ("craft speeder", "speeder spaceship"), ("boat sail ship", "sailing ship"), ("sail ship", "sailing ship"), ("viking boat ship", "viking ship"),
    ("tree pine", "pine tree"), ("tree palm", "palm tree"), ("tree oak", "oak tree"), ("tree fruit", "fruit tree"), ("chair desk", "desk chair"),
    ("chair stool", "stool"), ("lamp table", "table lamp"), ("lamp round table", "round table lamp"), ("lamp square table", "square table lamp"),
    ("light desk", "desk lamp"), ("light street", "street light"), ("light chandelier", "chandelier"), ("table coffee", "coffee table"),
    ("bed bunk", "bunk bed"), ("bed king", "king bed"), ("bed twin", "twin bed"), ("stool bar", "bar stool"),
    ("cabinet television", "television cabinet"), ("cabinet bed", "bedside cabinet"), ("lounge design", "lounge"), ("car police", "police car"),
    ("car taxi", "taxi"), ("taxi car", "taxi"), ("car sedan", "sedan car"), ("car hatchback", "hatchback car"),
    ("car station wagon", "station wagon"), ("suv car", "suv"), ("cop car", "police car"), ("cop person", "police officer"),
    ("statue horse", "horse statue"), ("statue head", "head statue"), ("built in", "built-in"), ("glass wine", "wine glass"),
    ("soda glass", "glass of soda"), ("building story sign", "building with sign"), ("shaker pepper", "pepper shaker"),
    ("cake birthday", "birthday cake"), ("burger cheese", "cheeseburger"), ("sword scimitar", "scimitar"), ("bottle lipstick", "lipstick"),
    ("loaf baguette", "baguette"), ("pillar obelisk", "obelisk"), ("statue obelisk", "obelisk"), ("pumpkin orange", "orange pumpkin"),
    ("pine tree orange", "orange pine tree"), ("smooth female", "female"), ("smooth male", "male"),
    ("collapsed industrial", "collapsed industrial building"), ("fence gate", "fence with gate"), ("hills trees", "hills with trees"),
    ("mountain grass trees", "mountain with grass and trees"), ("mountain grass", "mountain with grass"),
    ("sword shield broken", "broken sword and shield"), ("sword shield", "sword and shield"), ("fruit character", "character"),
    ("rae the panda", "with a panda"), ("finn the frog", "with a frog"), ("barbara the bee", "with a bee"),
    ("fernando the flamingo", "with a flamingo"),
)  # fmt: skip
_JUNK = _words(
    "vert color anim animated mesh lod tri low poly detail single type base default sm obj chr stage story mid alt exclusive engi handed rig "
    "model scene object export exported untitled final new copy tmp geo geometry normalized fbx glb gltf stl ply blend dae max"
)
# Parts that a kit has for building weapons from: "grip sniper gun part" is a sniper rifle's grip.
_GUN_PART = re.compile(
    r"(?:\b(?!submachine )(\w+) )?(?:(?:front|single) )?(?:\b(ar|smg|sniper|pistol|grenade|crossbow) )?gun part"
)
_GUNS = {
    "ar": "rifle",
    "smg": "submachine gun",
    "sniper": "sniper rifle",
    "grenade": "grenade launcher",
    "pistol": "pistol",
    "crossbow": "crossbow",
}
_CLOTHES = ("dress", "suit", "shirt", "tank top", "long sleeve")
# Categories of kits before or after an object's name: dropped if a name remains.
_GROUPS_BEFORE = _words(
    "building food ingredient props prop resource pickup vehicle weapon utensil item scene detail collectible primitive hazard crop crops "
    "nature furniture environment asset decoration scanse"
)
_GROUPS_AFTER = _words("animal building fish")
_GROUP_IS_THE_NAME = {
    "fish": _words(
        "tang lion parrot angel puffer koi tuna butterfly cardinal mandarin flower clown gramma humphead catfish horn worm grouper"
    )
}
_ADJECTIVES = _words(
    "small large big bigger medium tiny tall short long wide narrow high thin thick fat slim flat round rounded square rectangle cylindric "
    "triangle diagonal curved slanted slant open closed broken damaged destroyed collapsed cracked dead fallen old vintage modern medieval "
    "fancy simple detailed decorated decorative dirty clean empty filled full half double triple quarter wooden wood stone metal iron steel "
    "golden gold bronze marble plastic leather glass gothic celtic cooked raw chopped mashed standing hanging mounted lit covered walled "
    "stacked packed cushioned floating swirl spiral moving flying hooded modular industrial electric complex elevated built-in antique pink red "
    "green blue black white brown grey yellow pointy sharp smooth extra evil wild mossy snowy autumn"
)
_AS_ADJECTIVE = {"snow": "snowy", "moss": "mossy", "handed": "", "wood": "wooden"}
_DETAILS = _words(
    "doors windows cushion cushions pillows books drawers columns balcony stairs arms backsplash tablecloth cloth candles flowers berries "
    "spikes crystals ore awning logs stones bricks arrows plates poles sill border"
)
_ROOMS = _words("kitchen bathroom bedroom office")
_CONTAINERS = _words("crate bowl bag bucket sack jar cup basket box plate")
_CONTENTS = _words(
    "arrows broth buns carrots cereal cheese coins cookies fish food ham lettuce onions potatoes sauerkraut soup steak tea tomatoes water "
    "apples fruit books"
)
_MEANINGLESS = _words(
    "cluttering numbers create crete side start end split gap bump down level overhead left right center middle top bottom connector corner "
    "straight curve first props item thing untitled group set pack kit asset stuff misc"
)
_NO_NOUNS = (_ADJECTIVES | _MEANINGLESS) - _words("glass stone wood gold")
_LINKS = ("of", "with", "in", "and")
UNNAMED = "object"  # caption of an object without a meaningful name


def name_words(name: str) -> list[str]:
    """Words of a file's or folder's name: split at signs, digits and humps, in lower case, without single letters and
    codes."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", re.sub(r"[0-9a-fA-F]{8,}", " ", name))
    return [part.lower() for part in re.findall(r"[^\W\d_]+", apart) if len(part) > 1]


def clean(caption: str) -> str:
    """The caption in usual English: without the words of tools and kits, adjectives before the noun; "object" when
    nothing is left.

    A cleaned caption stays as it is.
    """
    text = " " + " ".join(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", caption.lower())) + " "
    text = _GUN_PART.sub(_gun_part, text)
    for written, replacement in _PHRASES:
        text = text.replace(f" {written} ", f" {replacement} ")
    words = _without_groups([word for word in text.split() if word not in _JUNK])
    words = _in_order(_person(words))
    while words and words[-1] in _LINKS:
        words.pop()
    return UNNAMED if not words or not _names(words) else " ".join(words)


def _gun_part(found: re.Match) -> str:
    part, kind = found.groups()
    if kind is None and part in _GUNS:
        part, kind = None, part
    return f"{_GUNS.get(kind, 'gun')} {part or 'part'}"


def is_noun(word: str) -> bool:
    """Whether a caption's word can be a thing: no adjective, none of the words that only kits use."""
    return word not in _NO_NOUNS


def _names(words: list[str]) -> bool:
    """Whether a noun is among the words."""
    return any(map(is_noun, words))


def _without_groups(words: list[str]) -> list[str]:
    if any(link in words for link in _LINKS):
        return words
    while (
        words
        and words[0] in _GROUPS_BEFORE
        and _names(words[1:])
        and not (words[0] == "building" and words[-1] in _DETAILS)
    ):
        words = words[1:]
    if (
        words
        and words[-1] in _GROUPS_AFTER
        and _names(words[:-1])
        and words[-2] not in _GROUP_IS_THE_NAME.get(words[-1], ())
    ):
        words = words[:-1]
    return words


def _person(words: list[str]) -> list[str]:
    """Such as "female sitting person" → "woman sitting", "suit man" → "man in suit"."""
    for sex, noun in (("female", "woman"), ("male", "man")):
        if len(words) > 1 and (words[-1] == noun or (sex in words and words[-1] in ("person", "character"))):
            rest = [word for word in words[:-1] if word != sex]
            if " ".join(rest) in _CLOTHES:
                return [noun, "in", *rest]
            return [noun, *rest] if any(word.endswith("ing") and word != "king" for word in rest) else [*rest, noun]
    return words


def _in_order(words: list[str]) -> list[str]:
    """Such as "table round small cloth" → "round small table with cloth", "crate carrots" → "crate of carrots"."""
    if len(words) < 2 or any(link in words for link in _LINKS):
        return words
    after: list[str] = []
    last = len(words)
    while last > 1 and words[last - 1] in _ADJECTIVES | _AS_ADJECTIVE.keys():
        last -= 1
        after.insert(0, words[last])
    if not _names(words[:last]):
        return words
    adjectives, nouns = [_AS_ADJECTIVE.get(word, word) for word in after], words[:last]
    if len(nouns) > 1 and nouns[0] in _CONTAINERS and nouns[-1] in _CONTENTS:
        nouns = [*nouns[:-1], "of", nouns[-1]]
    elif nouns[-1] in _DETAILS and set(nouns[:-1]) - _ADJECTIVES - _MEANINGLESS and nouns[-2] not in _ROOMS:
        nouns = [*_in_order(nouns[:-1]), "with", nouns[-1]]
    return [word for word in adjectives if word] + nouns


def head_of(caption: str) -> str:
    """The noun of a cleaned caption: its last word, or the one before "of", "with" or "in"; "woman" of "woman
    sitting"."""
    words = caption.split()
    if words[0] in ("man", "woman"):
        return words[0]
    links = [words.index(link) for link in ("of", "with", "in") if link in words[1:]]
    return words[min(links) - 1] if links else words[-1]


def plural(noun: str) -> str:
    """The plural, "chairs" of "chair"; words that are plurals, or have none, stay."""
    if _is_plural(noun) or noun in ("grass", "moss", "corn", "bread", "wheat", "fish", "sheep", "deer", "food"):
        return noun
    irregular = {
        "person": "people",
        "man": "men",
        "woman": "women",
        "knife": "knives",
        "shelf": "shelves",
        "loaf": "loaves",
        "mouse": "mice",
    }
    if noun in irregular:
        return irregular[noun]
    if noun.endswith(("s", "sh", "ch", "x", "z")):
        return noun + "es"
    return noun[:-1] + "ies" if noun.endswith("y") and noun[-2:-1] not in "aeiou" else noun + "s"


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "us")) and noun not in ("canvas", "gas")


def carries(caption: str, noun: str) -> bool:
    """Whether a caption contains that noun, a synonym of it, or either's plural."""
    padded = f" {caption.lower()} "
    return any(f" {form} " in padded for word in _ALTERNATIVES.get(noun, (noun,)) for form in (word, plural(word)))


def vary(caption: str, head: str, rng: random.Random) -> str:
    """A random variation of a caption: dropped words, a synonym, a plural, an opening."""
    text = clean(caption)
    head = head if head and head in text.split() else head_of(text)
    words = text.split()
    if rng.random() < 0.35:
        words = [head]
    elif len(words) > 1 and not any(link in words for link in _LINKS) and rng.random() < 0.4:
        dropped = rng.randrange(len(words))
        if words[dropped] != head:
            del words[dropped]
    several = plural(head) != head and rng.random() < 0.06
    if several:
        words = [plural(word) if word == head else word for word in words]
    elif rng.random() < 0.3:
        words = [rng.choice(_ALTERNATIVES[word]) if word in _ALTERNATIVES else word for word in words]
    if rng.random() > 0.8:
        return " ".join(words)
    openings = _OPENINGS_OF_SEVERAL if several or _is_plural(head) else _OPENINGS
    return _with_article(rng.choice(openings).format(" ".join(words)))


def _with_article(text: str) -> str:
    return re.sub(r"\ba (?=[aeio])", "an ", text)
