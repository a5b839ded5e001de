"""An export behind real servers that know what it says of itself; each where its Debian package is installed."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from pressroom import create_app
from pressroom.cli.opening import open_service
from pressroom.cli.static_servers import NAMES
from pressroom.db import Database
from pressroom.releases import retracting, vanishing
from pressroom.web.inventory import public_paths
from tests.cli.conftest import Press, must
from tests.makers import make_newsroom, make_release, now

# What the service says for itself, or by the second.
_OTHERWISE = {"etag", "last-modified", "date", "vary", "content-encoding", "content-length", "cache-control", "link"}
_FOR_CADDY = """
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    root * {root}
    import {root}/caddy-rules.conf
}}
"""
_FOR_NGINX = """
{user}
pid {here}/pid; error_log {here}/error.log; daemon off; events {{ }}
http {{
    access_log off; client_body_temp_path {here}/b; proxy_temp_path {here}/p;
    fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
    include {root}/nginx-maps.conf;
    server {{ listen 127.0.0.1:{port}; root {root}; include {root}/nginx-server.conf; }}
}}
"""
_COMMANDS = {
    "nginx": (_FOR_NGINX, ["-c"]),
    "caddy": (_FOR_CADDY, ["run", "--adapter", "caddyfile", "--config"]),
}


@contextmanager
def serving(server: str, root: Path, here: Path) -> Iterator[int]:
    """Yields its port."""
    program = shutil.which(server, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip(f"Debian's {server} is not installed")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    here.mkdir()
    written, words = _COMMANDS[server]
    # Else root's nginx reads as somebody who may not look into a test's folder.
    user = "" if os.geteuid() else "user root;"
    (here / "conf").write_text(written.format(here=here, root=root, port=port, user=user))
    process = subprocess.Popen([program, *words, here / "conf"], env={"HOME": str(here)}, stderr=subprocess.PIPE)
    try:
        for _ in range(500):
            with closing(socket.socket()) as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, process.communicate()[1].decode()
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=30)


def told(port: int, path: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


@pytest.mark.parametrize("server", _COMMANDS)
def test_an_export_is_served_as_the_service_answers(
    press: Press, database: Database, tmp_path: Path, server: str
) -> None:
    root = tmp_path / "site"
    must(press("init"))
    river = make_newsroom(database)
    make_release(database, river, beats=["water"], pictures=1)
    make_release(database, river, ["kmr"], titles={"kmr": "Tenê bi kurmancî"})
    titles = {"en": 'A "quoted" $title\\', "ckb": "ناونیشانێک"}
    retracted = make_release(database, river, ["en", "ckb"], titles=titles, public_from=now() - timedelta(days=2))
    retracting.retract(database, retracted.id, {"en": "Wrong."}, now=now())
    removed = make_release(database, river, ["ar"], titles={"ar": "عنوان"})
    vanishing.vanish_release(database, removed.id, now=now())
    must(press("export", root))
    service = open_service()
    client = create_app(service=service).test_client()
    with database.reading() as tx:
        paths = public_paths(tx, now())
    seen = set()
    with serving(server, root, tmp_path / server) as port:
        for path in paths:
            wanted, (status, headers, body) = client.get(path), told(port, path)
            seen.add(status)
            assert status == wanted.status_code, path
            if status == 302:
                assert headers["location"].endswith(wanted.location), path
                continue
            assert body == wanted.data, path
            is_file = "." in path.rpartition("/")[2] and status == 200
            assert headers["cache-control"] == ("public, max-age=300" if is_file else "max-age=0, must-revalidate"), (
                path
            )
            for name, value in wanted.headers:
                if name.lower() not in _OTHERWISE:
                    assert headers.get(name.lower()) == value, (path, name)
        hidden = (*NAMES, ".pressroom-export", "nowhere", "river/en/x")
        assert [name for name in hidden if told(port, f"/{name}")[0] != 404] == []
    service.database.dispose()
    database.dispose()
    assert seen == {200, 302, 410}
