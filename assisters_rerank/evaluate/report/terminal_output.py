"""How a report's lines and tables reach a terminal: its width, and what its encoding can show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

# Longer lines are hard to follow, however wide the terminal.
_MAX_WIDTH = 100
_NARROW = 72
_UNBOUNDED = 10_000
_ASCII = str.maketrans({"→": "->", "…": "...", "\N{EN DASH}": "-"})


class Output:
    """A console that takes foreign texts: no markup in them, and no character it cannot show."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _MAX_WIDTH)
        self._ascii = console.options.ascii_only
        self.narrow = self._width < _NARROW
        self._gap = 1 if self.narrow else 2

    def heading(self, title: str) -> None:
        """A title with a line to the right edge, below an empty line."""
        title = self.plain(title)
        if cell_len(title) > self._width - 2:
            title = set_cell_size(title, self._width - 5).rstrip() + self.plain("…")
        line = "-" if self._ascii else "─"
        self.empty_line()
        self._print(
            Text.assemble(
                (title, "bold"),
                " ",
                (line * (self._width - cell_len(title) - 1), "dim"),
                overflow="fold",
            )
        )

    def empty_line(self) -> None:
        """Nothing."""
        self._print("")

    def line(self, text: str, style: str = "") -> None:
        """A paragraph."""
        self._print(Text(self.plain(text), style=style, overflow="fold"))

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[tuple[Sequence[str | Text], str]],
        *,
        left: Sequence[int] = (),
    ) -> None:
        """A table below an empty line; a paragraph for each row where it is too wide.

        Args:
            columns: their names.
            rows: cells and style of each row.
            left: the columns that are aligned left; figures stand right.
        """
        table = Table(box=None, padding=(0, self._gap, 0, 0), header_style="dim", pad_edge=False)
        for index, name in enumerate(columns):
            table.add_column(name, justify="left" if index in left else "right", overflow="fold")
        taken = list(rows)
        for cells, style in taken:
            # As texts, since a cell that is a string would be read for emoji.
            shown = (Text(self.plain(cell)) if isinstance(cell, str) else cell for cell in cells)
            table.add_row(*shown, style=style)
        self.empty_line()
        at_ease = self._console.options.update(width=_UNBOUNDED)
        if self._console.measure(table, options=at_ease).maximum <= self._width:
            self._print(table)
            return
        for cells, style in taken:
            named = [f"{name} {cell}" for name, cell in zip(columns, cells, strict=True) if cell]
            self.line(f"{named[0]}: {'; '.join(named[1:])}", style)

    def pairs(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """Questions on the left; on the right the answer in a style, and below it the detail."""
        grid = Table.grid(padding=(0, self._gap))
        grid.add_column(style="dim", overflow="fold")
        grid.add_column(ratio=1, overflow="fold")
        for question, short, style, detail in rows:
            answer = Text(self.plain(short), style=style)
            answer.append(f"\n{self.plain(detail)}", style="not bold default")
            grid.add_row(question, answer)
        self._print(grid)

    def plain(self, text: str) -> str:
        """The text in what the terminal's encoding can show."""
        if self._ascii:
            text = text.translate(_ASCII)
        encoding = self._console.encoding
        return text.encode(encoding, "replace").decode(encoding)

    def _print(self, what: RenderableType) -> None:
        # Names and ids may hold brackets and :colons:, which are not meant as markup.
        self._console.print(what, width=self._width, markup=False, highlight=False, emoji=False)
