from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from pressroom import create_app, outbox
from pressroom.config import Config
from pressroom.db import Database
from tests.mailing.bounce_shapes import OURS, dsn, group
from tests.mailing.makers import MailHouse
from tests.mailing.test_judging import Back
from tests.makers import make_newsroom, make_release, now
from tests.web.public import Site


def test_alive_needs_no_database(make_config: Callable[..., Config]) -> None:
    app = create_app(make_config(database_url="postgresql://127.0.0.1:1/nothing"))
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert client.get("/river/").status_code == 503
    assert client.get("/river/").headers["Retry-After"]


def test_ready_without_redis_is_degraded_and_with_it_is_not(
    config: Config, make_config: Callable[..., Config], database: Database, redis_url: str
) -> None:
    without = Site(make_config(database_url=config.database_url, redis_url="redis://127.0.0.1:1/0"), database)
    answer = without.get("/readyz")
    assert answer.status_code == 200 and "degraded" in answer.text
    without.close()
    whole = Site(make_config(database_url=config.database_url, redis_url=redis_url), database)
    assert whole.get("/readyz").text == "ok\n"
    whole.close()


def test_a_database_without_tables_is_not_ready(make_config: Callable[..., Config]) -> None:
    client = create_app(make_config()).test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/").status_code == 503


def test_figures_come_from_the_database(site: Site, database: Database) -> None:
    newsroom = make_newsroom(database)
    make_release(database, newsroom)
    make_release(database, newsroom, public_from=now() + timedelta(days=1))
    with database.transaction() as tx:
        outbox.put(tx, "nothing", {}, now=now() - timedelta(minutes=10))
        outbox.put(tx, "nothing", {}, now=now() + timedelta(minutes=10))
    answer = site.get("/metrics")
    figures = {family.name: family.samples for family in text_string_to_metric_families(answer.text)}
    assert figures["pressroom_releases_public"][0].value == 1
    assert figures["pressroom_outbox_due"][0].value == 1
    assert 590 < figures["pressroom_outbox_oldest_due_seconds"][0].value < 700
    assert {"pressroom_deliveries", "pressroom_mailings"} <= set(figures)
    assert figures["pressroom_notices_waiting"][0].value == 0
    assert figures["pressroom_subscriptions"][0].value == 0
    assert "pressroom_dispatches" in figures
    assert "Set-Cookie" not in answer.headers


def test_the_counts_of_a_mailing_add_up_also_after_a_late_bounce(site: Site, mail: MailHouse) -> None:
    back = Back(mail, [OURS, "nalin@example.org", "rojda@example.org"])
    back.comes(dsn(back.sent(), group()))
    back.comes(dsn(back.sent("nalin@example.org"), group(status="5.2.2", to="nalin@example.org")))
    families = {one.name: one.samples for one in text_string_to_metric_families(site.get("/metrics").text)}
    states = {one.labels["state"]: one.value for one in families["pressroom_mailing_deliveries"]}
    assert (states["sent"], states["bounced"], states["failed"]) == (1, 1, 1)
    assert sum(states.values()) == families["pressroom_mailing_total"][0].value == 3
    assert {one.labels["verdict"]: one.value for one in families["pressroom_bounces"]} == {"gone": 1, "full": 1}
    assert {one.labels["reason"]: one.value for one in families["pressroom_suppressions"]} == {"bounce": 1}
    assert families["pressroom_arrivals_waiting"][0].value == 0
    assert "dilan" not in site.get("/metrics").text
