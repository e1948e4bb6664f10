"""How members of staff prove who they are: passwords, sessions in browsers, tokens for the API.

Secrets are never stored: passwords as Argon2 hashes, session ids and tokens as their SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, contains_eager

from dispatcher.model import ROLES, ApiToken, Grant, SignIn, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import handover, hashing, staff_letters
from dispatcher.services.audit import record

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(hours=24)
SEEN_EVERY = timedelta(minutes=1)
MIN_PASSWORD, MAX_PASSWORD = 12, 200
TOKEN_PREFIX = "dsp_"  # noqa: S105 - shows secret scanners whose token it is
WRONG = "The mail address or the password is wrong."


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _matches(stored: str | None, password: str) -> bool:
    """An unknown address, which has nothing stored, takes as long as a wrong password."""
    return hashing.matches(stored, password[:MAX_PASSWORD])


def find(session: Session, email: str) -> Staff:
    """The member of staff with this mail address, in any case of letters. Raises NotFound."""
    staff = _find(session, email)
    if staff is None:
        raise NotFound(f"there is no member of staff {email.strip()}")
    return staff


def _find(session: Session, email: str) -> Staff | None:
    return session.scalar(select(Staff).where(func.lower(Staff.email) == email.strip().lower()))


# --- signing in


def sign_in(session: Session, runtime: Runtime, email: str, password: str, browser: str) -> tuple[Staff, str]:
    """A new session in a browser: who it is, and the value for the cookie.

    Raises Refused, the same for an unknown address, a wrong password and a person who is no longer active. The
    door commits in either case: the refusal is on record.
    """
    staff = _find(session, email)
    right = _matches(staff.password_hash if staff else None, password)
    if staff is None or not right or not staff.active:
        # What was typed as an unknown address may be a password in the wrong field: it is not kept.
        who = f"staff {staff.email}" if staff else "unknown address"
        record(session, runtime, "system", "refuse sign-in", who)
        raise Refused({"password": WRONG})
    if staff.password_hash and hashing.is_outdated(staff.password_hash):
        staff.password_hash = hashing.hashed(password)
    cookie = secrets.token_urlsafe(32)
    moment = runtime.now()
    session.add(
        SignIn(staff_id=staff.id, digest=_sha256(cookie), browser=browser[:200], created_at=moment, last_seen_at=moment)
    )
    record(session, runtime, staff, "sign in", f"staff {staff.email}")
    return staff, cookie


def by_cookie(session: Session, runtime: Runtime, cookie: str) -> SignIn | None:
    """The living session of this cookie, its person loaded; None when it is ended, too old, or the person inactive."""
    moment = runtime.now()
    return session.scalar(
        select(SignIn)
        .join(SignIn.staff)
        .options(contains_eager(SignIn.staff))
        .where(
            SignIn.digest == _sha256(cookie),
            SignIn.ended_at.is_(None),
            SignIn.last_seen_at > moment - IDLE,
            SignIn.created_at > moment - ABSOLUTE,
            Staff.active,
        )
    )


def seen(session: Session, runtime: Runtime, sign_in: SignIn) -> bool:
    """Note that the session is in use, at most once a minute; True when something is to be committed."""
    moment = runtime.now()
    if moment - sign_in.last_seen_at < SEEN_EVERY:
        return False
    session.execute(update(SignIn).where(SignIn.id == sign_in.id).values(last_seen_at=moment))
    return True


def open_sessions(session: Session, runtime: Runtime, staff: Staff) -> list[SignIn]:
    """This person's living sessions, the last used first."""
    moment = runtime.now()
    return list(
        session.scalars(
            select(SignIn)
            .where(
                SignIn.staff_id == staff.id,
                SignIn.ended_at.is_(None),
                SignIn.last_seen_at > moment - IDLE,
                SignIn.created_at > moment - ABSOLUTE,
            )
            .order_by(SignIn.last_seen_at.desc())
        )
    )


def end_session(session: Session, runtime: Runtime, staff: Staff, sign_in_id: int) -> None:
    """End one of this person's own sessions. Raises NotFound for anybody else's."""
    one = session.scalar(select(SignIn).where(SignIn.id == sign_in_id, SignIn.staff_id == staff.id))
    if one is None:
        raise NotFound("there is no such session")
    if one.ended_at is None:
        one.ended_at = runtime.now()
        record(session, runtime, staff, "sign out", f"staff {staff.email}")


def end_sessions(session: Session, runtime: Runtime, staff: Staff, *, keep: int | None = None) -> int:
    """End all of this person's sessions but `keep`; how many were ended."""
    living = [one for one in open_sessions(session, runtime, staff) if one.id != keep]
    for one in living:
        one.ended_at = runtime.now()
    if living:
        record(session, runtime, staff, "end sessions", f"staff {staff.email}", ended=len(living))
    return len(living)


# --- passwords


def hash_password(email: str, name: str, password: str) -> str:
    """The hash to store. Raises Refused with what is wrong with the password."""
    wrong = _weakness(email, name, password)
    if wrong:
        raise Refused({"password": wrong})
    return hashing.hashed(password)


def _weakness(email: str, name: str, password: str) -> str:
    plain = password.strip().casefold()
    if len(password) < MIN_PASSWORD:
        return f"is too short: at least {MIN_PASSWORD} characters, e.g. four words"
    if len(password) > MAX_PASSWORD:
        return f"is too long: at most {MAX_PASSWORD} characters"
    if plain in (email.casefold(), email.split("@")[0].casefold(), name.casefold()):
        return "is your mail address or name: choose something nobody could guess"
    if len(set(plain)) < 5 or plain.startswith(("password", "123456789", "qwertyuiop", "letmein")):
        return "is easy to guess: choose four words that do not belong together"
    return ""


def set_password(session: Session, runtime: Runtime, email: str, password: str) -> Staff:
    """Give a person a password, from the command line; ends all of their sessions and tokens: whoever had the former
    one may have made some. Raises NotFound, Refused."""
    staff = find(session, email)
    staff.password_hash = hash_password(staff.email, staff.name, password)
    record(session, runtime, "system", "set password", f"staff {staff.email}")
    end_sessions(session, runtime, staff)
    _end_tokens(session, runtime, staff)
    return staff


def require_password(session: Session, runtime: Runtime, staff: Staff, given: str) -> None:
    """Raise Refused (`current`) unless this is their password. Commit in either case: the refusal goes on record."""
    if not _matches(staff.password_hash, given):
        record(session, runtime, staff, "refuse password", f"staff {staff.email}")
        raise Refused({"current": "is not your current password"})


def change_password(session: Session, runtime: Runtime, staff: Staff, old: str, new: str, *, keep: int) -> None:
    """A person's own change: needs the current password, ends their other sessions. Raises Refused."""
    require_password(session, runtime, staff, old)
    if old == new:
        raise Refused({"password": "is the one you have now"})
    staff.password_hash = hash_password(staff.email, staff.name, new)
    record(session, runtime, staff, "change password", f"staff {staff.email}")
    end_sessions(session, runtime, staff, keep=keep)


# --- tokens for the API


def make_token(session: Session, runtime: Runtime, email: str) -> str:
    """A new API token, to be shown once: `dsp_` and 43 random characters. Raises NotFound, NotAllowed."""
    staff = find(session, email)
    if not staff.active:
        raise NotAllowed(f"{staff.email} is not active")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    made = ApiToken(staff_id=staff.id, digest=_sha256(token), created_at=runtime.now())
    session.add(made)
    session.flush()
    record(session, runtime, staff, "make token", f"staff {staff.email}", token=made.id)
    return token


def by_token(session: Session, runtime: Runtime, token: str) -> Staff | None:
    """Whose token this is; None when it is unknown or revoked, or its owner no longer active. Only reads."""
    if not token.startswith(TOKEN_PREFIX):
        return None
    return session.scalar(
        select(Staff)
        .join(ApiToken, ApiToken.staff_id == Staff.id)
        .where(ApiToken.digest == _sha256(token), ApiToken.revoked_at.is_(None), Staff.active)
    )


def touch_token(session: Session, runtime: Runtime, token: str) -> bool:
    """Note that a token is in use, at most once a minute; True when something is to be committed."""
    moment = runtime.now()
    known = session.scalar(select(ApiToken).where(ApiToken.digest == _sha256(token)))
    if known is None or (known.last_used_at and moment - known.last_used_at < SEEN_EVERY):
        return False
    known.last_used_at = moment
    return True


def tokens(session: Session, staff: Staff) -> list[ApiToken]:
    """This person's tokens that still work, the newest first."""
    return list(
        session.scalars(
            select(ApiToken)
            .where(ApiToken.staff_id == staff.id, ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.id.desc())
        )
    )


def _end_tokens(session: Session, runtime: Runtime, staff: Staff) -> None:
    """Who is let in again makes new ones."""
    open_ones = (ApiToken.staff_id == staff.id, ApiToken.revoked_at.is_(None))
    session.execute(update(ApiToken).where(*open_ones).values(revoked_at=runtime.now()))


def revoke_token(session: Session, runtime: Runtime, staff: Staff, token_id: int) -> None:
    """Revoke one of this person's own tokens. Raises NotFound for anybody else's."""
    token = session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.staff_id == staff.id))
    if token is None:
        raise NotFound("there is no such token")
    if token.revoked_at is None:
        token.revoked_at = runtime.now()
        record(session, runtime, staff, "revoke token", f"staff {staff.email}", token=token.id)


# --- what administrators do with people


def set_roles(session: Session, runtime: Runtime, admin: Staff, staff_id: int, roles: Iterable[str]) -> Staff:
    """Give a person exactly these roles. Nobody takes the administrator's role from themselves.

    Raises Refused (`roles`) where they could no longer do what they have: it is handed over first.
    """
    staff = _for_admin(session, admin, staff_id)
    wanted = set(roles)
    if wanted - set(ROLES):
        raise Refused({"roles": f"must be among {', '.join(ROLES)}"})
    if staff.id == admin.id and "admin" not in wanted:
        raise NotAllowed("you cannot take the administrator's role from yourself: ask another administrator")
    before = sorted(staff.roles)
    if needed := handover.must_keep(session, staff, wanted):
        theirs, which = handover.held(session, staff.id).in_words(), " or ".join(sorted(needed))
        raise Refused({"roles": f"of {staff.name} must hold {which}: they have {theirs}. Hand that over first"})
    if set(before) != wanted:
        staff.grants = [grant for grant in staff.grants if grant.role in wanted] + [
            Grant(role=role) for role in sorted(wanted - staff.roles)
        ]
        session.flush()
        if "officer" in wanted - set(before):
            staff_letters.tell_of_officers(session, runtime, admin, [staff])
        record(session, runtime, admin, "set roles", f"staff {staff.email}", before=before, after=sorted(wanted))
    return staff


def set_active(session: Session, runtime: Runtime, admin: Staff, staff_id: int, active: bool) -> Staff:
    """Let a person in or keep them out; who is kept out loses every session at once, and tokens stop working.

    Raises StateConflict for somebody whose customers would be left to nobody: they are handed over first.
    """
    staff = _for_admin(session, admin, staff_id)
    if staff.id == admin.id:
        raise NotAllowed("you cannot deactivate yourself: ask another administrator")
    if staff.active != active:
        if not active:
            handover.require_nothing_held(session, staff)
        staff.active = active
        record(session, runtime, admin, "activate staff" if active else "deactivate staff", f"staff {staff.email}")
        if not active:
            end_sessions(session, runtime, staff)
            _end_tokens(session, runtime, staff)
    return staff


def _for_admin(session: Session, admin: Staff, staff_id: int) -> Staff:
    if not admin.has("admin"):
        raise NotAllowed("only administrators change what people may do")
    staff = session.get(Staff, staff_id)
    if staff is None:
        raise NotFound("there is no such member of staff")
    return staff
