"""Released models: a folder <name>/ each, beside this file, laid out as a run's is (config.json, model.safetensors),
written by train.tools.release.

Light to import: the command line looks names up here before it loads torch.
"""

from pathlib import Path

from zeroverse.core.usage import UsageError

ROOT = Path(__file__).parent
CONFIG, MODEL = "config.json", "model.safetensors"


def names() -> list[str]:
    """Returns the names of the released models."""
    return sorted(path.parent.name for path in ROOT.glob(f"*/{CONFIG}") if path.with_name(MODEL).is_file())


def find(run: str | Path, flag: str = "RUN") -> Path:
    """Returns the folder `run`, or where there is none the released model of that name. Raises UsageError that lists
    the names there are.
    """
    path = Path(run)
    if path.is_dir():
        return path
    if str(run) not in names():
        raise UsageError(
            f"{flag}: expected the folder of a run or a released model ({', '.join(names()) or 'none so far'}), got "
            f"{run}"
        )
    return ROOT / run
