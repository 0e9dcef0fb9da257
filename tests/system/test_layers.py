"""The architecture, as a program checks it: four packages that import one way, layers of folders inside each, no import
circle, no crowded folder, and tests that share things through `tests/helpers` only.

LAYERS is also the map of the house: whoever adds a file finds here which folder it belongs to.
"""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

MOST_FILES = 15  # code files of one folder

# package -> floors from the ground up -> folders of that floor and what belongs there; "" is the package's own folder.
# A folder imports from the floors below it, from itself, and from the packages before its own.
LAYERS: dict[str, tuple[dict[str, str], ...]] = {
    "zeroverse": (
        {"core": "streams, records, exact arithmetic, topology, whole files, the manners of a command line"},
        {"": "the asset, which every package understands"},
        {"textures": "solid textures; one file a kind in textures/families"},
        {"shapes": "primitives and the solids made of them"},
        {"edits": "what happens to shapes: cuts, wireframes, height fields"},
        {"grammar": "recipes: sampled from mixtures, built into assets"},
    ),
    "detailverse": (
        {"sdf": "signed distances and their evaluator", "spatial": "queries on a mesh: nearest points, rays, samples"},
        {"meshing": "meshes from distances, and the repair of meshes"},
        {"modelling": "the exact modelling language: paths, regions, profiles, skins, solids"},
        {
            "": "what a family is",
            "details": "ornament on charts; one row of DETAILS each",
            "labels": "exact labels, fields and measures of a built object",
            "materials": "what slots are made of; FINISHES",
            "parts": "parts that several families share; they import no family",
        },
        {
            "curation": "the geometry of curation: defects, duplicates, bases",
            "families": "structures; one row of FAMILIES each",
            "texturing": "UVs and baking",
        },
        {"grammar": "recipes: sampled, gated, built, captioned"},
    ),
    "renderers": (
        {"": "the contracts: BACKENDS and PASSES"},
        {"cameras": "cameras, rigs, framing", "geometry": "assets as arrays for kernels"},
        {"lighting": "light as data; one row of LIGHTS each"},
        {"raster": "kernels of visibility, occlusion and shading"},
        {"backends": "one file a renderer; one row of BACKENDS each"},
        {
            "sources": "where objects come from; one row of SOURCES each",
            "shards": "the stored format, read and written",
        },
        {"formats": "layouts of other software; one row of FORMATS each"},
        {"gallery": "what people look at: sheets, pages, viewers, cards"},
        {"farm": "indices to shards, on one machine or many"},
        {"curation": "collections sorted out; inference only, training is in train/curator"},
        {"studies": "tables about this package"},
        {"commands": "the command line"},
    ),
    "train": (
        {"geometry": "torch geometry: rays, Plücker coordinates, poses, isosurfaces"},
        {
            "data": "samples to batches",
            "networks": "blocks that models are made of: attention, experts, UNet, embeddings",
            "splatting": "Gaussians and the kernels that render them",
            "weights": "released models",
        },
        {"metrics": "scores and their intervals"},
        {"losses": "unreduced losses; one row of LOSSES each", "loop": "the one loop of every trainer"},
        {"diffusion": "noise schedules, samplers, guidance, attention filters"},
        {"models": "a folder a model: config, network, task"},
        {
            "curator": "training of what curation uses",
            "distillation": "3D from a 2D model's scores",
            "evaluation": "frozen protocols, and what scores models by them",
        },
        {"": "TRAINERS: one row a trainer"},
        {"studies": "studies of many runs", "tools": "what one asks about a run or a machine"},
        {"commands": "the command line"},
    ),
    "verse": ({"": "the table of commands"},),
}
PACKAGES = tuple(LAYERS)  # nothing imports what stands to its right
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in PACKAGES
    for path in sorted([*(ROOT / package).rglob("*.py"), *ROOT.glob(f"{package}.py")])
}


def imports(path: Path, known) -> list[tuple[int, str]]:
    """Returns (line, module) of every import of a known module, also of those inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name if name in known else node.module) for name in names]
    return [(line, module) for line, module in found if module in known]


def place(module: str) -> tuple[str, str]:
    """Returns the package of a module and the folder inside it, "" for the package's own."""
    package, *rest = module.split(".")
    return package, rest[0] if rest and (ROOT / package / rest[0]).is_dir() else ""


def floor(package: str, folder: str) -> int:
    return next((number for number, row in enumerate(LAYERS[package]) if folder in row), -1)


def complaint(importer: str, imported: str) -> str:
    """Returns why `importer` must not import `imported`, and where the code belongs; "" if it may."""
    (package, folder), (other, base) = place(importer), place(imported)
    if PACKAGES.index(other) > PACKAGES.index(package):
        return (
            f"imports {other}, which comes after {package}: what both need belongs in {package} or a package before it"
        )
    if other == package and folder != base and floor(package, base) >= floor(package, folder):
        below = {name: what for row in LAYERS[package][: floor(package, folder)] for name, what in row.items()}
        homes = "; ".join(f"{package}/{name}: {what}" for name, what in below.items()) or "another package"
        return (
            f"imports {imported}, which stands no floor below {package}/{folder}. What both need belongs in ({homes})"
        )
    return ""


@pytest.mark.parametrize("module", FILES)
def test_imports_point_down(module):
    for line, imported in imports(FILES[module], FILES):
        assert not complaint(module, imported), f"{FILES[module]}:{line} {complaint(module, imported)}"


def test_every_folder_is_on_the_map():
    folders = {place(module) for module in FILES}
    missing = sorted(f"{package}/{folder}" for package, folder in folders if floor(package, folder) < 0)
    assert not missing, f"{missing}: a new folder needs a row in LAYERS that says what belongs there"


def test_no_import_circle():
    graph = {module: {name for _, name in imports(path, FILES)} - {module} for module, path in FILES.items()}
    assert not circles(graph), f"import circles: {circles(graph)}"


def circles(graph: dict[str, set[str]]) -> list[str]:
    """Returns what is left when modules that import nothing (of what is left) are taken away, again and again."""
    left = dict(graph)
    while gone := [module for module, needs in left.items() if not needs & left.keys()]:
        for module in gone:
            del left[module]
    return sorted(left)


def test_the_circle_finder_finds_circles():
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["a", "b", "c"]


def test_no_folder_is_crowded():
    counts = defaultdict(int)
    for path in FILES.values():
        counts[path.parent.relative_to(ROOT)] += path.name != "__init__.py"
    crowded = {str(folder): count for folder, count in counts.items() if count > MOST_FILES}
    assert not crowded, (
        f"more than {MOST_FILES} code files: {crowded}; a folder holds one layer, split it by what its files do"
    )


def test_complaints_name_the_right_home():
    assert "belongs in zeroverse" in complaint("zeroverse.core.rng", "train.loop")
    assert "textures/families" in complaint("zeroverse.shapes.cone", "zeroverse.grammar.build")
    assert not complaint("renderers.farm.plan", "renderers.shards")
    assert not complaint("train.models.lrm", "zeroverse.grammar")


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_tests_import_no_test(path):
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            assert not module.split(".")[-1].startswith("test_"), f"{path}:{node.lineno}: share it in tests/helpers"


def test_tests_mirror_the_packages():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders <= {*PACKAGES[:-1], "helpers", "oracle", "system"}, folders
