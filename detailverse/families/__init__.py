"""Structure families. A new one is a class in one of these files and a row here; tests, gallery and command line pick
it up.
"""

from detailverse.families import swatch
from detailverse.families.architecture import columns, facade, pagodas, temples, towers
from detailverse.families.household import (
    books,
    boxes,
    cabinets,
    carvings,
    chairs,
    locks,
    pots,
    soft,
    tools,
    turned,
    vases,
    woven,
)
from detailverse.families.living import beasts, ground, plants, sea, statues, trees
from detailverse.families.machines import arms as machines_arms
from detailverse.families.machines import boards, clocks, engines, gears, mounts, pipes, racks, space, wheels
from detailverse.families.mathematics import bands, lattices, polyhedra, shells
from detailverse.families.treasure import coins, helmets, jewellery, shields, weapons
from detailverse.family import Family
from zeroverse.core.rng import Rng

FAMILIES = (  # name, class, weight, kind of thing
    ("vase", vases.Vase, 1.0, "vessel"),
    ("rock", ground.Rock, 0.7, "nature"),
    ("crystals", ground.Crystals, 1.0, "nature"),
    ("shell", ground.Shell, 1.0, "nature"),
    ("terrain", ground.Terrain, 1.0, "nature"),
    ("tree", trees.Tree, 1.2, "plant"),
    ("cactus", plants.Cactus, 0.8, "plant"),
    ("cone", plants.Cone, 0.8, "plant"),
    ("mushrooms", plants.Mushrooms, 0.8, "plant"),
    ("flower", plants.Flower, 0.8, "plant"),
    ("swatch", swatch.Swatch, 0.0, "sample"),  # weight 0: only on request; the gallery shows details on it
    ("column", columns.Column, 1.0, "architecture"),
    ("tower", towers.Tower, 1.0, "architecture"),
    ("pagoda", pagodas.Pagoda, 1.0, "architecture"),
    ("gears", gears.GearTrain, 1.0, "machine"),
    ("screw", gears.Screw, 1.0, "machine"),
    ("temple", temples.Temple, 1.0, "architecture"),
    ("pipework", pipes.Pipework, 1.0, "machine"),
    ("chain", pipes.Chain, 1.0, "machine"),
    ("gauge", clocks.Gauge, 1.0, "instrument"),
    ("alarm_clock", clocks.AlarmClock, 1.0, "instrument"),
    ("goblet", turned.Goblet, 1.0, "vessel"),
    ("finial", turned.Finial, 1.0, "ornament"),
    ("chess_piece", turned.ChessPiece, 1.0, "ornament"),
    ("barrel", boxes.Barrel, 1.0, "container"),
    ("chest", boxes.Chest, 1.0, "container"),
    ("pavilion", temples.Pavilion, 1.0, "architecture"),
    ("radial_engine", engines.RadialEngine, 1.0, "machine"),
    ("turbine", engines.Turbine, 1.0, "machine"),
    ("road_wheel", wheels.RoadWheel, 1.0, "machine"),
    ("circuit_board", boards.CircuitBoard, 1.0, "electronics"),
    ("server_rack", racks.ServerRack, 1.0, "electronics"),
    ("chair", chairs.Chair, 1.0, "furniture"),
    ("cabinet", cabinets.Cabinet, 1.0, "furniture"),
    ("key", locks.Key, 1.0, "tool"),
    ("padlock", locks.Padlock, 1.0, "tool"),
    ("hammer", tools.Hammer, 1.0, "tool"),
    ("spanner", tools.Spanner, 1.0, "tool"),
    ("turret", mounts.Turret, 0.7, "machine"),
    ("dish", mounts.Dish, 0.7, "machine"),
    ("spaceship", space.Spaceship, 1.2, "vehicle"),
    ("teapot", pots.Teapot, 1.0, "vessel"),
    ("fountain", pots.Fountain, 1.0, "architecture"),
    ("robot_arm", machines_arms.RobotArm, 1.0, "machine"),
    ("cannon", machines_arms.Cannon, 1.0, "machine"),
    ("facade", facade.Facade, 1.0, "architecture"),
    ("sheet_lattice", lattices.SheetLattice, 1.0, "lattice"),
    ("strut_lattice", lattices.StrutLattice, 1.0, "lattice"),
    ("voronoi_shell", shells.VoronoiShell, 1.0, "lattice"),
    ("fractal", shells.Fractal, 0.8, "mathematics"),
    ("polyhedron", polyhedra.Polyhedron, 1.0, "mathematics"),
    ("molecule", polyhedra.Molecule, 0.8, "mathematics"),
    ("knot", bands.KnotSculpture, 0.8, "sculpture"),
    ("moebius", bands.Moebius, 0.8, "sculpture"),
    ("finger_ring", jewellery.FingerRing, 1.0, "jewellery"),
    ("crown", jewellery.Crown, 1.0, "jewellery"),
    ("pendant", jewellery.Pendant, 1.0, "jewellery"),
    ("sword", weapons.Sword, 1.0, "weapon"),
    ("axe", weapons.Axe, 1.0, "weapon"),
    ("basket", woven.Basket, 1.0, "woven thing"),
    ("rope_knot", woven.RopeKnot, 1.0, "woven thing"),
    ("beast", beasts.Beast, 1.5, "creature"),
    ("shield", shields.Shield, 1.0, "armour"),
    ("helmet", helmets.Helmet, 1.0, "armour"),
    ("cushion", soft.Cushion, 1.0, "soft thing"),
    ("rug_roll", soft.RugRoll, 1.0, "soft thing"),
    ("sea_star", sea.SeaStar, 0.8, "creature"),
    ("octopus", sea.Octopus, 1.0, "creature"),
    ("fish", sea.Fish, 1.0, "creature"),
    ("turtle", sea.Turtle, 0.8, "creature"),
    ("interlace", carvings.Interlace, 1.0, "carving"),
    ("rune_stone", carvings.RuneStone, 1.0, "carving"),
    ("medal", coins.Medal, 1.0, "jewellery"),
    ("treasure", coins.Treasure, 1.0, "jewellery"),
    ("statue", statues.Statue, 1.2, "sculpture"),
    ("totem", statues.Totem, 0.8, "sculpture"),
    ("books", books.Books, 1.0, "sign"),
    ("letter_blocks", books.LetterBlocks, 1.0, "sign"),
    ("tavern_sign", books.TavernSign, 1.0, "sign"),
)

BY_NAME = {name: family for name, family, _, _ in FAMILIES}
_NAMES = {family: name for name, family in BY_NAME.items()}


def name_of(family: Family) -> str:
    return _NAMES[type(family)]


def sample(rng: Rng, name: str | None = None) -> Family:
    """Samples a family by weight, or the one called `name`, then its parameters from a stream of its own. Raises
    ValueError for an unknown name.
    """
    if name is not None and name not in BY_NAME:
        raise ValueError(f"family: expected one of {', '.join(BY_NAME)}; got {name!r}")
    kind = name or rng.child("kind").choice(BY_NAME, [weight for _, _, weight, _ in FAMILIES])
    return BY_NAME[kind].sample(rng.child(kind))
