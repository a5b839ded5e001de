"""The papers say what the code does: settings, commands, addresses, words and links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote

import click
import pytest

from pressroom import create_app
from pressroom.cli import pressroom as commands
from pressroom.config import Config
from pressroom.mailing.verdict import CODES, TREATMENTS, Verdict
from pressroom.people.account import Act
from pressroom.people.granting import GRANTS
from pressroom.releases.newsroom import ApprovalRule
from pressroom.releases.reading import read_statements
from pressroom.releases.release import TURNS
from tests.conftest import MakeConfig

ROOT = Path(__file__).parent.parent
PAPERS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONFIGURATION, COMMAND_LINE, ADDRESSES, GLOSSARY, RELEASES, MAILING = (
    ROOT / "docs" / f"{name}.md"
    for name in ("configuration", "command-line", "addresses", "glossary", "releases", "mailing")
)

SETTINGS: dict[str, Field[Any]] = {one.metadata["name"]: one for one in fields(Config)}
SECRET_FILES = {f"{name}_FILE" for name, one in SETTINGS.items() if one.metadata["secret"]}
# Read by the code, and no settings of a service: each must still stand in a source file.
OTHER_VARIABLES = {"PRESSROOM_DEBUG"}

# The nouns of the design, which all levels share.
WORDS = (
    "newsroom, release, translation, revision, approval, embargo, correction, retraction, removal, boilerplate, "
    "media contact, asset, rendition, beat, outlet, subscriber, media list, mailing, notice, delivery, digest, bounce, "
    "suppression, outbox, document, log"
).split(", ")

# Those that have nothing to return as an object.
WITHOUT_JSON = {"pressroom up", "pressroom export", "pressroom subscribers export"}
NOT_LISTED = {"--help", "-h", "--json"}


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def rows(path: Path) -> Iterator[list[str]]:
    """The cells of each row of each table, without heads and rules."""
    lines = text(path).splitlines()
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("| ") and not is_head:
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def shown(value: Any) -> str:
    """A default as the table writes it."""
    if value is None:
        return "not set"
    if value == ():
        return "none"
    return f"`{int(value)}`" if isinstance(value, bool) else f"`{value}`"


def test_every_setting_is_documented_with_its_default_and_none_that_is_not() -> None:
    documented = {row[0].strip("`"): row[2] for row in rows(CONFIGURATION)}
    assert documented == {name: shown(one.default) for name, one in SETTINGS.items()}


def test_settings_that_may_stand_in_a_file_are_the_secret_ones() -> None:
    named = set(re.findall(r"`(\w+_FILE)`", text(CONFIGURATION))) - SETTINGS.keys()
    assert named == SECRET_FILES


@pytest.mark.parametrize("paper", PAPERS, ids=relative)
def test_no_paper_names_a_setting_that_does_not_exist(paper: Path) -> None:
    named = set(re.findall(r"\b(?:PRESSROOM|MAIL)_[A-Z_]*[A-Z]\b", text(paper)))
    assert named - SETTINGS.keys() - SECRET_FILES - OTHER_VARIABLES == set()


def test_other_variables_are_read_somewhere() -> None:
    sources = [text(path) for folder in ("pressroom", "tests") for path in (ROOT / folder).rglob("*.py")]
    for name in OTHER_VARIABLES:
        assert any(f'environ.get("{name}")' in source for source in sources), name


def leaves(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that can be run, by its words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(cast("click.Command", command.get_command(context, name)), f"{path} {name}")
    else:
        yield path, command


LEAVES = dict(leaves(commands, "pressroom"))


def options_of(command: click.Command) -> set[str]:
    return {
        name for one in command.params if isinstance(one, click.Option) for name in (*one.opts, *one.secondary_opts)
    }


def found_in(words: list[str]) -> str | None:
    """The command that a written line begins with."""
    return next((name for name in LEAVES if words[: len(name.split())] == name.split()), None)


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_and_option_is_in_its_row(name: str) -> None:
    row = next((one for one in rows(COMMAND_LINE) if re.search(rf"`{name}[ `]", one[0])), None)
    assert row is not None, f"{name} has no row in docs/command-line.md"
    documented = set(re.findall(r"--[a-z][a-z-]*", row[0]))
    assert documented - {"--json"} == options_of(LEAVES[name]) - NOT_LISTED


def test_commands_return_objects_but_for_those_the_paper_names() -> None:
    assert {name for name, command in LEAVES.items() if "--json" not in options_of(command)} == WITHOUT_JSON
    assert "All but `up` and `export` take `--json`." in text(COMMAND_LINE)


def written_commands(paper: Path) -> Iterator[str]:
    """What a reader is told to type: code spans, and lines of code blocks."""
    whole = text(paper)
    yield from re.findall(r"`((?:\.venv/bin/)?pressroom [a-z][^`\n]*)`", whole)
    for block in re.findall(r"^```\w*\n(.*?)^```", whole, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.search(r"(?:^|/bin/)(pressroom [a-z].*)", line):
                yield found[1]


@pytest.mark.parametrize("paper", PAPERS, ids=relative)
def test_every_command_that_a_paper_writes_exists(paper: Path) -> None:
    for written in written_commands(paper):
        words = shlex.split(written.removeprefix(".venv/bin/").replace("\\|", "|"), comments=True)
        name = found_in(words)
        is_group = any(one.startswith(" ".join(words[:2]) + " ") for one in LEAVES) and len(words) == 2
        assert name or is_group, f"{relative(paper)}: {written}"
        if name:
            used = set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", " ".join(words)))
            assert used - NOT_LISTED <= options_of(LEAVES[name]), f"{relative(paper)}: {written}"


def test_commands_are_looked_for_in_text_and_in_blocks(tmp_path: Path) -> None:
    paper = tmp_path / "paper.md"
    paper.write_text("Say `pressroom init`.\n\n```sh\nsudo .venv/bin/pressroom push a.md \\\n  --new\n```\n")
    assert [" ".join(one.split()) for one in written_commands(paper)] == ["pressroom init", "pressroom push a.md --new"]


def without_names(path: str) -> str:
    """`/<slug>/<int:number>` and `/{newsroom}/{number}` alike become `/{}/{}`."""
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


def test_every_address_is_documented_with_its_methods_and_none_that_does_not_exist(make_config: MakeConfig) -> None:
    served: dict[str, set[str]] = {}
    for rule in create_app(make_config()).url_map.iter_rules():
        served.setdefault(without_names(rule.rule), set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    documented = {
        without_names(path): set(row[1].split(", "))
        for row in rows(ADDRESSES)
        for path in re.findall(r"`(.+?)`", row[0])
    }
    assert documented == served


def anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ +(.+)$", text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("paper", PAPERS, ids=relative)
def test_every_relative_link_leads_somewhere(paper: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(paper)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (paper.parent / unquote(path)).resolve() if path else paper
        assert there.exists(), f"{relative(paper)}: {target}"
        assert not anchor or anchor in anchors(there), f"{relative(paper)}: {target}"


def test_every_word_of_the_house_has_an_entry_in_the_glossary() -> None:
    entries = {entry.lower() for entry in re.findall(r"^\*\*([^*]+)\*\* –", text(GLOSSARY), re.MULTILINE)}
    assert set(WORDS) - entries == set()


def named_in(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_the_table_of_statuses_says_what_each_may_become() -> None:
    documented = {row[0].strip("`"): named_in(row[2]) for row in rows(RELEASES) if row[0].strip("`") in TURNS}
    assert documented == {status.value: {one.value for one in turns} for status, turns in TURNS.items()}


def test_the_table_of_acts_says_which_roles_may_do_each() -> None:
    documented = {row[0].strip("`"): row[1].split(", ") for row in rows(RELEASES) if row[0].strip("`") in set(Act)}
    assert documented == {act.value: [role.value for role, acts in GRANTS.items() if act in acts] for act in Act}


def test_the_table_of_verdicts_says_what_each_does_and_which_codes_it_has() -> None:
    documented = {
        row[0].strip("`"): row for row in rows(MAILING) if row[0].strip("`") in set(Verdict) and len(row) == 4
    }
    assert documented.keys() == set(Verdict)
    for verdict, treatment in TREATMENTS.items():
        _, said_by, delivery, address = documented[verdict.value]
        assert named_in(delivery) == ({treatment.state.value} if treatment.state else set()), verdict
        assert named_in(address) == ({treatment.suppresses.value} if treatment.suppresses else set()), verdict
        for code, meaning in CODES.items():
            if meaning is verdict and code.startswith("5."):
                shown = (
                    f"{code}x"
                    if code.count(".") == 2 and code.endswith(".")
                    else f"{code}x.x"
                    if code == "5."
                    else code
                )
                assert shown in said_by, (verdict, code)


def test_each_rule_of_approval_is_explained() -> None:
    assert {f"`{rule.value}`" for rule in ApprovalRule} <= {row[0] for row in rows(RELEASES)}


def test_the_statements_in_the_readme_are_read(tmp_path: Path) -> None:
    written = re.findall(r"^cat > (\S+) <<'END'\n(.*?)^END$", text(ROOT / "README.md"), re.DOTALL | re.MULTILINE)
    for name, content in written:
        (tmp_path / name).write_text(content, encoding="utf-8")
    statements = read_statements([tmp_path / name for name, _ in written])
    assert [one.language for one in statements] == ["en", "ckb"]
