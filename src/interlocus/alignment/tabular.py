"""Rows of numbers in files of any length: read a part at a time, and written as they come."""

from __future__ import annotations

import csv
import itertools
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import TextIOBase
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
from jaxtyping import Float, Int

from interlocus.core.errors import SpecificationError

ROWS_PER_READ = 8_192
"""Rows read at once: so many states of a small network still fit into the processor's own memory."""
ROWS_NAMED = 5
"""How many bad rows a message names."""


class Part(NamedTuple):
    """Some rows that lie behind each other.

    Args:
        number: of each row in the file, counted from 0 and without a header.
        rows: their values.
    """

    number: Int[np.ndarray, " row"]
    rows: Float[np.ndarray, "row width"]


@dataclass(kw_only=True)
class Rows:
    """The rows of a `.npy` or `.csv` file; a first line that is no numbers is a header.

    Args:
        path: of the file.
        width: numbers a row; without it, as many as the first row has.
        skip_invalid: leave rows out that are too short or long, or hold something that is no finite number.

    Raises:
        SpecificationError: the file cannot be read, has another width, or holds bad rows that are not to be skipped.
    """

    path: Path
    width: int | None = None
    skip_invalid: bool = False
    skipped: int = 0

    def __iter__(self) -> Iterator[Part]:
        if self.path.suffix not in _READERS:
            raise SpecificationError(
                f"The file {self.path} is called neither .npy nor .csv.",
                "Its kind is told by its name.",
                "Save the inputs as one of those.",
            )
        try:
            for first, rows in _READERS[self.path.suffix](self):
                yield self._without_bad(first, rows)
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from None

    def _without_bad(self, first: int, rows: Float[np.ndarray, "row width"]) -> Part:
        number = np.arange(first, first + len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(rows.sum()):  # then every one of them is, and looking at each costs five times as much
                return Part(number, rows)
        bad = ~np.isfinite(rows).all(1)
        if bad.any() and not self.skip_invalid:
            shown = ", ".join(map(str, number[bad][:ROWS_NAMED]))
            more = f" and {int(bad.sum()) - ROWS_NAMED} more nearby" if bad.sum() > ROWS_NAMED else ""
            raise SpecificationError(
                f"Rows {shown}{more} of {self.path} contain NaN, infinity, missing values or too large numbers.",
                "A network gives no meaningful answer to such inputs.",
                "Fix them, or pass --skip-invalid-rows to leave them out.",
            )
        self.skipped += int(bad.sum())
        return Part(number[~bad], rows[~bad])

    def _unreadable(self, error: Exception) -> SpecificationError:
        return SpecificationError(
            f"The file {self.path} cannot be read: {error}.",
            "It should hold rows of numbers.",
            "Check the path and what is in it.",
        )

    def wrong_width(self, found: str) -> SpecificationError:
        """The message for rows that do not fit the network."""
        return SpecificationError(
            f"The file {self.path} holds {found}.",
            f"The network is shown {self.width} numbers a row.",
            "Pass the inputs as they are given to the network, one a row.",
        )


def _from_npy(rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of an array on disk; only one of them is in memory.

    They are read rather than mapped: pages of a mapped file count as the process's own until somebody wants them.
    """
    try:
        array = np.load(rows.path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise rows._unreadable(error) from None
    if array.ndim != 2 or array.shape[1] != (rows.width or array.shape[1]) or array.dtype.kind not in "fiub":
        raise rows.wrong_width(f"an array of shape {list(array.shape)} and kind {array.dtype}")
    if not array.flags.c_contiguous:
        for first in range(0, len(array), ROWS_PER_READ):
            yield first, np.array(array[first : first + ROWS_PER_READ], dtype=np.float32)
        return
    (count, width), kind, offset = array.shape, array.dtype, array.offset
    del array
    with rows.path.open("rb") as file:
        file.seek(offset)
        for first in range(0, count, ROWS_PER_READ):
            part = np.fromfile(file, kind, min(ROWS_PER_READ, count - first) * width)
            yield first, part.reshape(-1, width).astype(np.float32, copy=False)


def _from_csv(rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of a text; numbers are parsed all at once, and line by line where that fails."""
    with rows.path.open(newline="") as file:
        first = 0
        head = file.readline()
        width = len(head.split(","))
        if width != (rows.width or width):
            raise rows.wrong_width(f"{width} columns")
        waiting: Iterator[str] = file if np.isnan(_numbers(head, width)).all() else itertools.chain([head], file)
        while lines := [line for line in itertools.islice(waiting, ROWS_PER_READ) if line.strip()]:
            yield first, _parse(lines, width)
            first += len(lines)


def _parse(lines: list[str], width: int) -> Float[np.ndarray, "row width"]:
    try:
        parsed = np.loadtxt(lines, delimiter=",", ndmin=2, dtype=np.float32)
        if parsed.shape == (len(lines), width):
            return parsed
    except ValueError:
        pass  # some line is no numbers: find out which
    return np.stack([_numbers(line, width) for line in lines])


def _numbers(line: str, width: int) -> Float[np.ndarray, " width"]:
    """The numbers of a line; none of them is one where any is not."""
    try:
        values = np.array([float(word) for word in line.split(",")], dtype=np.float32)
    except ValueError:
        values = np.empty(0, dtype=np.float32)
    return values if len(values) == width else np.full(width, np.nan, dtype=np.float32)


_READERS = {".npy": _from_npy, ".csv": _from_csv}

Columns = dict[str, np.ndarray]
"""Columns by name, `[row]` or `[row feature]`."""


class ToText:
    """Writes columns as lines of text.

    Args:
        file: open for writing.
    """

    def __init__(self, file: TextIOBase | TextIO) -> None:
        self._writer, self._begun = csv.writer(file, lineterminator="\n"), False

    def write(self, columns: Columns) -> None:
        """Add rows; the names stand in the first line."""
        flat: dict[str, np.ndarray] = {}
        for name, values in columns.items():
            flat |= {name: values} if values.ndim == 1 else {f"{name}_{i}": part for i, part in enumerate(values.T)}
        if not self._begun:
            self._writer.writerow(flat)
            self._begun = True
        written = [
            [f"{value:.6g}" for value in part.tolist()] if part.dtype.kind == "f" else part.tolist()
            for part in flat.values()
        ]
        self._writer.writerows(zip(*written, strict=True))


class ToArray:
    """Writes columns as one structured array; what comes next is computed while the disk is busy.

    Args:
        path: of a `.npy` file.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._count, self._kind = path.open("wb"), 0, np.dtype([])
        self._writer, self._last = ThreadPoolExecutor(1), Future[int]()
        self._last.set_result(0)

    def write(self, columns: Columns) -> None:
        """Add rows."""
        count = len(next(iter(columns.values())))
        table = np.empty(count, dtype=[(name, part.dtype, part.shape[1:]) for name, part in columns.items()])
        for name, part in columns.items():
            table[name] = part
        self._last.result()
        if not self._count:
            self._kind = table.dtype
            self._head()
        self._last = self._writer.submit(self._file.write, table.data)
        self._count += count

    def finish(self) -> None:
        """Write how many rows there are; the format leaves room for that number to grow."""
        self._last.result()
        self._file.seek(0)
        self._head()

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._writer.shutdown()
        self._file.close()

    def _head(self) -> None:
        about = {"descr": np.lib.format.dtype_to_descr(self._kind), "fortran_order": False, "shape": (self._count,)}
        np.lib.format.write_array_header_1_0(self._file, about)


@contextmanager
def write_to(path: Path | None) -> Iterator[ToText | ToArray]:
    """Where columns go: a `.npy` or `.csv` file, which appears when it is complete, or the standard output.

    Raises:
        SpecificationError: a file of another kind, or one that cannot be written.
    """
    if path is None:
        yield ToText(sys.stdout)
        return
    if path.suffix not in {".npy", ".csv"}:
        raise SpecificationError(
            f"The values should go to {path}.",
            "They are written as .npy or .csv.",
            "Name a file of one of those kinds.",
        )
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.suffix == ".npy":
            with closing(ToArray(partial)) as array:
                yield array
                array.finish()
        else:
            with partial.open("w", newline="") as file:
                yield ToText(file)
        partial.replace(path)
    except OSError as error:
        raise SpecificationError(
            f"The file {path} cannot be written: {error.strerror or error}.",
            "The values should go there.",
            "Make room or get permission, or name another file.",
        ) from None
    finally:
        partial.unlink(missing_ok=True)
