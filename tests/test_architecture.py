"""The rules of ARCHITECTURE.md, kept over the source as it is written: who may import whom, who opens transactions."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pressroom"

FLOOR = frozenset(
    "addresses bulk catalogues clean_text config db errors folded fragment kept_connection languages locks markup "
    "migrations networks outbox phrases plain_text query_plan readers seal signing sqlite tables wrapping".split()
)
DESKS = {
    "people": frozenset[str](),
    "releases": frozenset({"people"}),
    "feeds": frozenset({"people", "releases"}),
    "mailing": frozenset({"people", "releases"}),
    "pushing": frozenset({"people", "releases"}),
}
# `__init__` is create_app(), the only wiring; `demo` is loaded by `pressroom up --demo` alone.
DOORS = frozenset(
    "__init__ acts api cli clock demo doctor doorbell inbox jobs outgoing service smtp supervising web working".split()
)

# Alembic must know every table, wherever its noun stands.
FLOOR_THAT_KNOWS_DESKS = frozenset({"tables"})

FOR_DOORS_ONLY = re.compile(
    r"(flask|flask_\w+|werkzeug|click|rq|redis|smtplib|imaplib|uvicorn|uvloop|httptools|a2wsgi|aiosmtpd|httpcore2)(\.|$)"
)
FEEDGEN_ROOMS = frozenset({"feeds/document.py", "feeds/feedgen_extension.py"})
HTTP_CLIENTS = re.compile(r"(http\.client|urllib\.request|httpcore2)(\.|$)")
# The second asks our own web server whether it is up.
HTTP_ROOMS = frozenset({"outgoing/client.py", "supervising/service.py"})
BANNED_NAMES = frozenset("models utils helpers common services managers misc".split())

# The thing, not the act.
NOUNS_IN_ING = frozenset({"mailing/mailing.py"})

# One long list of tables each, made once and never edited.
UNMEASURED = ("migrations/versions/",)
LONGEST_FUNCTION, LONGEST_MODULE = 40, 300

_OUR_NAME = re.compile(r"pressroom(\.\w+)+")
_CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"})

Rule = Callable[[Path], list[str]]


def modules(package: Path) -> Iterator[tuple[str, ast.Module]]:
    """Each module by its path inside the package, such as `mailing/sending.py`."""
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def room(path: str) -> str:
    """The package or top-level module that a path belongs to."""
    return path.split("/")[0].removesuffix(".py")


def imports(path: str, tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every module named by an import, wherever it stands, or by a string that is the name of one of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(path, node)
            # `from pressroom import outbox` names a module, `from pressroom.db import Database` a thing in one.
            yield from ((node.lineno, f"{base}.{alias.name}" if base == "pressroom" else base) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _OUR_NAME.fullmatch(node.value):
            yield node.lineno, node.value


def _absolute(path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    here = ["pressroom", *path.split("/")[:-1]]
    return ".".join([*here[: len(here) - node.level + 1], *([node.module] if node.module else [])])


def room_of(name: str) -> str | None:
    """The room of a module of ours; None for anybody else's."""
    parts = name.split(".")
    if parts[0] != "pressroom":
        return None
    known = FLOOR | DOORS | DESKS.keys()
    return parts[1] if len(parts) > 1 and parts[1] in known else "__init__"


def unknown_rooms(package: Path) -> list[str]:
    known = FLOOR | DOORS | DESKS.keys()
    return sorted(
        {f"{room(path)}: is it floor, desk or door?" for path, _ in modules(package) if room(path) not in known}
    )


def wrong_imports(package: Path) -> list[str]:
    found = []
    for path, tree in modules(package):
        here = room(path)
        if here in DOORS or here in FLOOR_THAT_KNOWS_DESKS:
            continue
        allowed = FLOOR | {here} | DESKS.get(here, frozenset())
        for line, name in imports(path, tree):
            there = room_of(name)
            if there is not None and there not in allowed:
                found.append(f"{path}:{line} imports {name}")
    return found


def door_libraries(package: Path) -> list[str]:
    """Libraries of the web, the queue and the command line outside the doors; smtplib anywhere: smtp/ speaks itself."""
    found = []
    for path, tree in modules(package):
        for line, name in imports(path, tree):
            at_a_door = room(path) in DOORS
            if (FOR_DOORS_ONLY.match(name) and not at_a_door) or name.split(".")[0] == "smtplib":
                found.append(f"{path}:{line} imports {name}")
    return found


def feedgen_elsewhere(package: Path) -> list[str]:
    return [
        f"{path}:{line} imports {name}"
        for path, tree in modules(package)
        for line, name in imports(path, tree)
        if name.split(".")[0] == "feedgen" and path not in FEEDGEN_ROOMS
    ]


def requests_elsewhere(package: Path) -> list[str]:
    return [
        f"{path}:{line} imports {name}"
        for path, tree in modules(package)
        for line, name in imports(path, tree)
        if HTTP_CLIENTS.match(name) and path not in HTTP_ROOMS
    ]


def is_gerund(path: str) -> bool:
    """Such as `publishing.py` and `signing_in.py`."""
    return Path(path).stem.split("_")[0].endswith("ing") and path not in NOUNS_IN_ING


def acts_in_nouns(package: Path) -> list[str]:
    found = []
    for path, tree in modules(package):
        if room(path) not in DESKS or is_gerund(path):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                called = ast.unparse(node.func)
                if node.func.attr in ("transaction", "hot") or called == "outbox.put":
                    found.append(f"{path}:{node.lineno} calls {called}()")
            elif isinstance(node, ast.ImportFrom) and _absolute(path, node) == "pressroom.outbox":
                found.extend(f"{path}:{node.lineno} imports put" for alias in node.names if alias.name == "put")
    return found


def clocks_in_desks(package: Path) -> list[str]:
    found = []
    for path, tree in modules(package):
        if room(path) in DESKS:
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            found.extend(f"{path}:{one.lineno} asks {ast.unparse(one.func)}()" for one in calls if _is_clock(one))
    return found


def _is_clock(call: ast.Call) -> bool:
    return ".".join(ast.unparse(call.func).split(".")[-2:]) in _CLOCKS


def banned_names(package: Path) -> list[str]:
    named = (path.relative_to(package).as_posix() for path in package.rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in named if {Path(part).stem for part in path.split("/")} & BANNED_NAMES)


def too_long(package: Path) -> list[str]:
    found = []
    for path, tree in modules(package):
        if path.startswith(UNMEASURED):
            continue
        length = len((package / path).read_text(encoding="utf-8").splitlines())
        if length > LONGEST_MODULE:
            found.append(f"{path} has {length} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    found.append(f"{path}:{node.lineno} {node.name} has {length} lines")
    return found


def test_every_module_is_floor_desk_or_door() -> None:
    assert unknown_rooms(PACKAGE) == []


def test_rooms_import_only_what_lies_below_them() -> None:
    assert wrong_imports(PACKAGE) == []


def test_only_doors_know_the_web_the_queue_and_the_command_line() -> None:
    assert door_libraries(PACKAGE) == []


def test_feedgen_is_used_in_two_modules_only() -> None:
    assert feedgen_elsewhere(PACKAGE) == []


def test_requests_leave_through_the_guard_alone() -> None:
    assert requests_elsewhere(PACKAGE) == []


def test_in_desks_only_acts_open_transactions_and_put_outbox_rows() -> None:
    assert acts_in_nouns(PACKAGE) == []


def test_in_desks_now_is_an_argument() -> None:
    assert clocks_in_desks(PACKAGE) == []


def test_no_module_is_named_for_a_heap_of_things() -> None:
    assert banned_names(PACKAGE) == []


def test_functions_and_modules_are_short() -> None:
    assert too_long(PACKAGE) == []


WRONG: dict[str, tuple[Rule, str, str, list[str]]] = {
    "a room nobody placed": (unknown_rooms, "gossip/news.py", "", ["gossip: is it floor, desk or door?"]),
    "floor knows a desk": (
        wrong_imports,
        "markup.py",
        "from pressroom.releases.release import Release\n",
        ["markup.py:1 imports pressroom.releases.release"],
    ),
    "people know releases": (
        wrong_imports,
        "people/account.py",
        "def late():\n    from pressroom.releases import newsroom\n",
        ["people/account.py:2 imports pressroom.releases"],
    ),
    "feeds know mailing": (
        wrong_imports,
        "feeds/channel.py",
        "import pressroom.mailing.mailing\n",
        ["feeds/channel.py:1 imports pressroom.mailing.mailing"],
    ),
    "mailing knows feeds, by a relative import": (
        wrong_imports,
        "mailing/sending.py",
        "from ..feeds import item\n",
        ["mailing/sending.py:1 imports pressroom.feeds"],
    ),
    "a desk knows a door": (
        wrong_imports,
        "releases/publishing.py",
        "from pressroom import doorbell, outbox\n",
        ["releases/publishing.py:1 imports pressroom.doorbell"],
    ),
    "a desk calls the wiring": (
        wrong_imports,
        "releases/publishing.py",
        "from pressroom import create_app\n",
        ["releases/publishing.py:1 imports pressroom.create_app"],
    ),
    "a desk names a door for later": (
        wrong_imports,
        "mailing/sending.py",
        "import importlib\n\nimportlib.import_module('pressroom.jobs')\n",
        ["mailing/sending.py:3 imports pressroom.jobs"],
    ),
    "a desk asks flask": (
        door_libraries,
        "mailing/sending.py",
        "from flask_mail import Message\n",
        ["mailing/sending.py:1 imports flask_mail"],
    ),
    "the floor asks redis": (
        door_libraries,
        "outbox.py",
        "import redis.client\n",
        ["outbox.py:1 imports redis.client"],
    ),
    "a second room talks SMTP": (door_libraries, "jobs.py", "import smtplib\n", ["jobs.py:1 imports smtplib"]),
    "a second user of feedgen": (
        feedgen_elsewhere,
        "web/feeds.py",
        "from feedgen.feed import FeedGenerator\n",
        ["web/feeds.py:1 imports feedgen.feed"],
    ),
    "a second way out": (
        requests_elsewhere,
        "web/sns.py",
        "import http.client\n",
        ["web/sns.py:1 imports http.client"],
    ),
    "a noun opens a transaction": (
        acts_in_nouns,
        "mailing/mailing.py",
        "def rename(database):\n    with database.transaction():\n        pass\n",
        ["mailing/mailing.py:2 calls database.transaction()"],
    ),
    "a noun puts an outbox row": (
        acts_in_nouns,
        "releases/release.py",
        "def tell(tx):\n    outbox.put(tx, 'x', {})\n",
        ["releases/release.py:2 calls outbox.put()"],
    ),
    "a noun takes put alone": (
        acts_in_nouns,
        "releases/release.py",
        "from pressroom.outbox import put\n",
        ["releases/release.py:1 imports put"],
    ),
    "a desk looks at the clock": (
        clocks_in_desks,
        "people/attempt.py",
        "import datetime\n\nSTART = datetime.datetime.now()\n",
        ["people/attempt.py:3 asks datetime.datetime.now()"],
    ),
    "a heap": (banned_names, "web/helpers/html.py", "", ["web/helpers", "web/helpers/html.py"]),
    "a long function": (
        too_long,
        "markup.py",
        "def long():\n" + "    pass\n" * 40,
        ["markup.py:1 long has 41 lines"],
    ),
    "a long module": (too_long, "markup.py", "one = 1\n" * 301, ["markup.py has 301 lines"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_breach_is_seen(case: str, tmp_path: Path) -> None:
    rule, path, source, says = WRONG[case]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(source, encoding="utf-8")
    assert rule(tmp_path) == says


RIGHT = {
    "mailing/sending.py": "from pressroom.releases import visibility\nfrom pressroom import outbox\n\n\n"
    "def send(database):\n    with database.transaction() as tx:\n        outbox.put(tx, 'x', {})\n",
    "people/signing_in.py": "def sign_in(database):\n    with database.transaction():\n        pass\n",
    "releases/log.py": '"""Such as pressroom.jobs, which a text may name."""\n',
    "tables.py": "NOUNS = ('pressroom.mailing.mailing',)\n",
    "web/feeds.py": "import flask\nfrom pressroom.feeds import document\n",
    "outgoing/client.py": "import httpcore2\n",
    "feeds/document.py": "from feedgen.feed import FeedGenerator\n",
    "smtp/face.py": "import flask_mail\n",
    "migrations/versions/0001_first.py": "def upgrade():\n" + "    pass\n" * 400,
}


def test_what_the_rules_allow_is_no_breach(tmp_path: Path) -> None:
    for path, source in RIGHT.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(source, encoding="utf-8")
    rules: list[Rule] = [
        unknown_rooms, wrong_imports, door_libraries, feedgen_elsewhere, requests_elsewhere, acts_in_nouns,
        clocks_in_desks, banned_names, too_long,
    ]  # fmt: skip
    assert {rule.__name__: rule(tmp_path) for rule in rules} == {rule.__name__: [] for rule in rules}
