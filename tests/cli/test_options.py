from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pressroom.cli.options import ManyValues, split, texts
from pressroom.errors import Refused


@click.command(cls=ManyValues)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--mail", multiple=True)
@click.option("--at")
@click.option("--publish", is_flag=True)
def example(paths: tuple[str, ...], mail: tuple[str, ...], at: str | None, publish: bool) -> None:
    click.echo(repr((paths, mail, at, publish)))


def spoken(*arguments: str) -> str:
    result = CliRunner().invoke(example, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("a", "--mail", "press", "--mail", "radio"),
        ("a", "--mail", "press", "radio"),
        ("a", "--mail=press", "radio"),
    ],
)
def test_values_may_be_given_one_by_one_or_together(arguments: tuple[str, ...]) -> None:
    assert spoken(*arguments) == repr((("a",), ("press", "radio"), None, False))


def test_what_comes_before_the_arguments_takes_one_value() -> None:
    assert spoken("--mail", "press", "a", "b") == repr((("a", "b"), ("press",), None, False))


def test_a_word_that_names_a_file_is_an_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b").touch()
    assert spoken("a", "--mail", "press", "b") == repr((("a", "b"), ("press",), None, False))


def test_other_options_take_one_value_and_flags_none() -> None:
    assert spoken("a", "--at", "t", "b", "--publish", "c") == repr((("a", "b", "c"), (), "t", True))
    assert spoken("--mail", "x", "--", "--mail") == repr((("--mail",), ("x",), None, False))


def test_commas_and_spaces_part_values() -> None:
    assert split(["en,ckb", "kmr en"]) == ["en", "ckb", "kmr"]


def test_texts_are_by_language() -> None:
    assert texts(["Water", "ckb=ئاو", "zh-hant=水"], "en", "--name") == {"en": "Water", "ckb": "ئاو", "zh-Hant": "水"}
    assert texts(["rate = 5 % of all"], "en", "--name") == {"en": "rate = 5 % of all"}
    for wrong in (["A", "en=B"], ["ku=Av"], ["en= "]):
        with pytest.raises(Refused):
            texts(wrong, "en", "--name")
