"""What the gates let through, and the reasons they give."""

import numpy as np
import pytest
from manifold3d import Manifold

from detailverse.grammar import gates
from detailverse.modelling.shapes import box
from detailverse.modelling.solid import Solid
from zeroverse.asset import LONGEST_SIDE
from zeroverse.core.topology import closed, face_pieces, volume
from zeroverse.shapes.solid import Rejected


def block(x=1.0, y=0.7, z=0.4):
    return box(x, y, z, "block", "body")


def test_a_block_is_centred_and_as_long_as_an_object():
    whole = gates.passed(block().move(3, 0, 1), 1, coarse=True)
    np.testing.assert_allclose(np.ptp(whole.points, axis=0), LONGEST_SIDE * np.array([1, 0.7, 0.4]), atol=1e-6)
    np.testing.assert_allclose(whole.points.max(axis=0) + whole.points.min(axis=0), 0, atol=1e-6)
    assert closed(whole.faces) and volume(whole.points, whole.faces) == pytest.approx(LONGEST_SIDE**3 * 0.28, rel=1e-5)
    assert np.array_equal(whole.points, whole.points.astype(np.float32))


@pytest.mark.parametrize(
    "build, pieces, coarse, reason",  # built in the test: manifold3d complains of objects left at exit
    [
        (lambda: Solid(Manifold(), ()), 1, True, "empty"),
        (lambda: block(), 1, False, "too few triangles"),
        (lambda: block() | block().move(3), 1, True, "falls apart"),
        (lambda: block(1.0, 0.7, 0.001), 1, True, "thin"),
    ],
)
def test_what_does_not_pass_says_why(build, pieces, coarse, reason):
    with pytest.raises(Rejected, match=reason):
        gates.passed(build(), pieces, coarse)


def test_pieces_that_a_family_allows_stay_and_crumbs_go():
    pair = block() | block().move(3)
    assert face_pieces(gates.passed(pair, 2, coarse=True).faces).max() == 1
    assert face_pieces(gates.passed(block() | block(0.02, 0.02, 0.02).move(3), 1, coarse=True).faces).max() == 0
