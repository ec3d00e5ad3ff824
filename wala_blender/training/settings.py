"""Training configurations: the shipped ones by name, and the user's files."""

from pathlib import Path

CONFIGURATIONS = Path(__file__).parent / "configurations"


def configuration_file(file: Path) -> Path:
    """The file, or the shipped configuration of that name if there is no such file."""
    if not file.is_file() and file.parent == Path() and (CONFIGURATIONS / file.name).is_file():
        return CONFIGURATIONS / file.name
    return file
