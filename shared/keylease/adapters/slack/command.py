"""The words of `/access`: text to what is meant, and back; pure.

People type in many keyboards, so full-width punctuation, curly quotes and odd spaces mean the same
as plain ones. A reason is kept as it was typed.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from keylease.domain.access import ACTIONS_OF, Action, Permission, ResourceType
from keylease.domain.duration import format_duration, parse_duration
from keylease.domain.intake import (
    Ask,
    AskClaim,
    AskHelp,
    AskStatus,
    GiveReview,
    Release,
    Said,
)
from keylease.domain.request import Verdict
from keylease.errors import BadInput

LONGEST = 4000
"""Characters of a command that are read (Slack itself stops at about that many)."""
EXAMPLE = "request rmq-prod topic:orders Sub for 8h because INC-4711 replay"

_CLAUSES = ("for", "as", "from", "ticket")
_COLONS = ":\N{FULLWIDTH COLON}"
_BECAUSE = re.compile(rf"(?<=\s)because(?=[\s{_COLONS}]|$)[{_COLONS}]?", re.IGNORECASE)
_QUOTES = (
    '"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}'
)
_QUOTED = re.compile(rf"[{_QUOTES}]((?:[^\\{_QUOTES}]|\\.)*)[{_QUOTES}]", re.DOTALL)
_TRAILING_TICKET = re.compile(
    rf"\sticket[\s{_COLONS}]+([A-Za-z][A-Za-z0-9_]*-?[0-9]+)$", re.IGNORECASE
)
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}/[A-Za-z0-9_.-]{1,64}")
_REQUEST_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_UNIT = re.compile(r"([0-9]+)\s*([dhms])(?:ays?|ours?|rs?|inutes?|ins?|econds?|ecs?)?(?![a-z])")
_ACTIONS = {action.lower(): action for action in Action} | {
    "publish": Action.PUB,
    "subscribe": Action.SUB,
}


def parse(text: str, /) -> Said:
    """What a command says.

    Raises:
        BadInput: it is not understood; names the part, and shows the nearest form that is.
    """
    try:
        return _understand(text)
    except _UnclearError as e:
        form = e.form if _is_understood(e.form) else EXAMPLE
        msg = f"{e.problem}.\nSay: /access {form}"
        raise BadInput(msg, code="command_not_understood") from e


def _understand(text: str) -> Said:
    if len(text) > LONGEST:
        raise _UnclearError(f"the command is longer than {LONGEST} characters")
    verb, _, rest = _plain_start(text).partition(" ")
    if not verb:
        return AskHelp()
    meaning = _VERBS.get(verb.lower())
    if meaning is None:
        near = difflib.get_close_matches(verb.lower(), _VERBS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"there is {', '.join(_VERBS)}"
        raise _UnclearError(
            f"'{_brief(verb)}' is no command; {hint}", form=f"{near[0]} {rest}" if near else EXAMPLE
        )
    return meaning(rest.strip())


def _is_understood(form: str) -> bool:
    try:
        _understand(form)
    except _UnclearError:
        return False
    return True


def format_ask(ask: Ask, /) -> str:
    """The command that asks for this; `parse` is its inverse. One whitelist for all permissions."""
    parts = ["request", ask.entitlement or ask.target or ""]
    parts.append(" + ".join(_spell_permission(permission) for permission in ask.permissions))
    parts.append(f"for {format_duration(ask.duration)}")
    whitelist = ask.permissions[0].whitelist if ask.permissions else frozenset()
    if whitelist:
        parts.append(f"from {','.join(sorted(whitelist))}")
    if ask.account:
        parts.append(f"as {ask.account}")
    if ask.ticket:
        parts.append(f"ticket {ask.ticket}")
    parts.append(f"because {_spell_reason(ask.reason)}")
    return " ".join(filter(None, parts))


class _UnclearError(BadInput):
    """A part was not understood; `form` is a guess at what was meant."""

    def __init__(self, problem: str, /, *, form: str = EXAMPLE) -> None:
        super().__init__(problem)
        self.problem = problem
        self.form = form


@dataclass(frozen=True, slots=True)
class _Parts:
    """A request in pieces, before any piece is understood."""

    name: str
    body: tuple[str, ...]
    clauses: dict[str, str]
    reason: str

    def said(self, clause: str) -> str | None:
        return self.clauses.get(clause)

    def mended(self) -> str:
        """The nearest correct form: what was said, and examples where something is missing."""
        words = ["request", self.name, *self.body]
        words += [f"for {self.said('for') if _reads(self.said('for')) else '8h'}"]
        words += [f"{clause} {self.said(clause)}" for clause in _CLAUSES[1:] if self.said(clause)]
        words += [f"because {_brief(self.reason) or 'INC-4711 replay'}"]
        return " ".join(filter(None, words))


def _read_request(text: str) -> Ask:
    parts = _split(text)
    if not parts.name:
        raise _UnclearError("say what you ask for", form=EXAMPLE)
    permissions = tuple(_read_body(parts))
    is_target = bool(permissions)
    duration = _duration(parts)
    if not parts.reason:
        raise _UnclearError("say why, after 'because'", form=parts.mended())
    if parts.said("from") and not is_target:
        msg = "'from' narrows a target's resources; an entitlement has its own addresses"
        raise _UnclearError(msg, form=EXAMPLE)
    return Ask(
        entitlement=None if is_target else parts.name,
        target=parts.name if is_target else None,
        permissions=permissions,
        account=_single(parts, "as"),
        duration=duration,
        reason=parts.reason,
        ticket=_single(parts, "ticket"),
    )


def _split(text: str) -> _Parts:
    because = _BECAUSE.search(f" {text}", len(text.split(maxsplit=1)[0]) + 1) if text else None
    head = text if because is None else f" {text}"[: because.start()]
    tail = "" if because is None else f" {text}"[because.end() :].strip()
    quoted = _quoted(tail)
    reason = _unescape(quoted[1]) if quoted else tail
    more = tail[quoted.end() :] if quoted else ""
    name, *tokens = _plain(f"{head} {more}").split() or [""]
    body, clauses = _read_clauses(tokens)
    ticket = None if quoted else _TRAILING_TICKET.search(reason)
    if ticket and "ticket" not in clauses:  # people put it last; the reason stays whole
        clauses["ticket"] = ticket[1]
    return _Parts(name=name, body=body, clauses=clauses, reason=reason)


def _quoted(tail: str) -> re.Match[str] | None:
    """The quoted reason at the start, when only clauses follow it."""
    quoted = _QUOTED.match(tail)
    after = tail[quoted.end() :].split(maxsplit=1) if quoted else []
    return quoted if not after or after[0].lower() in _CLAUSES else None


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _read_clauses(tokens: list[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    body: list[str] = []
    clauses: dict[str, str] = {}
    values, is_fresh = body, False
    at: str | None = None
    for token in tokens:
        word = token.lower()
        if word in _CLAUSES and not is_fresh:
            if word in clauses or word == at:
                raise _UnclearError(f"'{word}' is said twice")
            if at:
                clauses[at] = " ".join(values)
            at, values, is_fresh = word, [], True
        else:
            values.append(token)
            is_fresh = False
    if at:
        clauses[at] = " ".join(values)
    return tuple(body), clauses


def _read_body(parts: _Parts) -> Iterator[Permission]:
    whitelist = frozenset((parts.said("from") or "").replace(",", " ").split())
    segments = list(_segments(parts))
    following: frozenset[Action] = frozenset()
    read = []
    for kind, name, words in reversed(segments):  # 'topic:a + topic:b Sub' says Sub of both
        actions = _read_actions(words, parts=parts) or (following & ACTIONS_OF[kind])
        if not actions and kind is ResourceType.GROUP:
            actions = ACTIONS_OF[kind]
        if not actions:
            options = ", ".join(sorted(ACTIONS_OF[kind]))
            msg = f"say what to do with {kind} {_brief(name)}: {options} or both"
            raise _UnclearError(msg, form=_with_action(parts, kind))
        following = actions
        read.append(Permission(resource=kind, name=name, actions=actions, whitelist=whitelist))
    yield from reversed(read)


def _segments(parts: _Parts) -> Iterator[tuple[ResourceType, str, list[str]]]:
    if not parts.body:
        return
    joined = " ".join("+" if word.lower() == "and" else word for word in parts.body)
    for segment in joined.split(" + "):
        words = segment.split()
        kind_word, colon, name = (words.pop(0) if words else "").partition(":")
        try:
            kind = ResourceType(kind_word.lower())
        except ValueError as e:
            msg = f"'{_brief(kind_word)}' is no kind of resource; say topic, group or cache"
            raise _UnclearError(msg, form=EXAMPLE) from e
        if kind is ResourceType.CACHE:
            name = name or (words.pop(0) if words[:1] == ["*"] else "*")
        elif not colon:
            name = words.pop(0) if words else ""
        if not name:
            raise _UnclearError(f"name the {kind}", form=EXAMPLE)
        yield kind, name, words


def _read_actions(words: list[str], *, parts: _Parts) -> frozenset[Action]:
    named = [word for word in re.split(r"[,|/ ]+", " ".join(words)) if word]
    for word in named:
        if word.lower() not in _ACTIONS:
            msg = f"'{_brief(word)}' is no action; say Pub, Sub, Pub,Sub, read or read,write"
            kept = _without(parts, word)
            raise _UnclearError(msg, form=kept.mended())
    return frozenset(_ACTIONS[word.lower()] for word in named)


def _duration(parts: _Parts) -> timedelta:
    said = parts.said("for")
    if not said:
        raise _UnclearError("say for how long, after 'for'", form=parts.mended())
    if not _reads(said):
        raise _UnclearError(f"'{_brief(said)}' is no duration", form=parts.mended())
    return parse_duration(_tight(said))


def _reads(said: str | None) -> bool:
    try:
        return said is not None and bool(parse_duration(_tight(said)))
    except BadInput:
        return False


def _tight(said: str) -> str:
    """`2 hours 30 min` as `2h30m`."""
    return _UNIT.sub(r"\1\2", said.lower()).replace(" ", "")


def _single(parts: _Parts, clause: str) -> str | None:
    said = parts.said(clause)
    if said is not None and len(said.split()) != 1:
        raise _UnclearError(f"say one word after '{clause}'", form=EXAMPLE)
    return said


def _review(verdict: Verdict, /) -> Callable[[str], GiveReview]:
    def read(text: str) -> GiveReview:
        first, reason = [*text.split(maxsplit=1), "", ""][:2]
        because = _BECAUSE.match(f" {reason}", 1)
        if reason and because is None:
            msg = f"'{_brief(reason)}' is not understood; a reason stands after 'because'"
            raise _UnclearError(msg, form=f"{verdict} {first} because {_brief(reason)}")
        why = f" {reason}"[because.end() :].strip() if because else ""
        quoted = _quoted(why)
        return GiveReview(
            request_id=_request_id(first, verb=verdict),
            verdict=verdict,
            reason=_unescape(quoted[1]) if quoted else why,
        )

    return read


def _release(text: str) -> Release:
    return Release(request_id=_request_id(text, verb="release"))


def _claim(text: str) -> AskClaim:
    """Of what a request gave, or of a standing account's new password."""
    plain = _plain(text)
    if _ACCOUNT_ID.fullmatch(plain):
        return AskClaim(request_id=plain)
    return AskClaim(request_id=_request_id(text, verb="claim"))


def _status(text: str) -> AskStatus:
    return AskStatus(request_id=_request_id(text, verb="status") if text else None)


def _request_id(text: str, *, verb: str) -> str:
    plain = _plain(text).strip().lower()
    if not _REQUEST_ID.fullmatch(plain):
        problem = f"'{_brief(plain)}' is no request id" if plain else "name the request"
        raise _UnclearError(problem, form=f"{verb} req-a2b3c4d5e6")
    return plain


_VERBS: dict[str, Callable[[str], Said]] = {
    "request": _read_request,
    "approve": _review(Verdict.APPROVE),
    "deny": _review(Verdict.DENY),
    "release": _release,
    "status": _status,
    "claim": _claim,
    "help": lambda _: AskHelp(),
}


def _plain(text: str) -> str:
    """The same words in plain punctuation, one space between them, joiners set apart."""
    text = unicodedata.normalize("NFKC", text).replace("、", ",").replace("`", "")
    text = re.sub(r"\s*([,|:=])\s*", r"\1", text).replace("=", ":")
    text = re.sub(r"(?<!\S)(for|as|from|ticket):", r"\1 ", text, flags=re.IGNORECASE)
    return " ".join(text.replace("+", " + ").split())


def _plain_start(text: str) -> str:
    """The verb in plain letters, then the rest as it was typed."""
    verb, rest = [*text.split(maxsplit=1), "", ""][:2]
    return f"{unicodedata.normalize('NFKC', verb)} {rest}".strip()


def _brief(text: str, /) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004  # fits one line


def _with_action(parts: _Parts, kind: ResourceType) -> str:
    body = (*parts.body, min(ACTIONS_OF[kind]))
    return _Parts(parts.name, body, parts.clauses, parts.reason).mended()


def _without(parts: _Parts, word: str) -> _Parts:
    body = tuple(
        chain.from_iterable(["Sub"] if word in part.split(",") else [part] for part in parts.body)
    )
    return _Parts(parts.name, body, parts.clauses, parts.reason)


def _spell_permission(permission: Permission) -> str:
    what = permission.resource.value
    if permission.resource is not ResourceType.CACHE:
        what = f"{what}:{permission.name}"
    return f"{what} {','.join(sorted(permission.actions))}"


def _spell_reason(reason: str) -> str:
    if reason[:1] in _QUOTES or _TRAILING_TICKET.search(reason) or not reason:
        escaped = re.sub(rf"([\\{_QUOTES}])", r"\\\1", reason)
        return f'"{escaped}"'
    return reason
