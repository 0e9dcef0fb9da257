"""Pictures come back from their bytes, and from the addresses that hold these."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from zeroverse.core.images import data_uri, encoded

IMAGE = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


@pytest.mark.parametrize("kind, options", [("PNG", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("image", [IMAGE, Image.fromarray(IMAGE)], ids=["array", "Pillow"])
def test_a_lossless_picture_comes_back(kind, options, image):
    read = Image.open(io.BytesIO(encoded(image, kind, **options)))
    assert read.format == kind and (np.asarray(read) == IMAGE).all()


def test_an_address_holds_the_file():
    data = encoded(IMAGE, "PNG")
    head, _, text = data_uri(data, "PNG").partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(text) == data
