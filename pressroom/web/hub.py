"""The hub, at which machines subscribe to feeds (WebSub §5). It answers before it asks the callback, by a job."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from pressroom import addresses
from pressroom.doorbell import Doorbell
from pressroom.errors import NotAllowed, NotFound, PressroomError, Refused, TryLater
from pressroom.feeds import feed as feeds
from pressroom.pushing import asking
from pressroom.pushing.asking import TooManyRequests, Wish
from pressroom.pushing.intent import Mode
from pressroom.pushing.subscription import Topic
from pressroom.web.proxies import network_of
from pressroom.web.publishing import public_now, the_service

bp = Blueprint("hub", __name__)

_LARGEST = 16 * 1024
_MOST_DIGITS = 12
_STATUS: dict[type[PressroomError], int] = {
    TooManyRequests: 429, TryLater: 503, NotFound: 404, NotAllowed: 403, Refused: 400
}  # fmt: skip


@bp.record_once
def _exempt(state: BlueprintSetupState) -> None:
    """Whoever posts here has no form of ours; the callback itself has to agree."""
    state.app.extensions["csrf"].exempt(subscribe)


@bp.post(addresses.HUB)
def subscribe() -> ResponseReturnValue:
    """For developers of subscribers, who read English: 202, or why not."""
    service = the_service()
    if not service.config.is_own_hub:
        abort(404)
    request.max_content_length = _LARGEST
    try:
        due = _ask()
    except (Refused, NotAllowed, NotFound, TryLater) as error:
        return _refused(error)
    for dispatch_id in due:
        Doorbell(service.config.redis_url).ring_push_again(dispatch_id)
    return _said("Accepted: the callback will be asked.", 202)


def _ask() -> list[int]:
    service, form = the_service(), request.form
    try:
        mode = Mode(form.get("hub.mode", ""))
    except ValueError:
        raise Refused("hub.mode must be subscribe or unsubscribe.") from None
    with service.database.reading() as tx:
        now = service.database.now(tx)
    wish = Wish(
        mode=mode,
        topic=_topic(_given("hub.topic")),
        callback=_given("hub.callback"),
        lease=_lease(form.get("hub.lease_seconds")) if mode is Mode.SUBSCRIBE else None,
        secret=form.get("hub.secret") or None,
    )
    network = network_of(request.remote_addr or "")
    private = service.config.push_private_networks
    return asking.ask(service.database, service.keyring, wish, network=network, private=private, now=now)


def _given(name: str) -> str:
    value = request.form.get(name)
    if not value:
        raise Refused(f"{name} is missing: send it as application/x-www-form-urlencoded.")
    return value


def _topic(url: str) -> Topic:
    """Only the very address that a feed gives as its own. Raises NotFound."""
    service = the_service()
    path = url.removeprefix(service.config.base_url)
    if path == url or not path.isascii():
        raise NotFound("hub.topic is no feed of this site: use the address that the feed gives as rel=self.")
    try:
        with service.database.reading() as tx:
            newsroom = feeds.at(tx, path, public_now()).channel.newsroom
    except NotFound:
        # The same for what stands nowhere and for what nobody may know of.
        raise NotFound("hub.topic is no feed of this site: use the address that the feed gives as rel=self.") from None
    return Topic(path, newsroom.id if newsroom else None)


def _lease(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:_MOST_DIGITS]) > 0):
        raise Refused("hub.lease_seconds must be a positive whole number.")
    return int(text[:_MOST_DIGITS])


def _refused(error: PressroomError) -> Response:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    response = _said(error.message, status)
    if status in (429, 503):
        waits = asking.WINDOW.total_seconds() if status == 429 else 60
        response.headers["Retry-After"] = str(int(waits))
    return response


def _said(sentence: str, status: int) -> Response:
    return Response(f"{sentence}\n", status, {"Cache-Control": "no-store"}, mimetype="text/plain")
