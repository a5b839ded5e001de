"""Signing up, confirming, choosing and leaving, without an account. GET shows and changes nothing; POST acts.

A link in a mail is followed by scanners and forwarded to strangers: it shows a button, and what a release's mail
carries lets its holder leave and no more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from pressroom import addresses, languages
from pressroom.errors import Conflict, NotFound, Refused, TryLater
from pressroom.mailing import address, choosing, subscribing
from pressroom.mailing.choosing import Choices
from pressroom.mailing.subscriber import Frequency, Subscriber
from pressroom.mailing.subscribing import SignUp
from pressroom.releases import newsroom as newsrooms
from pressroom.releases import visibility
from pressroom.releases.newsroom import Newsroom, in_language
from pressroom.web import preferences
from pressroom.web.locale import page_language, speak
from pressroom.web.places import Alternate
from pressroom.web.proxies import network_of
from pressroom.web.publishing import public_now, the_service

bp = Blueprint("subscriptions", __name__)

_CHOICES = 3
_UNPROCESSABLE, _TOO_MANY, _CONFLICT = 422, 429, 409


@bp.after_request
def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    # The address holds a token, which no other site may learn; our own forms are checked for where they come from.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@bp.record_once
def _exempt_one_click(state: BlueprintSetupState) -> None:
    """RFC 8058 §3.1: a mail program sends no cookie and knows no token but the one in the address."""
    state.app.extensions["csrf"].exempt(leave)


@bp.get("/subscribe/<slug>")
def sign_up(slug: str) -> ResponseReturnValue:
    newsroom = _newsroom(slug)
    chosen = [request.args["lang"]] if request.args.get("lang") in newsroom.languages else newsroom.languages[:1]
    speak(chosen[0])
    return _form(newsroom, Choices(chosen, []), email="")


@bp.post("/subscribe/<slug>")
def join(slug: str) -> ResponseReturnValue:
    """The answer is the same whether the address was known or not."""
    newsroom = _newsroom(slug)
    tag = request.form.get("lang", "")
    speak(tag if tag in newsroom.languages else newsroom.languages[0])
    chosen, email = _chosen(), request.form.get("email", "")
    wrong = _what_is_wrong(email, chosen)
    if wrong:
        return _form(newsroom, chosen, email=email, wrong=wrong), _UNPROCESSABLE
    service = the_service()
    wanted = SignUp(
        email=email,
        languages=chosen.languages,
        beats=chosen.beats,
        consent_text=" ".join(_consent(newsroom)),
        consent_language=_tag(),
        network=network_of(request.remote_addr or ""),
    )
    try:
        subscribing.join(service.database, service.keyring, slug, wanted, now=public_now())
    except TryLater:
        message = _("Too many attempts. Please wait %(minutes)s minutes and try again.", minutes=60)
        return _form(newsroom, chosen, email=email, wrong=message), _TOO_MANY, {"Retry-After": "3600"}
    return _page("said", newsroom, title=_("Check your mail"), lines=[
        _("We have sent you a message. Open the link in it to confirm."),
    ])  # fmt: skip


def _what_is_wrong(email: str, chosen: Choices) -> str:
    """Empty if nothing is."""
    wrong = ""
    try:
        address.parse(email)
    except Refused:
        wrong = _("This is not an e-mail address. Use one such as name@example.org.")
    if not wrong and not chosen.languages:
        wrong = _("Choose at least one language.")
    if not wrong and not request.form.get("agree"):
        wrong = _("Please tick the box to agree.")
    return wrong


@bp.get("/subscribe/<slug>/confirm/<token>")
def show_confirmation(slug: str, token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("confirm", token, slug)
    with the_service().database.reading() as tx:
        chosen = choosing.choices(tx, row, now=public_now())
    return _page("confirm", newsroom, chosen=_described(newsroom, chosen))


@bp.post("/subscribe/<slug>/confirm/<token>")
def confirm(slug: str, token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("confirm", token, slug)
    try:
        subscribing.confirm(the_service().database, row.id, now=public_now())
    except Conflict:
        expired = _("This link has expired. Please ask for a new one.")
        return _page("said", newsroom, title=expired, lines=[], again=True), _CONFLICT
    return _page("said", newsroom, title=_("Your subscription is confirmed."), lines=[])


@bp.get("/unsubscribe/<token>")
def show_leaving(token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("unsubscribe", token)
    return _page("leave", newsroom, token=token, left=row.left_at is not None or row.suppressed_at is not None)


@bp.post("/unsubscribe/<token>")
def leave(token: str) -> ResponseReturnValue:
    """The button, and the one click of RFC 8058 alike: no cookie, no redirect, safe to repeat."""
    row, newsroom = _subscriber("unsubscribe", token)
    subscribing.leave(the_service().database, row.id, now=public_now())
    if request.form.get("List-Unsubscribe") == "One-Click":
        # Nobody reads this answer; it needs no buttons, and so no cookie.
        return _page("said", newsroom, title=_("You have been unsubscribed."), lines=[])
    return _page("left", newsroom, token=token)


@bp.post("/unsubscribe/<token>/never")
def never(token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("unsubscribe", token)
    subscribing.never_again(the_service().database, row.id, now=public_now())
    lines = [_("We will not write to this address again, from any newsroom here.")]
    return _page("said", newsroom, title=_("You have been unsubscribed."), lines=lines)


@bp.post("/unsubscribe/<token>/preferences")
def ask_for_preferences(token: str) -> ResponseReturnValue:
    """The link goes to the subscriber's own address, never to whoever asked."""
    row, newsroom = _subscriber("unsubscribe", token)
    subscribing.ask_for_preferences(the_service().database, row.id, now=public_now())
    lines = [_("If you are subscribed, we have sent you a link to your preferences.")]
    return _page("said", newsroom, title=_("Check your mail"), lines=lines)


@bp.get("/preferences/<token>")
def show_preferences(token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("preferences", token)
    return _preferences(row, newsroom)


@bp.post("/preferences/<token>")
def choose(token: str) -> ResponseReturnValue:
    row, newsroom = _subscriber("preferences", token)
    chosen = _chosen()
    if not chosen.languages:
        return _preferences(row, newsroom, wrong=_("Choose at least one language.")), _UNPROCESSABLE
    now = public_now()
    try:
        pause = preferences.pause(request.form, row, newsroom, now)
    except Refused:
        wrong = _("Choose a day to come, within a year, until which nothing is sent.")
        return _preferences(row, newsroom, wrong=wrong), _UNPROCESSABLE
    choosing.choose(the_service().database, row.id, replace(chosen, paused_until=pause), now=now)
    return _preferences(*_subscriber("preferences", token), saved=True)


def _newsroom(slug: str) -> Newsroom:
    with the_service().database.reading() as tx:
        return newsrooms.by_slug(tx, slug)


def _subscriber(purpose: str, token: str, slug: str | None = None) -> tuple[Subscriber, Newsroom]:
    """Whom a token names, with the page in their language; 404 for a token that was not made here for this."""
    service = the_service()
    subscriber_id = service.signer.subject(purpose, token, now=public_now())
    if subscriber_id is None:
        abort(404)
    with service.database.reading() as tx:
        row = tx.get(Subscriber, subscriber_id)
        if row is None:
            raise NotFound("There is no such subscription.")
        newsroom = tx.get_one(Newsroom, row.newsroom_id)
    if slug is not None and newsroom.slug != slug:
        abort(404)
    speak(languages.best(row.languages, newsroom.languages, newsroom.languages) or newsroom.languages[0])
    return row, newsroom


def _chosen() -> Choices:
    wishes = [request.form[name] for name in sorted(request.form) if name.startswith("language_")]
    wait, often = request.form.get("wait", "0"), request.form.get("frequency", "")
    return Choices(
        list(dict.fromkeys(tag for tag in wishes if tag)),
        request.form.getlist("beat"),
        int(wait) if wait in map(str, choosing.WAITS) else 0,
        Frequency(often) if often in list(Frequency) else Frequency.IMMEDIATE,
    )


def _consent(newsroom: Newsroom) -> tuple[str, str]:
    """The words a person agrees to, as shown and as stored."""
    name = newsroom.name(_tag())
    return (
        _("I agree to get releases from %(newsroom)s by e-mail.", newsroom=name),
        _("We keep your address sealed and use it for nothing else."),
    )


def _tag() -> str:
    return page_language().tag


def _form(newsroom: Newsroom, chosen: Choices, *, email: str, wrong: str = "") -> str:
    path = addresses.subscribe(newsroom.slug)
    agree, promise = _consent(newsroom)
    return _page(
        "sign_up", newsroom, **_offer(newsroom, chosen), email=email, wrong=wrong, agree=agree, promise=promise,
        alternates=[Alternate(tag, f"{path}?lang={tag}") for tag in newsroom.languages],
    )  # fmt: skip


def _preferences(row: Subscriber, newsroom: Newsroom, *, wrong: str = "", saved: bool = False) -> str:
    service = the_service()
    with service.database.reading() as tx:
        chosen = choosing.choices(tx, row, now=public_now())
    leaving = f"/unsubscribe/{service.signer.token('unsubscribe', row.id)}"
    waits = {hours: _("Wait up to %(hours)s hours for it", hours=hours) for hours in choosing.WAITS if hours}
    return _page(
        "preferences", newsroom, **_offer(newsroom, chosen), wrong=wrong, saved=saved, leaving=leaving,
        waits={0: _("Send me another language at once"), **waits}, waiting=chosen.wait_hours,
        frequencies=preferences.frequencies(newsroom), frequency=chosen.frequency,
        **preferences.paused(newsroom, chosen, public_now()),
    )  # fmt: skip


def _offer(newsroom: Newsroom, chosen: Choices) -> dict[str, Any]:
    """What can be chosen, and what is: one numbered place for each wish."""
    offered = list(dict.fromkeys((*newsroom.languages, *chosen.languages)))
    places = min(len(offered), max(_CHOICES, len(chosen.languages)))
    names = [_("First choice"), _("Second choice"), _("Third choice")]
    names += [_("Choice %(number)s", number=number) for number in range(4, places + 1)]
    return {
        "offered": [languages.language(tag) for tag in offered],
        "wishes": list(zip(names[:places], [*chosen.languages, *[""] * places][:places], strict=True)),
        "beats": _beat_names(newsroom),
        "followed": chosen.beats,
    }


def _beat_names(newsroom: Newsroom) -> dict[str, str]:
    with the_service().database.reading() as tx:
        known = visibility.public_beats(tx, newsroom.id, public_now())
    return {slug: in_language(beat.names, _tag(), newsroom.languages) for slug, beat in known.items()}


def _described(newsroom: Newsroom, chosen: Choices) -> dict[str, Any]:
    names = _beat_names(newsroom)
    return {
        "languages": [languages.language(tag) for tag in chosen.languages],
        "beats": [names[slug] for slug in chosen.beats],
    }


def _page(name: str, newsroom: Newsroom, **values: Any) -> str:
    return render_template(
        f"subscriptions/{name}.html", **{"alternates": [], **values}, newsroom=newsroom, at=addresses,
        newsroom_name=newsroom.name(_tag()),
    )  # fmt: skip
