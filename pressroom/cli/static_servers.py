"""What nginx and Caddy must be told to serve an export as the service answers: what is gone, what leads on, and the
media types and headers that no file can say.

Both are parts for a server of one's own (docs/operating.md), written anew by each export.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

GONE, REDIRECTS = "gone.json", "redirects.json"
NGINX_MAPS, NGINX_SERVER, CADDY = "nginx-maps.conf", "nginx-server.conf", "caddy-rules.conf"
NAMES = (GONE, REDIRECTS, NGINX_MAPS, NGINX_SERVER, CADDY)

_WRITTEN = "# Written anew by each `pressroom export`.\n"
_OWN = " ".join(f"/{name}" for name in (*NAMES, ".pressroom-export"))
# What depends on the file, or is for this one request.
_LEFT_TO_SERVERS = frozenset(
    "content-type content-length content-encoding etag last-modified date vary location cache-control link".split()
)
_TRIED = "try_files {path}.html {path}index.html {path}/index.html {path}\n"
_PAGE_AGE, _FILE_AGE = "max-age=0, must-revalidate", "public, max-age=300"


@dataclass(frozen=True)
class Kind:
    """How one kind of file is answered."""

    content_type: str
    headers: tuple[tuple[str, str], ...]


@dataclass
class Rules:
    """By path, as the service answers it. Kinds are named by what stands behind the first dot of a name, nothing for
    pages, or by the path of what lies beside the newsrooms; what is gone has kinds of its own.
    """

    gone: list[str] = field(default_factory=list)
    redirects: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    gone_kinds: dict[str, Kind] = field(default_factory=dict)

    def see(self, path: str, content_type: str, headers: Iterable[tuple[str, str]], *, gone: bool) -> None:
        own = ((name, value) for name, value in headers if name.lower() not in _LEFT_TO_SERVERS)
        age = _PAGE_AGE if gone or not kind_of(path) else _FILE_AGE
        kinds = self.gone_kinds if gone else self.kinds
        kinds.setdefault(kind_of(path), Kind(content_type, (*own, ("Cache-Control", age))))
        if gone:
            self.gone.append(path)


def kind_of(path: str) -> str:
    ending = path.rpartition("/")[2].partition(".")[2]
    return path if ending and path.count("/") == 1 else ending


def nginx_maps(rules: Rules) -> str:
    """For the http level."""
    gone = "".join(f'    "{_decoded(path)}" 1;\n' for path in sorted(rules.gone))
    leads = "".join(
        f'    "{_decoded(path)}" "{_quoted(to).replace("$", "%24")}";\n' for path, to in sorted(rules.redirects.items())
    )
    return (
        f"{_WRITTEN}map_hash_bucket_size 1024;\nmap_hash_max_size 65536;\n"
        f"map $uri $pressroom_gone {{\n    default 0;\n{gone}}}\n"
        f'map $uri $pressroom_leads_to {{\n    default "";\n{leads}}}\n'
    )


def nginx_server(rules: Rules) -> str:
    """For a server whose root is the export."""
    own = "".join(f"location = {name} {{ return 404; }}\n" for name in _OWN.split())
    leads = "if ($pressroom_leads_to) { return 302 $pressroom_leads_to; }\n"
    return "".join((_WRITTEN, leads, own, *_nginx_locations(rules)))


def _nginx_locations(rules: Rules) -> Iterator[str]:
    for number, name in enumerate(sorted({*rules.kinds, *rules.gone_kinds})):
        gone = f"@pressroom_gone_{number}"
        where = f"~ {_regex(name)}" if name else "/"
        words = [f"error_page 410 {gone};", "if ($pressroom_gone) { return 410; }"]
        if not name:
            words.append("try_files $uri.html $uri/index.html =404;")
        yield _nginx_location(where, rules.kinds.get(name), words)
        if name in rules.gone_kinds:
            yield _nginx_location(gone, rules.gone_kinds[name], ["try_files $uri.html $uri/index.html $uri =410;"])


def _nginx_location(where: str, kind: Kind | None, words: Sequence[str]) -> str:
    told = [f'add_header {name} "{_quoted(value)}" always;' for name, value in kind.headers] if kind else []
    typed = [f'default_type "{_quoted(kind.content_type)}";'] if kind else []
    lines = ["types { }", *typed, *words, *told]
    return f"location {where} {{\n" + "".join(f"    {one}\n" for one in lines) + "}\n"


def caddy(rules: Rules) -> str:
    """For a site whose root is the export."""
    return "".join((_WRITTEN, *_caddy(rules)))


def _caddy(rules: Rules) -> Iterator[str]:
    yield f"@pressroom_own path {_OWN}\nhandle @pressroom_own {{\n    respond 404\n}}\n"
    for number, (path, to) in enumerate(sorted(rules.redirects.items())):
        yield f'@pressroom_from_{number} path "{_decoded(path)}"\nredir @pressroom_from_{number} "{to}" 302\n'
    for number, (name, kind) in enumerate(sorted(rules.gone_kinds.items())):
        paths = " ".join(f'"{_decoded(one)}"' for one in sorted(rules.gone) if kind_of(one) == name)
        yield f"@pressroom_gone_{number} path {paths}\nhandle @pressroom_gone_{number} {{\n"
        yield f"{_caddy_headers('', kind)}{_TRIED}file_server {{\n    status 410\n}}\n}}\n"
    yield "handle {\n"
    for number, (name, kind) in enumerate(sorted(rules.kinds.items())):
        yield f"@pressroom_kind_{number} path_regexp {_regex(name)}\n"
        yield _caddy_headers(f"@pressroom_kind_{number} ", kind)
    yield f"{_TRIED}file_server\n}}\n"


def _caddy_headers(matcher: str, kind: Kind) -> str:
    told = (("Content-Type", kind.content_type), *kind.headers)
    return f"header {matcher}{{\n" + "".join(f'    {name} "{_quoted(value)}"\n' for name, value in told) + "}\n"


def _regex(kind: str) -> str:
    if not kind:
        return "^/([^/]+/)*[^/.]*$"
    return f"^{re.escape(kind)}$" if kind.startswith("/") else rf"^/.+/[^/.]*\.{re.escape(kind)}$"


def _decoded(path: str) -> str:
    """As both servers compare paths."""
    return _quoted(unquote(path))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
