from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
import typer

from assisters_rerank.commands.output_files import check_distinct

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


def test_different_files(tmp_path: Path) -> None:
    check_distinct({name: tmp_path / name for name in WRITTEN}, {"DIR": None, "--run": tmp_path})
