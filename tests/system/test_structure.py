"""The rules of the house that a program can check: no hidden randomness, no machine-dependent arithmetic. The layers
are in `test_layers.py`.
"""

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.ordering import unordered
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


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_order_comes_out_of_a_set(path):
    found = [f"{name(path)}:{line}: {code}" for line, code in unordered(path.read_text())]
    assert not found, "; ".join(found) + ": another order in every process: sort it, or use dict.fromkeys"


@pytest.mark.parametrize(
    "code",
    [
        "for x in {'a', 'b'}: pass",
        "y = [x for x in set(names)]",
        "y = {x: 1 for x in {n.lower() for n in names}}",
        "y = (x for x in frozenset(names) - other)",
        "seen = set(names)\nfor x in seen: pass",
        "seen, rest = set(), []\ny = list(seen)",
        "seen = set(a) | set(b)\ny = tuple(seen)",
        "def f():\n    seen = {'a'}\n    both = seen & other\n    return ', '.join(both)",
        "def f(names: set[str]):\n    return enumerate(names)",
        "def f() -> set[str]: ...\ny = list(f())",
        "class A:\n    def __init__(self): self.told = set()\n    def all(self): return [*self.told]",
        "for key in old.keys() | new.keys(): pass",
        "y = next(iter(set(names)))",
        "y = set(names).pop()",
        "y = zip({'a'}, range(3))",
        "y = list({'a'}.union(names))",
        "y = [*{'a', 'b'}]",
        "f(*{'a', 'b'})",
        "a, b = {'a', 'b'}",
        "y += {'a', 'b'}",
        "y = f'missing {set(names)}'",
        "y = dict.fromkeys({'a', 'b'})",
        "y = sorted({'a', 'b'}, key=len)",
        "y = min({'a', 'b'}, key=len)",
        "y = sum(x.weight for x in {a, b})",
        "y = [x for x in (set(names) if names else ())]",
        "found = {name: set(row) for name, row in rows}\ny = list(found['a'])",
        "y = hash('a')",
    ],
)
def test_the_scan_sees_the_order_of_a_set(code):
    assert unordered(code), code


@pytest.mark.parametrize(
    "code",
    [
        "for x in sorted({'a', 'b'}): pass",
        "y = sorted(x.lower() for x in set(names))",
        "y = {x.lower() for x in set(names)}",
        "y = len(set(names)) + min({1, 2})",
        "y = any(x in other for x in {'a', 'b'})",
        "y = all(x for x in set(names))",
        "y = sum(1 for x in set(names))",
        "y = sum(len(x) for x in set(names))",
        "y = [x for x in names if x in {'a', 'b'}]",
        "seen = set()\nfor x in names: seen.add(x)",
        "seen = set(names)\nseen.update({'a'})\nseen |= {'b'}",
        "for x in {'a': 1}: pass",
        "for x in old.keys(): pass",
        "for x in {1, 2, n}: pass  # a set of integers",
        "def f():\n    seen = set()\ndef g(seen):\n    return list(seen)",
        "y = dict.fromkeys(names)",
        "y = f'{len({1, 2})}, {\", \".join(sorted(set(names)))}'",
        "y = a - b",
    ],
)
def test_the_scan_lets_through_what_knows_no_order(code):
    assert not unordered(code), (code, unordered(code))
