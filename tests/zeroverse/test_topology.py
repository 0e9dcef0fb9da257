"""What is connected in a mesh, on meshes whose answer is known: boxes, apart, touching, open, and turned inside out."""

import numpy as np
import pytest

from tests.helpers.closed_forms import box
from zeroverse.core.topology import (
    closed,
    face_pieces,
    linked,
    twins,
    vertex_pieces,
    volume,
    weld_equal,
    weld_places,
)


def two_boxes(gap: float) -> tuple[np.ndarray, np.ndarray]:
    points, faces = box(1.0, 1.0, 1.0)[:2]
    return np.concatenate([points, points + (1.0 + gap, 0, 0)]), np.concatenate([faces, faces + len(points)])


def test_a_box_is_closed_and_has_its_volume():
    points, faces = box(1.0, 2.0, 3.0)[:2]
    assert closed(faces) and volume(points, faces) == pytest.approx(6.0)
    assert volume(points, faces[:, ::-1]) == pytest.approx(-6.0)
    vertices, edges = len(np.unique(faces)), 3 * len(faces) // 2
    assert vertices - edges + len(faces) == 2  # Euler's formula for a sphere


def test_what_is_open_or_turned_or_doubled_is_not_closed():
    _, faces = box(1.0, 1.0, 1.0)[:2]
    turned = faces.copy()
    turned[0] = turned[0, ::-1]
    for wrong in (faces[1:], turned, np.concatenate([faces, faces])):
        assert not closed(wrong) and not twins(wrong)[1]


def test_opposite_half_edges_are_mutual():
    _, faces = box(1.0, 1.0, 1.0)[:2]
    mates, whole = twins(faces)
    assert whole
    halves = np.arange(mates.size)
    assert np.array_equal(mates.ravel()[mates.ravel()], halves)
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    assert np.array_equal(start[mates.ravel()], end) and np.array_equal(end[mates.ravel()], start)


@pytest.mark.parametrize("gap", [0.5, 0.0])
def test_pieces_by_number_and_by_place(gap):
    points, faces = two_boxes(gap)
    assert len(set(vertex_pieces(faces, len(points)))) == len(set(face_pieces(faces))) == 2
    place = weld_places(points)
    assert len(set(face_pieces(place[faces]))) == (1 if gap == 0 else 2)
    assert vertex_pieces(faces, len(points))[0] == 0 == face_pieces(faces)[0]  # numbered by what comes first


def test_two_boxes_that_share_an_edge_are_not_closed_by_place():
    points, faces = box(1.0, 1.0, 1.0)[:2]
    touching = np.concatenate([points, points + (1.0, 1.0, 0.0)])
    both = np.concatenate([faces, faces + len(points)])
    assert closed(both) and not closed(weld_places(touching)[both])


def test_links_join_and_what_has_none_is_a_piece_of_its_own():
    assert linked(np.array([0, 3]), np.array([2, 4]), 6).tolist() == [0, 1, 0, 2, 2, 3]


def test_places_are_told_apart_as_float32_or_exactly():
    points = np.array([[0.1, 0.2, 0.3], [0.1 + 1e-12, 0.2, 0.3], [-0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert len(set(weld_places(points))) == 2 and weld_places(points)[2] == weld_places(points)[3]
    assert len(set(weld_equal(points))) == 3
