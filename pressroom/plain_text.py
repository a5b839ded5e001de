"""From structure to plain text: a Markdown syntax tree, or blocks of pasted text, as wrapped lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from markdown_it.tree import SyntaxTreeNode

from pressroom.wrapping import COLUMNS, display_width, wrap

_NARROWEST = 20


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Paragraph:
    """`lines` are meant to stay lines; one where the text flows."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Bullets:
    items: tuple[str, ...]


Block = Heading | Paragraph | Bullets


def lines_of_blocks(blocks: Sequence[Block]) -> list[str]:
    """A heading stands on a line of its own directly above what follows, as the plain form of a statement has it."""
    parts: list[tuple[list[str], bool]] = []
    for block in blocks:
        match block:
            case Heading(text):
                lines = wrap(text)
                parts.append((lines, len(lines) == 1))
            case Paragraph(texts):
                parts.append((wrap("\n".join(texts)), False))
            case Bullets(items):
                parts.append(([line for item in items for line in _hung("- ", wrap(item, COLUMNS - 2))], False))
    return _stacked(parts)


def lines_of_tree(root: SyntaxTreeNode) -> list[str]:
    return _children(root, COLUMNS)


def _stacked(parts: Sequence[tuple[list[str], bool]]) -> list[str]:
    """Parts with a blank line between, except below one that is marked as close to what follows."""
    out: list[str] = []
    close = True
    for lines, close_to_next in parts:
        if not lines:
            continue
        out.extend(lines if close else ["", *lines])
        close = close_to_next
    return out


def _hung(marker: str, lines: Sequence[str]) -> list[str]:
    indent = " " * len(marker)
    first, *rest = lines or [""]
    return [(marker + first).rstrip(" "), *(indent + line if line else "" for line in rest)]


def _children(node: SyntaxTreeNode, columns: int) -> list[str]:
    parts = []
    for child in node.children:
        lines = _block(child, max(columns, _NARROWEST))
        close = child.type == "heading" and len(lines) == 1
        parts.append((lines, close or (child.type == "paragraph" and child.hidden)))
    return _stacked(parts)


def _block(node: SyntaxTreeNode, columns: int) -> list[str]:
    match node.type:
        case "heading" | "paragraph":
            text = _inline(node)
            return wrap(text, columns) if text.strip() else []
        case "bullet_list" | "ordered_list":
            return _list(node, columns)
        case "blockquote":
            return [f"> {line}".rstrip(" ") for line in _children(node, columns - 2)]
        case "fence" | "code_block":
            return [f"    {line}".rstrip(" ") for line in node.content.rstrip("\n").split("\n")]
        case "hr":
            return ["* * *"]
        case "table":
            return _table(node, columns)
    return _children(node, columns)


def _list(node: SyntaxTreeNode, columns: int) -> list[str]:
    number = int(node.attrs.get("start", 1))
    loose = any(child.type == "paragraph" and not child.hidden for item in node.children for child in item.children)
    parts = []
    for index, item in enumerate(node.children):
        marker = f"{number + index}. " if node.type == "ordered_list" else "- "
        parts.append((_hung(marker, _children(item, columns - len(marker))), not loose))
    return _stacked(parts)


def _table(node: SyntaxTreeNode, columns: int) -> list[str]:
    """Padded columns where they fit; otherwise one cell to a line, each after its column's name."""
    rows = [
        [_inline(cell).replace("\n", " ") for cell in row.children] for part in node.children for row in part.children
    ]
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) <= columns:
        padded = [" | ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        rule = "-+-".join("-" * width for width in widths)
        return [line.rstrip(" ") for line in (padded[0], rule, *padded[1:])]
    head, *body = rows
    named = [[f"{name}: {cell}" if name else cell for name, cell in zip(head, row, strict=True)] for row in body]
    if not named:
        return wrap("\n".join(head), columns)
    return _stacked([([line for cell in row for line in wrap(cell, columns)], False) for row in named])


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - display_width(cell))


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(_span(child) for child in node.children)


def _span(node: SyntaxTreeNode) -> str:
    match node.type:
        case "text" | "code_inline":
            return node.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "image":
            alt = _inline(node)
            return f"[{alt}]" if alt else ""
        case "link":
            return _link(_inline(node), str(node.attrs.get("href", "")))
        case "s":
            return f"~~{_inline(node)}~~"
    return _inline(node)


def _link(text: str, href: str) -> str:
    target = href.removeprefix("mailto:").removeprefix("tel:")
    return text if text in (href, target, unquote(href), unquote(target)) else f"{text} ({target})".strip()
