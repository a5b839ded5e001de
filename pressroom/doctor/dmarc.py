"""Reading DMARC records, and finding the one that holds for a domain by walking up its tree (RFC 9989)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pressroom.doctor import tags
from pressroom.doctor.finding import Remark, fine, warn, wrong
from pressroom.doctor.tags import Unreadable, shown

# The value in capitals, and first of all: receivers pass over everything else (RFC 9989 §4.7).
_VERSION = re.compile(r"[vV]\s*=\s*DMARC1\s*(;|$)")
_POLICIES = ("none", "quarantine", "reject")
_GONE = ("pct", "rf", "ri")
# RFC 9989 §4.10: longer names are cut to seven labels after the first question.
_MOST_QUESTIONS = 8


@dataclass(frozen=True)
class Record:
    """A record at `_dmarc.` of `domain`."""

    domain: str
    tags: dict[str, str]

    @property
    def psd(self) -> str:
        return self.tags.get("psd", "u").lower()

    @property
    def reports(self) -> bool:
        return any(re.match(r"\s*[a-z]+:\S", one, re.IGNORECASE) for one in self.tags.get("rua", "").split(","))


@dataclass(frozen=True)
class Discovery:
    """`record` is the one that holds for the domain; `organization` is the top of what belongs to its owner.

    `ignored` are the domains with several records or unreadable ones, which receivers pass over, and why.
    """

    domain: str
    record: Record | None
    organization: str
    ignored: dict[str, str]


def discover(domain: str, texts: Callable[[str], Sequence[str]]) -> Discovery:
    """`texts` gives the TXT records of a name."""
    found: list[Record] = []
    ignored: dict[str, str] = {}
    for name in walk(domain):
        try:
            record = _single(name, texts(f"_dmarc.{name}"))
        except Unreadable as error:
            ignored[name] = str(error)
            continue
        if record is not None:
            found.append(record)
            if record.psd in ("y", "n"):
                break
    organization = _organization(domain, found)
    by_name = {one.domain: one for one in found}
    public_suffix = next((one for one in found if one.psd == "y"), None)
    return Discovery(domain, by_name.get(domain) or by_name.get(organization) or public_suffix, organization, ignored)


def walk(domain: str) -> list[str]:
    """The names to ask, the domain itself first."""
    labels = domain.split(".")
    shorter = labels[1:] if len(labels) < _MOST_QUESTIONS else labels[-(_MOST_QUESTIONS - 1) :]
    return [domain, *(".".join(shorter[start:]) for start in range(len(shorter)))]


def _single(domain: str, texts: Sequence[str]) -> Record | None:
    ours = [one for one in texts if _VERSION.match(one)]
    if len(ours) > 1:
        raise Unreadable(f"there are {len(ours)} records")
    return Record(domain, tags.read(ours[0])) if ours else None


def _organization(domain: str, found: Sequence[Record]) -> str:
    for record in found:
        if record.psd == "n":
            return record.domain
        if record.psd == "y" and record.domain != domain:
            depth = record.domain.count(".") + 2
            return ".".join(domain.split(".")[-depth:])
    return found[-1].domain if found else domain


def remarks(discovery: Discovery) -> list[Remark]:
    """What is to be said of the policy of a domain."""
    said = [
        wrong(f"at {name} {why}, so receivers ignore it", "Leave one record there that can be read")
        for name, why in discovery.ignored.items()
    ]
    if discovery.record is None:
        return [*said, wrong("there is no policy", "Publish the one below: large receivers refuse mail without it")]
    record = discovery.record
    faults = _faults(record, record.domain == discovery.domain)
    return [*said, *faults] if said or faults else [fine(_summary(discovery, record))]


def _faults(record: Record, is_own: bool) -> list[Remark]:
    faults = []
    bad = [name for name in ("p", "sp", "np") if record.tags.get(name, "none").lower() not in _POLICIES]
    if "p" not in record.tags:
        bad.insert(0, "p")
    if bad:
        what = f"{record.domain} says no {bad[0]} that there is (none, quarantine or reject)"
        do = f"Write {bad[0]}=none into it, or a stricter one"
        faults.append(warn(what, do) if record.reports else wrong(f"{what}, so it does not count", do))
    gone = [name for name in _GONE if name in record.tags]
    if gone:
        hint = "; t=y says that a policy is being tried" if "pct" in gone else ""
        faults.append(warn(f"{' and '.join(gone)} went out of use with RFC 9989", f"Take it out of the record{hint}"))
    if is_own and record.psd == "y":
        faults.append(warn("psd=y says that this is a public suffix such as .com", "Take it out of the record"))
    return faults


def _summary(discovery: Discovery, record: Record) -> str:
    policy = record.tags["p"]
    if record.domain != discovery.domain:
        policy = record.tags.get("sp", policy)
    where = "" if record.domain == discovery.domain else f", from {record.domain}"
    tried = ", being tried (t=y)" if record.tags.get("t", "").lower() == "y" else ""
    return f"the policy is {shown(policy.lower())}{tried}{where}"
