"""The rules of the house that a program can check: no hidden randomness, no machine-dependent arithmetic. The layers
are in `test_layers.py`.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

PACKAGES = ("zeroverse", "detailverse", "renderers", "train", "verse")
FILES = sorted(
    path
    for package in PACKAGES
    for path in ([ROOT / f"{package}.py"] if (ROOT / f"{package}.py").exists() else (ROOT / package).rglob("*.py"))
)
GEOMETRY = [path for path in FILES if path.relative_to(ROOT).parts[0] in ("zeroverse", "detailverse")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_random_or_dated_but_keyed_streams(path):
    forbidden = (
        r"np\.random\.(seed|rand\w*|default_rng|normal|uniform|choice|shuffle)|import random\b|\buuid|time\.time\("
        r"|datetime|fastmath\s*=\s*True"
    )
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert not re.search(forbidden, line), (
            f"{name(path)}:{number}: {line.strip()}: draw from zeroverse.core.rng.Rng"
        )


@pytest.mark.parametrize("path", GEOMETRY, ids=name)
def test_geometry_has_the_same_bits_everywhere(path):
    """numpy's and libm's transcendentals and BLAS differ between CPU types (docs/papers.md, Geometry): use
    zeroverse.core.portable and einsum.
    """
    forbidden = (
        r"(np|numpy|math)\.(sin|cos|tan|exp\w*|log\w*|power|pow|arc\w+|atan2?|sinh|cosh|tanh|hypot|cbrt|dot|matmul"
        r"|linalg\.\w+)"
    )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp):
            assert not isinstance(node.op, ast.MatMult), (
                f"{name(path)}:{node.lineno}: a matrix product goes through BLAS"
            )
        if isinstance(node, ast.Attribute):
            assert not re.fullmatch(forbidden, ast.unparse(node)), f"{name(path)}:{node.lineno}: {ast.unparse(node)}"
