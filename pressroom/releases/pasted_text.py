"""Plain text as people paste it: where its headline, section headings, paragraphs and lists are. Nothing is markup.

No word is dropped: what stands above the headline (a date line, “For immediate release”) becomes the dateline. Only a
leading line that names languages is set apart, and lines without a letter or digit above the headline are ornament.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pressroom.clean_text import clean_line
from pressroom.errors import Refused
from pressroom.markup import Block, Bullets, Heading, Paragraph
from pressroom.wrapping import display_width

LONGEST_HEADLINE = 250

_LONGEST_HEADING = 70
# Lines of this length or more were not broken by hand or by a mail program; each is a paragraph.
_LONGEST_WRAPPED = 132
_NARROWEST_WRAPPED = 50

_LANGUAGES = re.compile(
    r"(?:languages?|available in|ziman|zimanan|زمان|زمانەکان|زمانه‌ها|زبان|زبان‌ها|اللغات|اللغة|لغات"
    r"|sprachen?|langues?|diller?|idiomas?|lingue|talen|språk|ziwanî|языки|мови|γλώσσες)\s*[:：]\s*(.*)",
    re.IGNORECASE,
)
_BETWEEN_NAMES = re.compile(r"\s*[,;/|·•،؛+&–—]\s*|\s+-\s+|\s+(?:and|und|et|û|و|ve|y|e|en|och)\s+", re.IGNORECASE)

_LABELS = frozenset(
    {"for immediate release", "immediate release", "press release", "press statement", "media release", "news release"}
    | {"media statement", "public statement", "pressemitteilung", "presseerklärung", "medienmitteilung", "erklärung"}
    | {"zur sofortigen veröffentlichung", "communiqué de presse", "pour diffusion immédiate", "comunicato stampa"}
    | {"comunicado de prensa", "nota de prensa", "persbericht", "pressmeddelande", "basın açıklaması", "basın bülteni"}
    | {"daxuyaniya çapemeniyê", "daxuyanî ji bo çapemeniyê", "ji bo çapemeniyê", "بەیاننامەی ڕۆژنامەوانی"}
    | {
        "ڕاگەیەندراوی ڕۆژنامەوانی",
        "بۆ بڵاوکردنەوەی دەستبەجێ",
        "بيان صحفي",
        "بیان صحفي",
        "للنشر الفوري",
        "بیانیه مطبوعاتی",
    }
)
_DAY = r"\d{1,2}(?:\.|st|nd|rd|th|ê|ی|مین)?"
_DATE = (
    rf"(?:\d{{4}}-\d{{1,2}}-\d{{1,2}}|\d{{1,2}}\s?[./-]\s?\d{{1,2}}\s?[./-]\s?\d{{2,4}}"
    rf"|(?:[^\W\d]+,?\s+)?{_DAY}\s*(?:de\s|ی\s)?\s*[^\W\d]+,?\s+(?:de\s+)?\d{{4}}|[^\W\d]+\s+{_DAY},?\s+\d{{4}})"
)
_DATE_LINE = re.compile(rf"(?:[^\d,،]{{2,40}}[,،–—-]\s*(?:den\s+)?)?{_DATE}\s*[.:–—-]*", re.IGNORECASE)
_ADDRESS_LINE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+", re.IGNORECASE)
_BULLET = re.compile(r"[-*•‣◦●▪]\s+(?=\S)")
_NUMBERED = re.compile(r"\(?(?:\d{1,3}|[a-z])[.)]\s", re.IGNORECASE)
_CONTACT_LINE = re.compile(
    r"[^\s:]{1,20}\s?:\s|\+?[\d(][\d\s()/-]{5,}$|(?:https?://|www\.)\S+$|\S+@\S+$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?؟۔…。！？][\"'”’»“)\]]*$")
_NO_HEADING_END = re.compile(r"[.,;،؛۔…。][\"'”’»“)\]]*$")


@dataclass(frozen=True)
class Pasted:
    """`announces` are the languages of a leading `Languages: …` line, by the names it uses."""

    title: str
    dateline: str
    body: str
    announces: tuple[str, ...]


def read_pasted(text: str, *, title: str = "") -> Pasted:
    """Takes a cleaned text apart; with a `title` from elsewhere, only the line of languages is taken from it.

    Refused if no line is a sentence, or if the first one is too long for a headline.
    """
    lines = text.split("\n")
    above: list[str] = []
    announces: tuple[str, ...] = ()
    for index, line in enumerate(map(clean_line, lines)):
        if not announces and (named := _LANGUAGES.fullmatch(line)):
            announces = _names(named[1])
        elif title and line:
            return Pasted(title, "", "\n".join(lines[index:]).strip("\n"), announces)
        elif _is_sentence(line):
            if display_width(line) > LONGEST_HEADLINE:
                raise Refused("the text starts with a whole paragraph; put a headline on a line of its own above it.")
            return Pasted(line, " · ".join(above), "\n".join(lines[index + 1 :]).strip("\n"), announces)
        elif _has_words(line):
            above.append(line)
    if title:
        return Pasted(title, "", "", announces)
    raise Refused("it has no headline; put a sentence on a line of its own at the top.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip(" .()") for name in _BETWEEN_NAMES.split(text) if name.strip(" .()"))


def _has_words(line: str) -> bool:
    return any(char.isalnum() for char in line)


def _is_sentence(line: str) -> bool:
    """Two words or more, or one that ends as a sentence does; no date, label or address."""
    words = [word for word in line.split() if any(map(str.isalpha, word))]
    unspaced = sum(unicodedata.east_asian_width(char) == "W" for char in line) >= 6
    if _DATE_LINE.fullmatch(line) or _ADDRESS_LINE.fullmatch(line) or _is_label(line):
        return False
    return len(words) > 1 or unspaced or (len(words) == 1 and _SENTENCE_END.search(line) is not None)


def _is_label(line: str) -> bool:
    letters = "".join(char if char.isalpha() or unicodedata.category(char) == "Mn" else " " for char in line.casefold())
    words = letters.split()
    return " ".join(word for word in words if word not in ("no", "nr")) in _LABELS


def blocks(body: str) -> list[Block]:
    """Headings, paragraphs and lists of a cleaned text without its headline."""
    lines = [clean_line(line) for line in body.split("\n")]
    columns = _columns(lines)
    found: list[Block] = []
    for group in _groups(lines):
        for block in _blocks_of_group(group, columns):
            last = found[-1] if found else None
            if isinstance(block, Bullets) and isinstance(last, Bullets):
                found[-1] = Bullets(last.items + block.items)
            else:
                found.append(block)
    return found


def _groups(lines: Sequence[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for line in lines:
        if line:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _columns(lines: Sequence[str]) -> int:
    """The width that the text was wrapped at, as far as can be seen; 0 if lines were not broken by a machine."""
    widths = [display_width(line) for line in lines if "://" not in line]
    widest = max((width for width in widths if width < _LONGEST_WRAPPED), default=0)
    return widest if widest >= _NARROWEST_WRAPPED else 0


def _blocks_of_group(group: list[str], columns: int) -> list[Block]:
    out: list[Block] = []
    if _is_heading(group, columns):
        out.append(Heading(group[0]))
        group = group[1:]
    text: list[str] = []
    for line in _flowing(group, columns):
        bullet = _BULLET.match(line)
        if bullet or (text and display_width(text[-1]) >= _LONGEST_WRAPPED):
            out.extend(_paragraph(text))
            text = []
        if bullet:
            out.append(Bullets((line[bullet.end() :],)))
        else:
            text.append(line)
    return out + _paragraph(text)


def _paragraph(lines: list[str]) -> list[Block]:
    return [Paragraph(tuple(lines))] if lines else []


def _is_heading(group: Sequence[str], columns: int) -> bool:
    """A short line with a paragraph, or a list, directly below; lines of an address or a poem are neither."""
    if len(group) < 2 or not _is_short(group[0]) or _flows(group[0], group[1], columns):
        return False
    if _BULLET.match(group[1]):
        return not group[0].endswith((":", "："))
    first = _flowing(group[1:], columns)[0]
    is_sentence = len(first.split()) > 2 and _SENTENCE_END.search(first) is not None
    return is_sentence or display_width(first) >= _LONGEST_WRAPPED


def _is_short(line: str) -> bool:
    apart = _BULLET.match(line) or _ADDRESS_LINE.fullmatch(line) or _DATE_LINE.fullmatch(line)
    return display_width(line) <= _LONGEST_HEADING and not apart and not _NO_HEADING_END.search(line)


def _flowing(lines: Sequence[str], columns: int) -> list[str]:
    """The lines as meant: those that a machine broke are one again."""
    out: list[str] = []
    previous = ""
    for line in lines:
        if out and _flows(previous, line, columns):
            out[-1] += f" {line}"
        else:
            out.append(line)
        previous = line
    return out


def _flows(line: str, following: str, columns: int) -> bool:
    """Whether the break between two lines was made for want of room: the next word would not have fitted."""
    if any(pattern.match(following) for pattern in (_BULLET, _NUMBERED, _CONTACT_LINE)):
        return False
    width = display_width(line)
    if width > columns or display_width(following) >= _LONGEST_WRAPPED:
        return False
    return width + 1 + display_width(following.split(" ", 1)[0]) > columns
