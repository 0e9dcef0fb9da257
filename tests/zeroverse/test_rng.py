"""Keyed streams and portable functions: reproducible, independent, and right."""

import math
import subprocess
import sys

import numpy as np
import pytest

from zeroverse.core import portable
from zeroverse.core.rng import Rng


def test_a_stream_is_its_path():
    assert Rng("a", 1).unit(4).tolist() == Rng("a", 1).unit(4).tolist()
    assert Rng("a").child("b", 2).unit() == Rng("a", "b", 2).unit()
    streams = [("a", 1), ("a", 2), ("a", "1"), ("a1",), ("a", 1, ""), ("b", 1)]
    assert len({Rng(*path).unit() for path in streams}) == len(streams)


def test_a_draw_shifts_no_other_stream():
    plain, busy = Rng("object", 7), Rng("object", 7)
    busy.unit(1000)
    assert plain.child("texture", 3).unit() == busy.child("texture", 3).unit()


def test_first_draws_never_change():
    """Frozen by contract, not by accident: every published seed depends on them."""
    rng = Rng("zeroverse", 1, 0, 0)
    assert [rng.word(), rng.integer(0, 1000), rng.uniform(-1, 1)] == [261522846, 25, -0.528781]


def test_uniform_draws_are_uniform():
    draws = Rng("uniform").unit(100_000)
    assert 0 <= draws.min() and draws.max() < 1
    counts = np.bincount((draws * 20).astype(int), minlength=20)
    assert ((counts - 5000) ** 2 / 5000).sum() < 43.8  # chi-squared, 19 degrees of freedom, p = 0.001


def test_choice_follows_its_weights():
    rng = Rng("choice")
    drawn = [rng.choice("abc", [1, 0, 3]) for _ in range(4000)]
    assert "b" not in drawn
    assert abs(drawn.count("c") / 4000 - 0.75) < 4 * math.sqrt(0.75 * 0.25 / 4000)


def test_rotations_are_uniform_on_so3():
    """The trace of a uniform rotation has mean 0; and a rotated axis has mean 0 and variance 1/3 in each coordinate."""
    quats = np.array([Rng("quat", i).quat() for i in range(4000)])
    assert np.abs((quats**2).sum(axis=1) - 1).max() < 1e-5
    w, x, y, z = quats.T
    axis = np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], axis=1)  # the image of +Z
    assert np.abs(axis.mean(axis=0)).max() < 4 / math.sqrt(3 * 4000)
    assert np.abs(axis.var(axis=0) - 1 / 3).max() < 0.03
    assert abs((4 * w * w - 1).mean()) < 4 / math.sqrt(4000)


@pytest.mark.parametrize("path", [(1.5,), (None,), (True,), (("a",),)])
def test_paths_are_names_and_integers(path):
    with pytest.raises(TypeError, match="expected names and integers"):
        Rng(*path)


@pytest.mark.parametrize("items, weights", [((), None), ("ab", [1]), ("ab", [-1, 2]), ("ab", [0, 0])])
def test_choice_refuses_bad_weights(items, weights):
    with pytest.raises(ValueError, match="non-negative weights"):
        Rng("x").choice(items, weights)


def test_portable_functions_are_right():
    angles = np.linspace(-1000, 1000, 20_001)
    cosine, sine = portable.cos_sin_array(angles)
    assert np.abs(cosine - np.cos(angles)).max() < 1e-14 and np.abs(sine - np.sin(angles)).max() < 1e-14
    assert np.abs(cosine**2 + sine**2 - 1).max() < 1e-15
    for x in np.linspace(-300, 300, 601):
        assert portable.exp(x) == pytest.approx(math.exp(x), rel=1e-13)
    for x in np.geomspace(1e-300, 1e300, 601):
        assert portable.log(x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-15)
    assert portable.power(2.0, 0.5) == pytest.approx(math.sqrt(2), rel=1e-15) and portable.power(0.0, 2.4) == 0.0


def test_portable_functions_have_the_same_bits_on_a_plain_cpu():
    """The host's own instruction set against the oldest x86-64: fused or reordered arithmetic would show."""
    code = (
        "import hashlib, numpy as np; from zeroverse.core.portable import cos_sin_array, exp, log, power; x = "
        "np.linspace(-50, 50, 5001);"
        "y = [f(v) for v in x[2600:] for f in (exp, log)] + [power(v, 0.37) for v in x[2600:]];"
        "print(hashlib.sha256(b''.join(a.tobytes() for a in (*cos_sin_array(x), np.array(y)))).hexdigest())"
    )
    hashes = {
        cpu: subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={
                "NUMBA_CPU_NAME": cpu,
                "NUMBA_CPU_FEATURES": features,
                "NUMBA_DISABLE_JIT": "0",
                "PATH": "/usr/bin:/bin",
                "NUMBA_CACHE_DIR": f"/tmp/verse-test-numba-{cpu or 'host'}",
            },
        ).stdout
        for cpu, features in (("", ""), ("x86-64", ""))
    }
    assert len(set(hashes.values())) == 1 and all(len(text) == 65 for text in hashes.values())
