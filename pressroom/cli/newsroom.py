"""`pressroom newsroom`: organisations that speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pressroom.cli.dkim import dkim
from pressroom.cli.options import ManyValues, split, texts
from pressroom.cli.output import json_option, show
from pressroom.cli.times import minute_of_day

if TYPE_CHECKING:
    from pressroom.releases.newsroom import Newsroom

_RULES = ("auto", "always", "off")
_STYLES = ("in_place", "notice", "both")


@click.group()
def newsroom() -> None:
    """Organisations that speak."""


newsroom.add_command(dkim)


@newsroom.command(cls=ManyValues)
@click.argument("slug")
@click.option("--name", "names", multiple=True, required=True, metavar="[TAG=]TEXT", help="Its name, in each language.")
@click.option(
    "--language", "languages", multiple=True, required=True, metavar="TAG",
    help="A language it writes in, in the order of fallback; the first is the source by default.",
)  # fmt: skip
@click.option("--from", "from_address", required=True, metavar="ADDRESS", help="The sender of its mail.")
@click.option("--reply-to", metavar="ADDRESS", help="Where answers go, if not to the sender.")
@click.option("--time-zone", default="UTC", show_default=True, help="The zone of times given without an offset.")
@click.option("--licence", metavar="TEXT", help="The licence of its texts, such as CC BY 4.0.")
@click.option("--about", multiple=True, metavar="[TAG=]TEXT", help="The paragraph shown under each release.")
@click.option("--two-person", is_flag=True, help="Nobody publishes alone: a second person has to agree.")
@json_option
def add(
    slug: str,
    names: tuple[str, ...],
    languages: tuple[str, ...],
    from_address: str,
    reply_to: str | None,
    time_zone: str,
    licence: str | None,
    about: tuple[str, ...],
    two_person: bool,
    as_json: bool,
) -> None:
    """Add a newsroom, with SLUG as its address on the site."""
    from pressroom import addresses
    from pressroom.cli.opening import database_now, open_service
    from pressroom.languages import parse_tag
    from pressroom.mailing import address
    from pressroom.releases.founding import Charter, found
    from pressroom.releases.newsroom import ApprovalRule

    tags = [parse_tag(tag) for tag in split(languages)]
    if not tags:
        raise click.UsageError("--language needs a language tag such as ckb.")
    charter = Charter(
        slug=slug,
        names=texts(names, tags[0], "--name"),
        languages=tags,
        from_address=address.parse(from_address),
        reply_to=address.parse(reply_to) if reply_to else None,
        time_zone=time_zone,
        licence=licence,
        about=texts(about, tags[0], "--about"),
        approval=ApprovalRule.ALWAYS if two_person else ApprovalRule.AUTO,
    )
    service = open_service()
    found(service.database, charter, now=database_now(service))
    url = service.config.base_url + addresses.newsroom(slug)
    show(as_json, {"slug": slug, "url": url}, f"The newsroom “{slug}” is at {url}")


@newsroom.command(name="set")
@click.argument("slug")
@click.option("--approval", type=click.Choice(_RULES), help="When a second person has to agree to a publication.")
@click.option("--together/--no-together", default=None, help="Whether all languages go out together.")
@click.option("--faces-checked/--no-faces-checked", default=None, help="Whether pictures are checked for faces first.")
@click.option("--late-after", type=click.IntRange(0, 10_080), metavar="MINUTES", help="How late a mailing may begin.")
@click.option("--digest-at", metavar="HH:MM", help="When digests leave, in its time zone.")
@click.option("--digest-weekday", type=click.IntRange(1, 7), metavar="DAY", help="When weekly ones do; 1 is Monday.")
@click.option("--notices", type=click.Choice(_STYLES), help="How feeds tell of corrections and retractions.")
@json_option
def set_(
    slug: str,
    approval: str | None,
    together: bool | None,
    faces_checked: bool | None,
    late_after: int | None,
    digest_at: str | None,
    digest_weekday: int | None,
    notices: str | None,
    as_json: bool,
) -> None:
    """Change a newsroom's settings. A milder rule of approval holds once a second person agrees at the desk."""
    from pressroom.cli.opening import database_now, open_service
    from pressroom.releases import newsroom as newsrooms
    from pressroom.releases.approving import wish_rule
    from pressroom.releases.configuring import Habits, configure
    from pressroom.releases.newsroom import ApprovalRule, NoticeStyle

    service = open_service()
    now = database_now(service)
    seconds = None if late_after is None else late_after * 60
    style = NoticeStyle(notices) if notices else None
    habits = Habits(together, faces_checked, seconds, style, minute_of_day(digest_at, "--digest-at"), digest_weekday)
    configure(service.database, slug, habits, now=now)
    if approval is not None:
        wish_rule(service.database, slug, ApprovalRule(approval), now=now, by=None)
    with service.database.reading() as tx:
        found = newsrooms.by_slug(tx, slug)
    _show_habits(found, as_json=as_json)


def _show_habits(found: Newsroom, *, as_json: bool) -> None:
    result = {
        "slug": found.slug,
        "approval": found.approval.value,
        "approval_wish": found.approval_wish.value if found.approval_wish else None,
        "together": found.together,
        "faces_checked": found.faces_checked,
        "late_after": found.late_after // 60,
        "digest_at": f"{found.digest_minute // 60:02d}:{found.digest_minute % 60:02d}",
        "digest_weekday": found.digest_weekday,
        "notices": found.notice_style.value,
    }
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in result.items() if name != "approval_wish"]
    if found.approval_wish:
        lines.append(f"A second person has to agree at the desk that the rule becomes “{found.approval_wish.value}”.")
    show(as_json, result, *lines)
