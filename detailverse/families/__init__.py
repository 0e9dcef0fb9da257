"""Structure families. A new one is a class in one of these files and a row here; tests, gallery and command line pick it up."""
from detailverse.families import (
    # one a line: a new file is a line of its own
    architecture_columns,
    architecture_facade,
    architecture_pagodas,
    architecture_temples,
    architecture_towers,
    arms,
    arms_helmets,
    arms_shields,
    creatures,
    electronics,
    electronics_racks,
    furniture,
    furniture_boxes,
    furniture_cabinets,
    jewellery,
    lattices,
    lattices_shells,
    machines,
    machines_arms,
    machines_clocks,
    machines_mounts,
    machines_space,
    machines_wheels,
    mechanical,
    mechanical_pipes,
    nature,
    plants,
    polyhedra,
    polyhedra_bands,
    swatch,
    textiles,
    tools,
    tools_locks,
    vessels,
    vessels_pots,
    vessels_turned,
)
from detailverse.family import Family
from zeroverse.rng import Rng

FAMILIES = (  # name, class, weight, kind of thing
    ("vase", vessels.Vase, 1.0, "vessel"),
    ("rock", nature.Rock, 0.7, "nature"),
    ("crystals", nature.Crystals, 1.0, "nature"),
    ("shell", nature.Shell, 1.0, "nature"),
    ("terrain", nature.Terrain, 1.0, "nature"),
    ("tree", plants.Tree, 1.2, "plant"),
    ("cactus", plants.Cactus, 0.8, "plant"),
    ("cone", plants.Cone, 0.8, "plant"),
    ("mushrooms", plants.Mushrooms, 0.8, "plant"),
    ("flower", plants.Flower, 0.8, "plant"),
    ("swatch", swatch.Swatch, 0.0, "sample"),  # weight 0: only on request; the gallery shows details on it
    ("column", architecture_columns.Column, 1.0, "architecture"),
    ("tower", architecture_towers.Tower, 1.0, "architecture"),
    ("pagoda", architecture_pagodas.Pagoda, 1.0, "architecture"),
    ("gears", mechanical.GearTrain, 1.0, "machine"),
    ("screw", mechanical.Screw, 1.0, "machine"),
    ("temple", architecture_temples.Temple, 1.0, "architecture"),
    ("pipework", mechanical_pipes.Pipework, 1.0, "machine"),
    ("chain", mechanical_pipes.Chain, 1.0, "machine"),
    ("gauge", machines_clocks.Gauge, 1.0, "instrument"),
    ("alarm_clock", machines_clocks.AlarmClock, 1.0, "instrument"),
    ("goblet", vessels_turned.Goblet, 1.0, "vessel"),
    ("finial", vessels_turned.Finial, 1.0, "ornament"),
    ("chess_piece", vessels_turned.ChessPiece, 1.0, "ornament"),
    ("barrel", furniture_boxes.Barrel, 1.0, "container"),
    ("chest", furniture_boxes.Chest, 1.0, "container"),
    ("pavilion", architecture_temples.Pavilion, 1.0, "architecture"),
    ("radial_engine", machines.RadialEngine, 1.0, "machine"),
    ("turbine", machines.Turbine, 1.0, "machine"),
    ("road_wheel", machines_wheels.RoadWheel, 1.0, "machine"),
    ("circuit_board", electronics.CircuitBoard, 1.0, "electronics"),
    ("server_rack", electronics_racks.ServerRack, 1.0, "electronics"),
    ("chair", furniture.Chair, 1.0, "furniture"),
    ("cabinet", furniture_cabinets.Cabinet, 1.0, "furniture"),
    ("key", tools_locks.Key, 1.0, "tool"),
    ("padlock", tools_locks.Padlock, 1.0, "tool"),
    ("hammer", tools.Hammer, 1.0, "tool"),
    ("spanner", tools.Spanner, 1.0, "tool"),
    ("turret", machines_mounts.Turret, 0.7, "machine"),
    ("dish", machines_mounts.Dish, 0.7, "machine"),
    ("spaceship", machines_space.Spaceship, 1.2, "vehicle"),
    ("teapot", vessels_pots.Teapot, 1.0, "vessel"),
    ("fountain", vessels_pots.Fountain, 1.0, "architecture"),
    ("robot_arm", machines_arms.RobotArm, 1.0, "machine"),
    ("cannon", machines_arms.Cannon, 1.0, "machine"),
    ("facade", architecture_facade.Facade, 1.0, "architecture"),
    ("sheet_lattice", lattices.SheetLattice, 1.0, "lattice"),
    ("strut_lattice", lattices.StrutLattice, 1.0, "lattice"),
    ("voronoi_shell", lattices_shells.VoronoiShell, 1.0, "lattice"),
    ("fractal", lattices_shells.Fractal, 0.8, "mathematics"),
    ("polyhedron", polyhedra.Polyhedron, 1.0, "mathematics"),
    ("molecule", polyhedra.Molecule, 0.8, "mathematics"),
    ("knot", polyhedra_bands.KnotSculpture, 0.8, "sculpture"),
    ("moebius", polyhedra_bands.Moebius, 0.8, "sculpture"),
    ("finger_ring", jewellery.FingerRing, 1.0, "jewellery"),
    ("crown", jewellery.Crown, 1.0, "jewellery"),
    ("pendant", jewellery.Pendant, 1.0, "jewellery"),
    ("sword", arms.Sword, 1.0, "weapon"),
    ("axe", arms.Axe, 1.0, "weapon"),
    ("basket", textiles.Basket, 1.0, "woven thing"),
    ("rope_knot", textiles.RopeKnot, 1.0, "woven thing"),
    ("beast", creatures.Beast, 1.5, "creature"),
    ("shield", arms_shields.Shield, 1.0, "armour"),
    ("helmet", arms_helmets.Helmet, 1.0, "armour"),
)

BY_NAME = {name: family for name, family, _, _ in FAMILIES}
_NAMES = {family: name for name, family in BY_NAME.items()}


def name_of(family: Family) -> str:
    return _NAMES[type(family)]


def sample(rng: Rng, name: str | None = None) -> Family:
    """Draw a family by weight, or the one called `name`, then its parameters from a stream of its own. Raises ValueError for an unknown name."""
    if name is not None and name not in BY_NAME:
        raise ValueError(f"family: expected one of {', '.join(BY_NAME)}; got {name!r}")
    kind = name or rng.child("kind").choice(BY_NAME, [weight for _, _, weight, _ in FAMILIES])
    return BY_NAME[kind].sample(rng.child(kind))
