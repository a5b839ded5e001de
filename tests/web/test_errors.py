from __future__ import annotations

import pytest

from pressroom.config import Config
from pressroom.db import Database
from pressroom.errors import Conflict, NotAllowed, NotFound, PressroomError, Refused, TryLater
from pressroom.web.errors import status_of
from tests.makers import make_newsroom, make_release
from tests.web.public import Site, path


def test_an_unexpected_error_tells_the_reader_nothing_of_it(
    config: Config, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(config, database)
    site.app.testing = False

    @site.app.get("/broken")
    def broken() -> str:
        raise RuntimeError("person@example.org")

    answer = site.get("/broken")
    assert answer.status_code == 500
    assert "person@" not in answer.text and "person@" not in caplog.text
    assert "RuntimeError" in caplog.text
    site.close()


def test_drafts_unknown_newsrooms_and_unknown_languages_answer_alike(site: Site, database: Database) -> None:
    made = make_release(database, make_newsroom(database), draft=True)
    answers = {
        site.get(address).data
        for address in (path(made, "en"), f"/river/r/{made.id}", "/nobody/", "/nobody/en/", "/river/fr/", "/nobody/r/x")
    }
    assert len(answers) == 1
    assert site.get(path(made, "en")).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/river/en/%00",
        "/assets/%00.png",
        "/%00/",
        "/river/r/%00",
        "/river/en/archive/0",
        "/river/en/archive/-1",
        "/river/en/archive/99999999999999999999",
        "/river/en/%FF%FE",
        "/static/../press.css",
        "/static/%2e%2e/public.py",
        "/river/en/beats/%F0%9F%8C%89/",
    ],
)
def test_an_address_nobody_made_is_simply_not_found(site: Site, database: Database, address: str) -> None:
    make_newsroom(database)
    assert site.get(address).status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound, 404), (NotAllowed, 403), (Conflict, 409), (Refused, 422), (TryLater, 503)],
)
def test_each_error_has_its_status(error: type[PressroomError], status: int) -> None:
    assert status_of(error("One sentence.")) == status


def test_a_form_without_its_token_is_refused(site: Site) -> None:
    answer = site.get("/login", method="POST")
    assert answer.status_code == 400
    assert "form has expired" in answer.text


def test_a_method_that_is_not_offered_is_refused(site: Site) -> None:
    answer = site.get("/", method="OPTIONS")
    assert answer.status_code == 200 and "DELETE" not in answer.headers["Allow"]
