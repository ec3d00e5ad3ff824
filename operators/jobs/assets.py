"""Asset browser: results marked as assets, with their origin as metadata.

Assets are shared through saved files, so that every asset is described at the latest when the file is saved. Metadata
from the artist is kept.
"""

import bpy
from bpy.app.handlers import persistent

from .deliver import MARK

AI_GENERATED, NON_COMMERCIAL = "AI-generated", "non-commercial"


def register() -> None:
    """Add the handler of saves."""
    bpy.app.handlers.save_pre.append(describe_all)


def unregister() -> None:
    """Remove the handler."""
    bpy.app.handlers.save_pre.remove(describe_all)


def mark(item) -> None:
    """Mark a new result as an asset of this file."""
    item.asset_mark()
    describe(item)
    if not bpy.app.background:
        item.asset_generate_preview()


@persistent
def describe_all(*_) -> None:
    """Describe every asset of this file that is a result or contains one."""
    for collection in (bpy.data.objects, bpy.data.meshes):
        for owner in collection:
            if owner.asset_data is not None and owner.library is None:
                describe(owner)


def describe(owner) -> None:
    """Fill in the empty metadata of an asset (an object or a mesh) from its origin; no effect on other assets.

    The licence is filled in only where it restricts the shape, not where shapes belong to the artist.
    """
    if not owner.get(f"{MARK}ai_generated"):
        return
    asset, non_commercial = owner.asset_data, bool(owner.get(f"{MARK}non_commercial"))
    asset.description = asset.description or _origin(owner)
    asset.tags.new(AI_GENERATED, skip_if_exists=True)
    if non_commercial:
        asset.license = asset.license or owner.get(f"{MARK}licence", "")
        asset.tags.new(NON_COMMERCIAL, skip_if_exists=True)


def _origin(owner) -> str:
    """A sentence from the custom properties."""
    provenance = {name: owner.get(MARK + name) for name in ("model", "condition", "prompt", "seed", "licence")}
    source = f"“{provenance['prompt']}”" if provenance["prompt"] else provenance["condition"]
    description = f"AI-generated from {source} by the WaLa model {provenance['model']}, seed {provenance['seed']}"
    return (
        f"{description}. Not for commercial use: {provenance['licence']}"
        if owner.get(f"{MARK}non_commercial")
        else description
    )
