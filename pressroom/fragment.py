"""A fragment of HTML that was made safe when it was stored, on its way out.

Apart from `markup`, which makes it: whoever mails or lists releases holds no parser in memory.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Mapping
from urllib.parse import unquote

from pressroom.languages import direction

_ASSET = re.compile(r'<img src="asset:([^"]*)" alt="([^"]*)"/>')
_EMPTY = re.compile(r"<p>\s*</p>\n?")


def with_assets(html: str, urls: Mapping[str, str | None]) -> str:
    """`html` with its pictures' addresses filled in from `urls`, keyed by name.

    A name that has None leaves its alternative text; one that `urls` does not have leaves nothing.
    """

    def fill(match: re.Match[str]) -> str:
        name = unquote(entities.unescape(match[1]))
        url = urls.get(name)
        if url:
            return f'<img src="{entities.escape(url)}" alt="{match[2]}"/>'
        return match[2] if name in urls else ""

    return _EMPTY.sub("", _ASSET.sub(fill, html)).strip("\n")


def in_block(html: str, tag: str) -> str:
    """`html` in an element that says its language and direction, for wherever it leaves the page it was made for."""
    return f'<div lang="{entities.escape(tag)}" dir="{direction(tag)}">{html}</div>'
