"""A reader of boxes with fields, and a shape autoencoder small enough for a test."""

from dataclasses import replace

from detailverse.labels.fields import Budget, fields, to_npz_bytes
from tests.helpers.closed_forms import box, surface
from train.data.fields import FIELD
from train.models.shape_vae.config import VAEConfig, tiny
from zeroverse.core.rng import Rng

SIDES = [
    (1.0, 1.0, 1.0),
    (2.0, 0.8, 0.6),
    (0.5, 2.0, 0.9),
    (0.9, 0.5, 2.0),
]  # of boxes; the field's frame makes the longest 2


SMALL = Budget(surface=600, salient=600, near=800, volume=2000)


class Boxes:
    """A reader of boxes with fields; `broken`: their field is cut off; `bare`: they have none."""

    fingerprint = "boxes"

    def __init__(self, count=4, broken=(), bare=()):
        self.keys = tuple(f"box_{i}" for i in range(count))
        self.broken, self.bare, self.reads = broken, bare, 0
        self.data = [to_npz_bytes(fields(surface(*box(*SIDES[i])), Rng("box", i), SMALL)) for i in range(count)]

    def __len__(self):
        return len(self.keys)

    def has(self, index, field):
        return field == FIELD and index not in self.bare

    def field(self, index, field):
        self.reads += 1
        return self.data[index][:4000] if index in self.broken else self.data[index]


def micro(**changes) -> VAEConfig:
    return replace(
        tiny(),
        **{
            **dict(
                preset="own",
                tokens=16,
                fewest_tokens=8,
                channels=8,
                encoder_width=32,
                encoder_layers=1,
                width=32,
                layers=1,
                points=256,
                near=128,
                volume=128,
                oriented=32,
                steps=4,
                batch=2,
                workers=1,
            ),
            **changes,
        },
    )
