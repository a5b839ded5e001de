"""`pressroom doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pressroom.cli.output import json_option, show

if TYPE_CHECKING:
    from pressroom.doctor.examining import Examination
    from pressroom.doctor.records import Advice


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Look at the sending domains, the relay and this machine, and say what to do. Sends and changes nothing."""
    from pressroom.doctor.examining import examine
    from pressroom.supervising import keeping

    seen = examine(keeping.load())
    show(as_json, _object(seen), *_lines(seen))
    return 0 if seen.is_sound else 1


def _lines(seen: Examination) -> list[str]:
    lines = [one.line for one in seen.findings]
    if seen.advice:
        lines += ["", "; DNS records for these domains, as a zone file has them"]
    for one in seen.advice:
        lines += [f"; {_kind(one)}: {one.why}{' (is there)' if one.is_there else ''}"]
        lines += [f"{'; ' if one.is_there else ''}{one.record.zone_line}"]
    return lines


def _object(seen: Examination) -> dict[str, Any]:
    return {
        "sound": seen.is_sound,
        "findings": [
            {"check": one.check, "about": one.about, "state": one.state.value, "says": one.says, "do": one.do}
            for one in seen.findings
        ],
        "records": [
            {
                "name": one.record.name,
                "type": "TXT",
                "value": one.record.value,
                "why": one.why,
                "published": one.is_there,
            }
            for one in seen.advice
        ],
    }


def _kind(advice: Advice) -> str:
    kinds = {"v=spf1": "SPF", "v=DMAR": "DMARC", "v=DKIM": "DKIM"}
    return kinds[advice.record.value[:6]]
