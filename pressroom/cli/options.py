"""Options that take several values, and texts by language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from pressroom.errors import Refused
from pressroom.languages import parse_tag

_TAGGED = re.compile(r"([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)=(.*)", re.DOTALL)


class ManyValues(click.Command):
    """A command whose repeatable options may also be followed by all their values: `--list press radio`.

    Only once its arguments are there: in `--list press RELEASE` the last word is the argument. A word that names a
    file, or an option, is never such a value.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._spread(args))

    def _spread(self, args: Sequence[str]) -> list[str]:
        options = {name: one for one in self.params if isinstance(one, click.Option) for name in one.opts}
        wanted = sum(1 for one in self.params if isinstance(one, click.Argument))
        takes_paths = any(isinstance(one.type, click.Path) for one in self.params if isinstance(one, click.Argument))
        out: list[str] = []
        seen, current, waits = 0, "", False
        for place, word in enumerate(args):
            if word == "--":
                return [*out, *args[place:]]
            if word.startswith("-") and len(word) > 1 and not waits:
                name = word.partition("=")[0]
                option = options.get(name)
                takes_value = option is not None and not option.is_flag
                waits = takes_value and "=" not in word
                current = name if option is not None and option.multiple else ""
                out.append(word)
            elif waits:
                waits = False
                out.append(word)
            elif current and seen >= wanted and not (takes_paths and Path(word).exists()):
                out += [current, word]
            else:
                seen += 1
                current = ""
                out.append(word)
        return out


def split(values: Iterable[str]) -> list[str]:
    """Values given one by one, or several in one word by commas or spaces; each once."""
    return list(dict.fromkeys(part for value in values for part in value.replace(",", " ").split()))


def texts(values: Iterable[str], default_language: str, option: str) -> dict[str, str]:
    """`[TAG=]TEXT` by language; without a tag it is in the default one. Raises Refused for two in one language."""
    found: dict[str, str] = {}
    for value in values:
        tagged = _TAGGED.fullmatch(value)
        tag, text = (parse_tag(tagged[1]), tagged[2]) if tagged else (default_language, value)
        if tag in found:
            raise Refused(f"{option} is given twice in “{tag}”; write TAG= before each text.")
        if not text.strip():
            raise Refused(f"{option} is empty in “{tag}”; write the text after it.")
        found[tag] = text.strip()
    return found
