"""What acts are called at the desk. One that has no wording here is shown as the audit log names it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

ACTS = {
    "submit": _("Text submitted"),
    "ask for review": _("Review asked for"),
    "approve": _("Approved"),
    "send back": _("Sent back"),
    "publish": _("Published"),
    "publish alone": _("Published without a second person"),
    "unschedule": _("Schedule taken back"),
    "move embargo": _("Embargo moved"),
    "propose correction": _("Correction proposed"),
    "correct": _("Corrected"),
    "withdraw correction": _("Correction withdrawn"),
    "retract": _("Taken back"),
    "vanish release": _("Removed"),
    "vanish asset": _("Picture or file removed"),
    "vanish text": _("Passage removed"),
    "add asset": _("Picture or file added"),
    "describe asset": _("Picture or file described"),
    "detach asset": _("Picture or file taken out"),
    "cover asset": _("Part of a picture covered"),
    "check faces": _("Faces checked"),
    "start mailing": _("Mailing started"),
    "finish mailing": _("Mailing finished"),
    "pause mailing": _("Mailing paused"),
    "resume mailing": _("Mailing resumed"),
    "send again": _("Sent again to one person"),
    "cancel mailing": _("Mailing cancelled"),
    "stop everything": _("Everything leaving was stopped"),
    "allow again": _("Leaving was allowed again"),
    "ask for approval rule": _("Another rule of approval asked for"),
    "set approval rule": _("Rule of approval changed"),
    "change newsroom": _("Settings changed"),
    "change beat": _("Beat changed"),
    "accredit": _("Subscriber accredited"),
    "end accreditation": _("Accreditation ended"),
    "make dkim pair": _("Mail signing keys made"),
    "sign by dkim": _("Mail is signed here"),
    "leave dkim to relay": _("Mail signing left to the mail server"),
    "found newsroom": _("Newsroom founded"),
    "add list": _("Media list added"),
    "import subscribers": _("Subscribers imported"),
    "confirm subscription": _("Subscription confirmed"),
    "change preferences": _("Preferences changed"),
    "unsubscribe": _("Unsubscribed"),
    "suppress address": _("Address suppressed"),
    "erase": _("Subscriber erased"),
    "lift suppression": _("Suppression lifted"),
    "complaint alarm": _("Readers complained"),
    "add user": _("Account added"),
    "disable user": _("Account disabled"),
    "accept invitation": _("Invitation accepted"),
    "log in": _("Logged in"),
}


def of_act(act: str) -> str:
    return str(ACTS.get(act, act))
