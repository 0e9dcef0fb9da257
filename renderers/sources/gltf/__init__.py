"""glTF 2.0, as the specification has it, or a refusal that names what is not read.

`read` takes a .glb or .gltf file of anybody to the parts that it shows: nothing outside its folder is read, nothing
larger than the limits of `untrusted` is unpacked, and whatever is wrong with it becomes an AssetError.
"""

from pathlib import Path

import trimesh

from renderers.sources.gltf import compression, materials, scene
from renderers.sources.gltf.container import Document
from renderers.sources.gltf.materials import Materials, Notes
from zeroverse.asset import AssetError

EXTENSIONS = (*materials.READ, *scene.READ, compression.DRACO, *compression.MESHOPT)


def read(path: Path, root: Path, on_missing_texture: str = "refuse") -> tuple[dict[str, trimesh.Trimesh], dict]:
    """Returns the parts of a glTF file, name -> mesh in world coordinates, +Y up, and what to know of them, JSON types
    only, for the provenance.

    root: the folder whose files it may refer to, beside its own. on_missing_texture: what a texture that is missing
    or unreadable costs: `refuse` the object, or make it `white` and note it. Raises AssetError naming the file.
    """
    notes = Notes()
    try:
        document = Document(path, root)
        required = [str(name) for name in document.all("extensionsRequired") if name not in EXTENSIONS]
        if required:
            raise AssetError(f"{path}: requires {', '.join(required)[:200]}, which is not read")
        parts = dict(scene.parts_of(document, Materials(document, notes, on_missing_texture), notes))
        return parts, _told(document, notes)
    except AssetError:
        raise
    except Exception as error:  # checks above name most of it; what they leave is still "this file is bad"
        kind = "" if type(error).__module__.startswith("renderers") else f"{type(error).__name__}: "
        raise AssetError(f"{path}: not a readable {path.suffix[1:].upper()}: {kind}{error}") from error


def _told(document: Document, notes: Notes) -> dict:
    """Returns what was left out or not read; nothing of a file that was read whole."""
    told = {
        "unread": sorted({str(name)[:80] for name in document.all("extensionsUsed")} - set(EXTENSIONS)),
        "animations": len(document.all("animations")),
        "points": notes.points,
        "lines": notes.lines,
        "missing_textures": notes.missing_textures,
        "maps_without_coordinates": sorted(notes.without_coordinates),
    }
    return {key: value for key, value in told.items() if value}
