"""The benchmark's table: what was measured, and whether it is within its budget. Nothing fails here; people read it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Reading:
    """One line of the table. `is_met` is None for a number that has no budget."""

    what: str
    value: str
    note: str = ""
    budget: str = ""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    readings: tuple[Reading, ...]


def at_most(what: str, value: float, budget: float, unit: str = "", note: str = "") -> Reading:
    """A number that should not be above its budget, as far as it is shown."""
    return Reading(what, shown(value, unit), note, f"<= {shown(budget, unit)}", float(shown(value)) <= budget)


def shown(value: float, unit: str = "") -> str:
    """A number as the table shows it, to four digits."""
    return f"{value:.4g}{unit}"


def percentile(sorted_values: Sequence[float], percent: int) -> float:
    """The percentile by nearest rank: a value that was measured, never one between two."""
    rank = -(-percent * len(sorted_values) // 100)
    return sorted_values[max(0, rank - 1)]


def counts_of(names: dict[str, int] | dict[str, float]) -> str:
    """`call 8, gate 4`, the largest first."""
    ordered = sorted(names.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {shown(count)}" for name, count in ordered if count)


def show(console: Console, title: str, caption: str, sections: Iterable[Section]) -> None:
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("measured")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("budget", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("of that, and how", style="dim")
    for section in sections:
        table.add_row(f"[bold]{section.title}[/]", end_section=False)
        for reading in section.readings:
            table.add_row(f"  {reading.what}", reading.value, reading.budget, _mark(reading.is_met), reading.note)
        table.add_section()
    console.print(table)


def _mark(is_met: bool | None) -> str:
    return {None: "", True: "[green]met[/]", False: "[bold red]not met[/]"}[is_met]
