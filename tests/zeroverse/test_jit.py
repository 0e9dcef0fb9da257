"""Compiled kernels: an update of what a kernel calls is an update of the kernel; importing one costs nothing."""

import importlib
import subprocess
import sys

import pytest

from tests.helpers.processes import ROOT, environment
from zeroverse.core import jit

CALLEE = "from zeroverse.core.jit import kernel\n\n@kernel\ndef grown(x):\n    return x + {step}\n"
CALLER = (
    "from {callee} import grown\nfrom zeroverse.core.jit import kernel\n\nSCALE = {scale}\n\n"
    "@kernel\ndef scaled(x):\n    return SCALE * grown(x)\n"
)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """modules(step, scale) -> the kernel `scaled` of fresh modules that differ in these numbers only."""
    monkeypatch.syspath_prepend(tmp_path)
    count = iter(range(100))

    def make(step: int, scale: int):
        number = next(count)
        folder = tmp_path / f"pair_{number}"
        folder.mkdir()
        (folder / "callee.py").write_text(CALLEE.format(step=step))
        (folder / "caller.py").write_text(CALLER.format(callee="callee", scale=scale))
        with monkeypatch.context() as patch:
            patch.syspath_prepend(folder)
            for name in ("callee", "caller"):
                sys.modules.pop(name, None)
            importlib.invalidate_caches()
            return importlib.import_module("caller").scaled

    yield make
    for name in ("callee", "caller"):
        sys.modules.pop(name, None)


def test_the_key_follows_what_the_kernel_comes_from(modules):
    keys = {(step, scale): jit.kernel_key(modules(step, scale).py_func) for step, scale in ((1, 2), (3, 2), (1, 5))}
    assert len(set(keys.values())) == 3, "another callee or another constant is another kernel"
    assert jit.kernel_key(modules(1, 2).py_func) == keys[1, 2], "the same code in another folder is the same kernel"


def test_a_changed_callee_is_not_answered_from_the_cache(modules, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    assert modules(1, 2)(10) == 22
    assert modules(1, 2).stats.cache_hits == {}  # a fresh dispatcher has not looked yet
    again = modules(1, 2)
    assert again(10) == 22 and sum(again.stats.cache_hits.values()) == 1
    assert modules(3, 2)(10) == 26 and modules(1, 5)(10) == 55


def test_a_kernel_survives_that_its_module_moves(tmp_path):
    """In processes of their own: what numba keeps names the module that a kernel came from."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    (before / "room.py").write_text(CALLEE.format(step=1))
    (before / "__init__.py").touch()
    for folder in (before, after):
        if folder is after:
            before.rename(after)
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from {folder.name}.room import grown; print(grown(1))"
        )
        kept = environment(NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept, capture_output=True, text=True)
        assert done.stdout == "2\n", done.stderr


def test_a_folder_that_cannot_be_written_costs_only_the_cache(modules, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert modules(1, 2)(10) == 22


def test_imports_read_no_kernel(tmp_path):
    """Importing every module with kernels opens no cache: the folder is not even made."""
    code = "import detailverse.families, renderers.backends.cpu, zeroverse.grammar"
    here = environment(NUMBA_CACHE_DIR=str(tmp_path / "kernels"))
    subprocess.run([sys.executable, "-c", code], env=here, cwd=ROOT, check=True)
    assert not (tmp_path / "kernels").exists()
