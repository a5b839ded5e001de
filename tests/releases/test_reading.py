from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from pressroom.errors import Refused, StatementRefused
from pressroom.releases.media_contact import MediaContact
from pressroom.releases.reading import read_statements
from pressroom.releases.revision import BodyForm

FULL = """---
id: strike-2026
title: "Karker dest ji kar berdan: li sê bajaran"
subtitle: Sê hezar karker
language: kmr
dateline: Amed
date: 2026-11-22
beats: [labour, women]
contacts:
  - name: Berîvan Demir
    email: press@example.org
    phone: +49 40 123456
    role: berdevk
embargo: 2026-11-25T10:00
urgency: 3
slug: karker-dest-ji-kar-berdan
translation_of: CKB
publish: false
assets:
  - path: photos/march.jpg
    alt: Meş
    caption: Meşa karkeran
    credit: Leyla Aydın
    licence: CC BY 4.0
---

Di **sê bajaran** de.

![](photos/march.jpg)
"""

PASTED = """Languages: English, Kurmancî, کوردیی ناوەندی

Kurdish women\u2019s council calls for the release of \u201call journalists\u201d

The council said on Monday that it would not accept the detention of eleven
journalists in three cities, and that it calls on every newsroom to report
about their case.

Eleven people in three cities
They were taken from their homes in the early morning. Their lawyers were not told where \
they are, and their families have heard nothing since. *Nobody* knows_why.

\u201cWe will not be silent,\u201d said Berîvan\u00a0Demir.

What we ask for
We ask for three things.
- Their release
\u2022 A fair hearing
* Access for lawyers

Kurdish Women\u2019s Council
Kottbusser Damm 1
10999 Berlin
press@example.org
"""


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(*paths: Path, language: str | None = None) -> StatementRefused:
    with pytest.raises(StatementRefused) as caught:
        read_statements(paths, language=language)
    return caught.value


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_front_matter_is_read_whole(tmp_path: Path) -> None:
    photo = write(tmp_path, "photos/march.jpg", b"picture")
    (statement,) = read_statements([write(tmp_path, "strike.md", FULL)])
    assert statement.language == "kmr"
    assert statement.title == "Karker dest ji kar berdan: li sê bajaran"
    assert (statement.subtitle, statement.dateline, statement.date) == ("Sê hezar karker", "Amed", date(2026, 11, 22))
    assert (statement.id, statement.slug, statement.beats) == (
        "strike-2026",
        "karker-dest-ji-kar-berdan",
        ("labour", "women"),
    )
    assert statement.contacts == (MediaContact("Berîvan Demir", "press@example.org", "+49 40 123456", "berdevk"),)
    assert statement.embargo == datetime(2026, 11, 25, 10)
    assert statement.embargo.tzinfo is None
    assert (statement.urgency, statement.translation_of, statement.publish) == (3, "ckb", False)
    assert statement.form is BodyForm.MARKDOWN
    assert statement.html.startswith("<p>Di <strong>sê bajaran</strong> de.</p>")
    assert statement.text.startswith("Di sê bajaran de.")
    (picture,) = statement.assets
    assert (picture.path, picture.name, picture.line) == (photo.resolve(), "march.jpg", 20)
    assert (picture.alt, picture.caption, picture.credit, picture.licence) == (
        "Meş",
        "Meşa karkeran",
        "Leyla Aydın",
        "CC BY 4.0",
    )


def test_embargo_keeps_its_offset(tmp_path: Path) -> None:
    path = write(tmp_path, "a.en.md", "---\nembargo: 2026-11-25T10:00Z\n---\n# A title\n")
    assert read_statements([path])[0].embargo == datetime(2026, 11, 25, 10, tzinfo=UTC)


def test_norwegian_and_a_yes_in_a_title_are_texts(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", "---\nlanguage: no\ntitle: yes\nslug: 2026-11-25\n---\n")
    (statement,) = read_statements([path])
    assert (statement.language, statement.title, statement.slug) == ("no", "yes", "2026-11-25")


def test_the_first_heading_is_the_headline_and_leaves_the_body(tmp_path: Path) -> None:
    path = write(tmp_path, "a.ckb.md", "# بەیاننامە بۆ ڕای گشتی\n\n## داواکان\n\nئازادی\n")
    (statement,) = read_statements([path])
    assert statement.title == "بەیاننامە بۆ ڕای گشتی"
    assert statement.html == "<h2>داواکان</h2>\n<p>ئازادی</p>"
    assert statement.body == "## داواکان\n\nئازادی"


def test_a_headline_given_twice_stands_once(tmp_path: Path) -> None:
    path = write(tmp_path, "a.en.md", "---\ntitle: A title\n---\n# A title\n\n# Part\n")
    assert read_statements([path])[0].html == "<h2>Part</h2>"


def test_language_comes_from_the_option_then_the_front_matter_then_the_name(tmp_path: Path) -> None:
    named = write(tmp_path, "a.ckb.md", "# سڵاو لە هەمووان\n")
    inside = write(tmp_path, "b.md", "---\nlanguage: KMR\n---\n# Silav\n")
    pasted = write(tmp_path, "c.pt_br.txt", "Uma frase inteira\n")
    assert [item.language for item in read_statements([named, inside, pasted])] == ["ckb", "kmr", "pt-BR"]
    assert read_statements([named], language="en")[0].language == "en"
    reason = refusal(write(tmp_path, "d.md", "# Something\n")).reason
    assert "--language" in reason
    assert "name.ckb.md" in reason


def test_a_file_name_and_front_matter_that_disagree_are_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, "a.ckb.md", "---\ntitle: A\nlanguage: kmr\n---\n"))
    assert error.line == 3
    assert "ckb" in error.reason
    assert "kmr" in error.reason


def test_a_long_pasted_statement_loses_no_word(tmp_path: Path) -> None:
    source = b"\xef\xbb\xbf" + PASTED.replace("\n", "\r\n").encode()
    (statement,) = read_statements([write(tmp_path, "statement.en.txt", source)])
    assert statement.form is BodyForm.PLAIN
    assert statement.title == "Kurdish women’s council calls for the release of “all journalists”"
    assert statement.announces == ("English", "Kurmancî", "کوردیی ناوەندی")
    assert re.findall("<h2>(.*?)</h2>", statement.html) == ["Eleven people in three cities", "What we ask for"]
    assert (
        "<p>The council said on Monday that it would not accept the detention of eleven journalists" in statement.html
    )
    assert "*Nobody* knows_why." in statement.html
    assert "<ul><li>Their release</li><li>A fair hearing</li><li>Access for lawyers</li></ul>" in statement.html
    assert "<p>Kurdish Women’s Council<br/>Kottbusser Damm 1<br/>10999 Berlin<br/><a href=" in statement.html
    everything = words(PASTED.split("\n", 1)[1])
    assert words(f"{statement.title}\n{statement.text}") == everything
    shown = re.sub("<[^>]+>", " ", statement.html)
    assert words(f"{statement.title}\n{shown}") == everything


def test_what_stands_above_the_headline_becomes_the_dateline(tmp_path: Path) -> None:
    text = "FOR IMMEDIATE RELEASE\n\n=====\n\nHamburg, 3 May 2026\n\nA march of many people\n\nText.\n"
    (statement,) = read_statements([write(tmp_path, "a.en.txt", text)])
    assert statement.title == "A march of many people"
    assert statement.dateline == "FOR IMMEDIATE RELEASE · Hamburg, 3 May 2026"
    assert statement.text == "Text."


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("Ziman: Kurmancî û Îngilîzî", ("Kurmancî", "Îngilîzî")),
        ("زمان: کوردی، عەرەبی", ("کوردی", "عەرەبی")),
        ("اللغات: العربية، الكردية", ("العربية", "الكردية")),
        ("LANGUAGES : English / Deutsch", ("English", "Deutsch")),
    ],
)
def test_the_line_of_languages_is_known_in_many(tmp_path: Path, line: str, names: tuple[str, ...]) -> None:
    (statement,) = read_statements([write(tmp_path, "a.en.txt", f"{line}\nA headline here\n\nText.")])
    assert statement.announces == names
    assert statement.title == "A headline here"


@pytest.mark.parametrize(
    "line", ["3 May 2026", "٢٢ تشرين 2026", "03.05.2026", "2026-05-03", "Berlin, den 3. Mai 2026", "May 3, 2026", "ANF"]
)
def test_dates_and_single_words_are_no_headline(tmp_path: Path, line: str) -> None:
    (statement,) = read_statements([write(tmp_path, "a.en.txt", f"{line}\n\nA headline here\n\nText.")])
    assert (statement.title, statement.dateline) == ("A headline here", line)


@pytest.mark.parametrize(
    "line", ["Freedom!", "Newroz 2026 in Hamburg", "Attack on 3 May 2026 in two cities", "全世界的记者团结起来"]
)
def test_short_headlines_are_headlines(tmp_path: Path, line: str) -> None:
    assert read_statements([write(tmp_path, "a.en.txt", f"{line}\n\nText.")])[0].title == line


def test_a_folder_is_its_statements_by_name(tmp_path: Path) -> None:
    for name in ("b.kmr.md", "a.en.txt", "README.md", ".hidden.ckb.md", "notes.pdf", "sub/c.ckb.md"):
        write(tmp_path, name, "# Du peyv\n")
    read = read_statements([tmp_path, tmp_path / "b.kmr.md"])
    assert [item.path.name for item in read] == ["a.en.txt", "b.kmr.md"]


def test_an_empty_folder_or_nothing_at_all_is_refused(tmp_path: Path) -> None:
    assert "holds no statement" in refusal(tmp_path).reason
    with pytest.raises(Refused, match="No statement was named"):
        read_statements([])


def test_what_belongs_to_the_release_is_the_same_on_every_statement(tmp_path: Path) -> None:
    one = write(tmp_path, "a.en.md", "---\nid: r1\nbeats: labour, women\nslug: one\n---\n# One\n")
    two = write(tmp_path, "a.kmr.md", "---\nbeats: [women, culture]\nurgency: 2\nslug: yek\n---\n# Yek\n")
    first, second = read_statements([one, two])
    assert first.beats == second.beats == ("labour", "women", "culture")
    assert first.id == second.id == "r1"
    assert first.urgency == second.urgency == 2
    assert (first.slug, second.slug) == ("one", "yek")


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [("id", "r1", "r2"), ("urgency", "1", "2"), ("embargo", "2026-11-25T10:00", "2026-11-25T10:00Z")],
)
def test_statements_that_disagree_are_refused(tmp_path: Path, key: str, one: str, other: str) -> None:
    first = write(tmp_path, "a.en.md", f"---\n{key}: {one}\n---\n# One\n")
    second = write(tmp_path, "a.kmr.md", f"---\n{key}: {other}\n---\n# Yek\n")
    error = refusal(first, second)
    assert error.path == second
    assert f"its {key} is" in error.reason


def test_two_files_of_one_language_are_refused(tmp_path: Path) -> None:
    error = refusal(write(tmp_path, "a.en.md", "# One\n"), write(tmp_path, "b.en.txt", "Two words\n"))
    assert error.path.name == "b.en.txt"
    assert "its language is en" in error.reason


def test_a_picture_shown_but_not_listed_is_an_asset_with_its_alt_text(tmp_path: Path) -> None:
    write(tmp_path, "photo one.jpg", b"x")
    (statement,) = read_statements([write(tmp_path, "a.en.md", "# One\n\n![A march](photo%20one.jpg)\n")])
    assert [(item.name, item.alt, item.line) for item in statement.assets] == [("photo one.jpg", "A march", 3)]
    assert 'src="asset:photo%20one.jpg"' in statement.html


def front(*lines: str) -> str:
    return "\n".join(["---", *lines, "---", "# A headline", "", "Text.", ""])


@pytest.mark.parametrize(
    ("name", "text", "line", "reason"),
    [
        ("a.md", front("language: xq"), 2, "not a language"),
        ("a.md", front("title: x", "language: ku"), 3, "ckb for Sorani or kmr for Kurmanji"),
        ("a.ku.txt", "Two words", None, "ckb for Sorani or kmr for Kurmanji"),
        ("a.xq.txt", "Two words", None, "not a language"),
        ("a.en.md", "Only text.\n", None, "no headline"),
        ("a.en.md", "## Not the first rank\n", None, "no headline"),
        ("a.en.txt", "Hello\n\n-----\n", None, "no headline"),
        ("a.en.txt", "Languages: English\n", None, "no headline"),
        ("a.en.txt", "word " * 80, None, "whole paragraph"),
        ("a.en.txt", "Two words\nthen \xe9\n".encode("latin-1"), 2, "not UTF-8"),
        ("a.en.txt", "Two words\n".encode("utf-16"), 1, "not UTF-8"),
        ("a.en.md", "", None, "empty"),
        ("a.en.txt", "\ufeff \u00a0\n", None, "empty"),
        ("a.en.md", front("urgncy: 3"), 2, "unknown key urgncy; did you mean urgency?"),
        ("a.en.md", front("colour: red"), 2, "unknown key colour; known are id, title"),
        ("a.en.md", front("slug: a", "slug: b"), 3, "slug twice"),
        ("a.en.md", front("title: a: b"), 2, "not valid YAML"),
        ("a.en.md", front("beats: [a", "slug: b"), 3, "not valid YAML"),
        ("a.en.md", front("- a"), 2, "key: value"),
        ("a.en.md", "---\ntitle: a\n", 1, "no end"),
        ("a.en.md", front("title: [a]"), 2, "title must be one text"),
        ("a.en.md", front("slug: a", "urgency: 9"), 3, "from 1"),
        ("a.en.md", front("date: 22.11.2026"), 2, "not a date"),
        ("a.en.md", front("embargo: 2026-11-25"), 2, "not a time"),
        ("a.en.md", front("publish: maybe"), 2, "neither true nor false"),
        ("a.en.md", front("slug: a/b"), 2, "cannot be a slug"),
        ("a.en.md", front("slug: a.b"), 2, "cannot be a slug"),
        ("a.en.md", front("slug: " + "a" * 81), 2, "cannot be a slug"),
        ("a.en.md", front("id: ../x y"), 2, "cannot be an id"),
        ("a.en.md", front("beats:", "  - labour", "  - a b"), 4, "cannot be a slug"),
        ("a.en.md", front("contacts: Berîvan"), 2, "must be a list"),
        ("a.en.md", front("contacts:", "  - phone: 1"), 3, "name or an email"),
        ("a.en.md", front("contacts:", "  - name: B", "    email: nobody"), 4, "not a mail address"),
        ("a.en.md", front("contacts:", "  - name: B", "    mail: b@x.org"), 4, "did you mean email?"),
        ("a.en.md", front("assets:", "  - alt: B"), 3, "needs a path"),
        ("a.en.md", front("assets:", "  - path: gone.jpg"), 3, "gone.jpg is missing"),
        ("a.en.md", front("assets:", "  - path: ../secret.txt"), 3, "outside the statement's folder"),
        ("a.en.md", front("assets:", "  - path: /etc/hostname"), 3, "outside the statement's folder"),
        ("a.en.md", front("assets:", "  - path: link.txt"), 3, "outside the statement's folder"),
        ("a.en.md", front("assets:", "  - path: a.en.md", "  - path: ./a.en.md"), 4, "rename one"),
        ("a.en.md", front("slug: x") + "\n![a](gone.jpg)\n", 8, "gone.jpg is missing"),
        ("a.en.md", front("slug: x") + "\n![a](../secret.txt)\n", 8, "outside"),
        ("a.en.md", front("slug: x") + "\n![a](https://x.example/a.jpg)\n", 8, "is elsewhere"),
        ("a.en.md", front("assets: " + "[" * 5000), None, "not valid YAML"),
        ("a.en.md", "# One\n\n" + ">" * 60 + " deep\n", None, "nested too deeply"),
        ("a.en.docx", "x", None, "save the text as .md or .txt"),
        ("a.en.txt", "x " * 1_100_000, None, "larger than 2 MB"),
    ],
)
def test_wrong_input_is_refused_with_file_line_and_reason(
    tmp_path: Path, name: str, text: str | bytes, line: int | None, reason: str
) -> None:
    folder = tmp_path / "in"
    secret = write(tmp_path, "secret.txt", "secret")
    path = write(folder, name, text)
    (folder / "link.txt").symlink_to(secret)
    error = refusal(path)
    assert error.path == path
    assert reason in error.reason
    if line is not None:
        assert error.line == line


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "gone.en.md").reason


def test_a_wrong_language_option_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="which Kurdish"):
        read_statements([write(tmp_path, "a.md", "# One\n")], language="ku")


def test_a_rule_on_top_of_a_pasted_text_is_no_front_matter(tmp_path: Path) -> None:
    (statement,) = read_statements([write(tmp_path, "a.en.txt", "---\nA headline here\n---\n\nText.\n")])
    assert statement.title == "A headline here"
    with_keys = write(tmp_path, "b.txt", "---\nlanguage: kmr\nslug: b\n---\nDu peyv hene\n\nNivîs.\n")
    (other,) = read_statements([with_keys])
    assert (other.language, other.slug, other.title, other.text) == ("kmr", "b", "Du peyv hene", "Nivîs.")
