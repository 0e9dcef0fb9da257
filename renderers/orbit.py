"""What the `orbit` rig may be told. Imports nothing heavy, because the command line's --help shows it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Orbit:
    """The ranges from which the cameras of the orbit rig are drawn, uniformly."""

    elevation: tuple[float, float] = (-30.0, 80.0)
    """Degrees above the horizon, uniform in area on the sphere; the azimuth is uniform."""
    fov: tuple[float, float] = (35.0, 70.0)
    """Horizontal field of view in degrees."""
    distance: tuple[float, float] = (1.0, 1.4)
    """In multiples of the smallest distance at which the whole object is in the picture; below 1 cuts into it."""
    look_at: float = 0.15
    """Cameras look at a point up to so far from the centre along each axis; the object's longest side is 1.8."""
    roll: float = 10.0
    """Degrees about the optical axis, up to so many either way."""
    shift: float = 0.05
    """The principal point lies up to so much of the image size off the centre, along each axis."""

    def __post_init__(self):
        for name, least, most in (("elevation", -90.0, 90.0), ("fov", 5.0, 120.0), ("distance", 0.2, 10.0)):
            low, high = getattr(self, name)
            if not least <= low <= high <= most:
                raise ValueError(f"orbit {name}: expected {least:g} <= low <= high <= {most:g}, got {low:g} {high:g}")
        for name, most in (("look_at", 1.0), ("roll", 180.0), ("shift", 0.25)):
            if not 0.0 <= getattr(self, name) <= most:
                raise ValueError(f"orbit {name}: expected 0 to {most:g}, got {getattr(self, name):g}")
