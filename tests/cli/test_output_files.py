from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
import typer

from assisters_rerank.commands.output_files import check_distinct

from .command import run_here

WRITTEN = ("--json", "--html", "--export", "--cache")
READ = ("DIR", "--run", "--qrels")


@pytest.mark.parametrize(("one", "other"), list(permutations(WRITTEN + READ, 2)))
@pytest.mark.parametrize("exists", [True, False])
def test_two_options_for_one_file(tmp_path: Path, one: str, other: str, exists: bool) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "file"
    if exists:
        file.touch()
        (tmp_path / "link").symlink_to(file)
    given = {one: file, other: tmp_path / "folder" / ".." / "file"}
    written = {name: given.get(name) for name in WRITTEN}
    read = {name: given.get(name) for name in READ}
    if one in READ and other in READ:
        check_distinct(written, read)
        return
    with pytest.raises(typer.BadParameter, match="name the same file"):
        check_distinct(written, read)
    if exists:
        linked = {name: tmp_path / "link" if name == one else file for name in (one, other)}
        with pytest.raises(typer.BadParameter, match="name the same file"):
            check_distinct(
                {name: linked.get(name) for name in WRITTEN},
                {name: linked.get(name) for name in READ},
            )


@pytest.mark.parametrize(
    ("option", "file"),
    [
        ("--run", "first-stage.run"),
        ("--qrels", "first-stage.run"),
        ("--json", "per-query.json"),
        ("--save-settings", "per-query.parquet"),
    ],
)
def test_a_file_that_an_export_would_overwrite(tmp_path: Path, option: str, file: str) -> None:
    (tmp_path / file).write_text("mine\n")
    given = option, str(tmp_path / file)
    done = run_here("eval", "nowhere", "--local", "--export", str(tmp_path), *given)
    assert done.returncode == 2
    assert option in done.stderr
    assert f"--export ({file}) name the same file" in done.stderr.replace(f" and {option}", "")
    assert (tmp_path / file).read_text() == "mine\n"


def test_different_files(tmp_path: Path) -> None:
    check_distinct({name: tmp_path / name for name in WRITTEN}, {"DIR": None, "--run": tmp_path})
