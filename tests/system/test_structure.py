"""The rules of the house that a program can check: import direction, no hidden randomness, no machine-dependent
arithmetic.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.processes import ROOT

ORDER = ("zeroverse", "detailverse", "renderers", "train", "verse")  # nothing imports what stands to its right
FILES = sorted(
    path
    for package in ORDER
    for path in ([ROOT / f"{package}.py"] if (ROOT / f"{package}.py").exists() else (ROOT / package).rglob("*.py"))
)
GEOMETRY = [path for path in FILES if path.relative_to(ROOT).parts[0] in ("zeroverse", "detailverse")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_point_forwards(path):
    package = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        modules = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        for module in (module.split(".")[0] for module in modules):
            if module in ORDER:
                assert ORDER.index(module) <= ORDER.index(package), (
                    f"{name(path)}:{node.lineno} imports {module}; what both need belongs in {package} or left of it"
                )


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_random_or_dated_but_keyed_streams(path):
    forbidden = r"np\.random\.(seed|rand\w*|default_rng|normal|uniform|choice|shuffle)|import random\b|\buuid|time\.time\(|datetime|fastmath\s*=\s*True"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert not re.search(forbidden, line), (
            f"{name(path)}:{number}: {line.strip()}: draw from zeroverse.core.rng.Rng"
        )


@pytest.mark.parametrize("path", GEOMETRY, ids=name)
def test_geometry_has_the_same_bits_everywhere(path):
    """numpy's and libm's transcendentals and BLAS differ between CPU types (facts/procedural.md §10): use
    zeroverse.core.portable and einsum.
    """
    forbidden = r"(np|numpy|math)\.(sin|cos|tan|exp\w*|log\w*|power|pow|arc\w+|atan2?|sinh|cosh|tanh|hypot|cbrt|dot|matmul|linalg\.\w+)"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.BinOp):
            assert not isinstance(node.op, ast.MatMult), (
                f"{name(path)}:{node.lineno}: a matrix product goes through BLAS"
            )
        if isinstance(node, ast.Attribute):
            assert not re.fullmatch(forbidden, ast.unparse(node)), f"{name(path)}:{node.lineno}: {ast.unparse(node)}"
