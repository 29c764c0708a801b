"""A page of the docs as a person follows it: its commands, typed into one shell, and what it says they print."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_BLOCK = re.compile(r"```bash\n(.*?)```\n(?:```\n(.*?)```)?", re.DOTALL)
_END = "=== that was it ==="


class Step(NamedTuple):
    """One block of commands, and what the page says is printed; None if it says nothing."""

    commands: str
    printed: str | None


def steps(page: str) -> list[Step]:
    """Each ```bash block of the page, with the plain block right below it."""
    return [Step(commands, printed or None) for commands, printed in _BLOCK.findall(page)]


def differs(page: str, terminal: str) -> str:
    """What the terminal shows that the page does not say, or "".

    Spaces and lines that are only drawn do not count. `…` on a line of its own stands for any lines, within a line for
    any characters.
    """
    wanted = "".join(_pattern(line) for line in _squeezed(page))
    shown = "".join(line + "\n" for line in _squeezed(terminal))
    return "" if re.fullmatch(wanted, shown) else f"The page says\n{page}\nbut this was printed:\n{terminal}"


def _pattern(line: str) -> str:
    if line == "…":
        return r"(?:.*\n)*?"
    return ".*?".join(re.escape(part.strip()).replace(r"\ ", " ") + " ?" for part in line.split("…")) + r"\n"


def _squeezed(text: str) -> list[str]:
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line == "…" or re.search(r"\w|[{}\[\]]", line)]


class Shell:
    """One bash for the whole page, so that what a block sets the next one has; errors are printed where they arise."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(environment), cwd=folder,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def type(self, commands: str) -> str:
        """What the commands print, once they are done."""
        keyboard, screen = self._process.stdin, self._process.stdout
        assert keyboard is not None
        assert screen is not None
        keyboard.write(f"{{\n{commands}\n}} </dev/null\necho; echo '{_END}'\n")
        keyboard.flush()
        lines: list[str] = []
        for line in screen:
            if line.rstrip() == _END:
                return "".join(lines)
            lines.append(line)
        raise AssertionError("The shell ended: " + "".join(lines))
