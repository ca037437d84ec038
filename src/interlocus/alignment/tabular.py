"""Read and write tables of numbers of any length, some rows at a time."""

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
"""Rows that are read at once: the activations of a small network for them fit the processor's cache."""
ROWS_NAMED = 5
"""Number of invalid rows that a message names."""


class Part(NamedTuple):
    """Consecutive rows of a file, possibly without invalid ones.

    Args:
        number: Index of each row in the file, from 0 and without the header.
        rows: The numbers of each row, in single precision.
    """

    number: Int[np.ndarray, " row"]
    rows: Float[np.ndarray, "row width"]


@dataclass(kw_only=True)
class Rows:
    """The rows of a `.npy` or `.csv` file. A first line of a `.csv` file without numbers is taken as a header.

    Args:
        path: Path of the file.
        width: Numbers per row; `None` for the width of the first row.
        skip_invalid: Whether to skip rows that have another width, or a value that is not a finite number.
        skipped: Number of rows that have been skipped so far.

    Raises:
        SpecificationError: the file cannot be read or has another width, or a row is invalid and not to be skipped.
    """

    path: Path
    width: int | None = None
    skip_invalid: bool = False
    skipped: int = 0

    def __iter__(self) -> Iterator[Part]:
        if self.path.suffix not in _READERS:
            raise SpecificationError(
                f"The file {self.path} ends in neither .npy nor .csv.",
                "The ending of the name decides how it is read.",
                "Save the inputs in one of these formats.",
            )
        try:
            for first, rows in _READERS[self.path.suffix](self):
                yield self._valid_part(first, rows)
        except (OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from None

    def _valid_part(self, first: int, rows: Float[np.ndarray, "row width"]) -> Part:
        number = np.arange(first, first + len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(rows.sum()):  # then every number is finite; testing each takes five times as long
                return Part(number, rows)
        invalid = ~np.isfinite(rows).all(1)
        if invalid.any() and not self.skip_invalid:
            shown = ", ".join(map(str, number[invalid][:ROWS_NAMED]))
            more = f" and {int(invalid.sum()) - ROWS_NAMED} more nearby" if invalid.sum() > ROWS_NAMED else ""
            raise SpecificationError(
                f"Rows {shown}{more} of {self.path} are not {rows.shape[1]} finite numbers each.",
                "The outputs of a network have no meaning for such inputs.",
                "Correct them, or pass --skip-invalid-rows to leave them out.",
            )
        self.skipped += int(invalid.sum())
        return Part(number[~invalid], rows[~invalid])

    def _unreadable(self, error: Exception) -> SpecificationError:
        return SpecificationError(
            f"The file {self.path} cannot be read: {error}.",
            "It should contain rows of numbers.",
            "Check the path and the contents.",
        )

    def wrong_width(self, contents: str) -> SpecificationError:
        """The error for a file whose rows do not fit the network.

        Args:
            contents: Number and kind of the values in the file, as a noun.
        """
        return SpecificationError(
            f"The file {self.path} has {contents}.",
            f"The network takes {self.width} numbers per row.",
            "Pass the inputs as the network takes them, one per row.",
        )


def _from_npy(rows: Rows) -> Iterator[tuple[int, np.ndarray]]:
    """Parts of an array on disk, of which one is in memory at a time.

    The file is read rather than mapped, since pages of a mapped file count as memory of the process.
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
    """Parts of a text file. All lines of a part are parsed at once, or line by line if that fails."""
    with rows.path.open(newline="") as file:
        first = 0
        head = file.readline()
        width = len(head.split(","))
        if width != (rows.width or width):
            raise rows.wrong_width(f"{width} columns")
        lines_left: Iterator[str] = file if np.isnan(_numbers(head, width)).all() else itertools.chain([head], file)
        while lines := [line for line in itertools.islice(lines_left, ROWS_PER_READ) if line.strip()]:
            yield first, _parse(lines, width)
            first += len(lines)


def _parse(lines: list[str], width: int) -> Float[np.ndarray, "row width"]:
    try:
        parsed = np.loadtxt(lines, delimiter=",", ndmin=2, dtype=np.float32)
        if parsed.shape == (len(lines), width):
            return parsed
    except ValueError:
        pass  # a line is invalid: find out which
    return np.stack([_numbers(line, width) for line in lines])


def _numbers(line: str, width: int) -> Float[np.ndarray, " width"]:
    """The numbers of a line; all are NaN if the line is invalid."""
    try:
        values = np.array([float(word) for word in line.split(",")], dtype=np.float32)
    except ValueError:
        values = np.empty(0, dtype=np.float32)
    return values if len(values) == width else np.full(width, np.nan, dtype=np.float32)


_READERS = {".npy": _from_npy, ".csv": _from_csv}

Columns = dict[str, np.ndarray]
"""Columns by name: arrays `[row]` or `[row, feature]`."""


class CsvWriter:
    """Writes columns as comma-separated text.

    Args:
        file: A text file that is open for writing.
    """

    def __init__(self, file: TextIOBase | TextIO) -> None:
        self._writer, self._begun = csv.writer(file, lineterminator="\n"), False

    def write(self, columns: Columns) -> None:
        """Append rows; the first call also writes a line with the names of the columns."""
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


class NpyWriter:
    """Writes columns as one structured array, in a second thread so that computation continues meanwhile.

    Args:
        path: Path of the `.npy` file; an existing file is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._count, self._kind = path.open("wb"), 0, np.dtype([])
        self._writer, self._last = ThreadPoolExecutor(1), Future[int]()
        self._last.set_result(0)

    def write(self, columns: Columns) -> None:
        """Append rows; all calls need the same columns."""
        count = len(next(iter(columns.values())))
        table = np.empty(count, dtype=[(name, part.dtype, part.shape[1:]) for name, part in columns.items()])
        for name, part in columns.items():
            table[name] = part
        self._last.result()
        if not self._count:
            self._kind = table.dtype
            self._write_header()
        self._last = self._writer.submit(self._file.write, table.data)
        self._count += count

    def finish(self) -> None:
        """Write the final number of rows into the header, for which the format reserves space."""
        self._last.result()
        self._file.seek(0)
        self._write_header()

    def close(self) -> None:
        """Close the file, whether it is complete or not."""
        self._writer.shutdown()
        self._file.close()

    def _write_header(self) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self._kind), "fortran_order": False, "shape": (self._count,)}
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def open_output(path: Path | None) -> Iterator[CsvWriter | NpyWriter]:
    """Open a writer for columns.

    Args:
        path: A `.npy` or `.csv` file, which appears when it is complete; `None` for text to the standard output.

    Raises:
        SpecificationError: the name has another ending, or the file cannot be written.
    """
    if path is None:
        yield CsvWriter(sys.stdout)
        return
    if path.suffix not in {".npy", ".csv"}:
        raise SpecificationError(
            f"The output file {path} ends in neither .npy nor .csv.",
            "Values are written in one of these formats.",
            "Choose a name with one of these endings.",
        )
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.suffix == ".npy":
            with closing(NpyWriter(partial)) as array:
                yield array
                array.finish()
        else:
            with partial.open("w", newline="") as file:
                yield CsvWriter(file)
        partial.replace(path)
    except OSError as error:
        raise SpecificationError(
            f"The file {path} cannot be written: {error.strerror or error}.",
            "The values would be lost.",
            "Free disk space, check the permissions, or choose another file.",
        ) from None
    finally:
        partial.unlink(missing_ok=True)
