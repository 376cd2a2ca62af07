"""How `--help` looks: options in groups, examples that can be copied, and nothing cut off.

Typer's own layout loads rich, which takes longer than everything else that `--help` does, and cuts
names and choices where the terminal is narrow.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from .interruption import InterruptedByUser

if TYPE_CHECKING:
    Context = Any  # click's, of which newer typers have a copy of their own
    Formatter = Any

_WIDEST_NAME = 24


class Command(TyperCommand):
    """A command whose options stand in groups; its epilog has an example on each line."""

    def invoke(self, ctx: Context) -> Any:
        """Runs it; Ctrl-C is an `InterruptedByUser` with the same notes."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            interrupted = InterruptedByUser()
            interrupted.__notes__ = getattr(error, "__notes__", [])
        raise interrupted

    def parse_args(self, ctx: Context, args: list[str]) -> Any:
        """Shows the help at once where nothing else is wanted."""
        _show_only_help(ctx, args)
        return super().parse_args(ctx, args)

    def format_usage(self, ctx: Context, formatter: Formatter) -> None:
        """`Usage: assisters-rerank rerank [OPTIONS] QUERY [FILES]...`."""
        arguments = (each.metavar for each in self.params if each.param_type_name == "argument")
        formatter.write_usage(ctx.command_path, " ".join(["[OPTIONS]", *map(str, arguments)]))

    def format_options(self, ctx: Context, formatter: Formatter) -> None:
        """The arguments, and the options group by group."""
        _write_groups(self, ctx, formatter)

    def format_epilog(self, ctx: Context, formatter: Formatter) -> None:
        """The examples, each on a line of its own however long it is."""
        _write_examples(self.epilog, formatter)


class CommandGroup(TyperGroup):
    """The program: its commands with the first sentence of each."""

    def parse_args(self, ctx: Context, args: list[str]) -> Any:
        """Shows its own help or a command's at once where nothing else is wanted."""
        _show_only_help(ctx, args)
        if len(args) == 2 and args[0] in self.commands and args[1] in ctx.help_option_names:
            self.commands[args[0]].make_context(args[0], args[1:], parent=ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Context, formatter: Formatter) -> None:
        """The commands first, since that is what one looks for."""
        rows = []
        for name in self.list_commands(ctx):
            described = " ".join((self.commands[name].help or "").partition("\n\n")[0].split())
            rows.append((name, described))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        _write_groups(self, ctx, formatter)

    def format_epilog(self, ctx: Context, formatter: Formatter) -> None:
        """As a command's."""
        _write_examples(self.epilog, formatter)


def _show_only_help(ctx: Context, args: list[str]) -> None:
    # Typer would load pydantic to find out what the value of --help is.
    if len(args) == 1 and args[0] in ctx.help_option_names:
        sys.stdout.write(f"{ctx.get_help()}\n")
        ctx.exit()


def _write_examples(examples: str | None, formatter: Formatter) -> None:
    if examples:
        with formatter.section("Examples"):
            formatter.write("".join(f"  {line}\n" for line in examples.splitlines()))


def _write_groups(command: Any, ctx: Context, formatter: Formatter) -> None:
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in command.get_params(ctx):
        if getattr(each, "hidden", False):
            continue
        if each.param_type_name == "argument":
            groups.setdefault("Arguments", []).append((str(each.metavar), each.help or ""))
        else:
            title = getattr(each, "rich_help_panel", None) or "Options"
            groups.setdefault(title, []).append(_row(each, ctx))
    # What every command has comes last.
    for title in sorted(groups, key="Options".__eq__):
        with formatter.section(title):
            formatter.write_dl(groups[title], col_max=_WIDEST_NAME)


def _row(option: Any, ctx: Context) -> tuple[str, str]:
    if not option.is_flag and option.metavar is None:
        row: tuple[str, str] = option.get_help_record(ctx)
        return row
    names = ", ".join(sorted(option.opts, key=lambda name: str(name).startswith("--")))
    described = option.help or ""
    if option.is_flag:
        return names, described
    if option.show_envvar and option.envvar:
        described += f" [variable: {option.envvar}]"
    if option.show_default and option.default is not None:
        default = option.default
        described += f" [default: {default.value if isinstance(default, Enum) else default}]"
    return f"{names} {option.metavar}", described
