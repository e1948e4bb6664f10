"""PIN, language, absence and the roster on the pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from approvals import duty, escalation, submission
from dispatcher.model import AuditEntry, Duty, Letter, Staff
from dispatcher.services import accounts, covers, own_line, pins
from dispatcher.web import moments
from tests.web.conftest import Site
from webhooks import prompts

PASSWORD = "four words nobody joins"
GOOD = "740218"


@pytest.fixture
def signed(site: Site) -> Site:
    with site.session() as session:
        accounts.set_password(session, site.bank.runtime, "rep@bank.example", PASSWORD)
        session.commit()
    return site


def person(site: Site, name: str) -> Staff:
    with site.session() as session:
        return site.bank.staff(session, name)


def has_phone(site: Site, name: str, phone: str | None) -> None:
    with site.session() as session:
        site.bank.staff(session, name).phone = phone
        session.commit()


def audit(site: Site) -> list[tuple[str, str]]:
    with site.session() as session:
        return [(one.actor.partition("@")[0], one.action) for one in session.scalars(select(AuditEntry))]


def choose(site: Site, password: str = PASSWORD, pin: str = GOOD, again: str = "") -> tuple[int, str]:
    answer = site("rep").post("/account/pin", {"pin_password": password, "pin": pin, "pin_again": again or pin})
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"password": "something else"}, "pin_password", "not your current password"),
        ({"pin": "123"}, "pin", "4 to 12 digits"),
        ({"pin": "1234567890123"}, "pin", "4 to 12 digits"),
        ({"pin": "7402a8"}, "pin", "4 to 12 digits"),
        ({"pin": "٧٤٠٢١٨"}, "pin", "4 to 12 digits"),
        ({"pin": "4567"}, "pin", "too easy"),
        ({"pin": "9876543"}, "pin", "too easy"),
        ({"pin": "7890"}, "pin", "too easy"),
        ({"pin": "0000"}, "pin", "too easy"),
        ({"again": "740219"}, "pin_again", "not the same"),
    ],
)
def test_a_pin_that_will_not_do(signed: Site, form: dict[str, str], field: str, words: str) -> None:
    status, text = choose(signed, **form)
    assert status == 422
    assert f'id="{field}-fault"' in text
    assert words in text
    assert person(signed, "rep").pin_hash is None
    assert not any(one in text for one in (GOOD, "740219", "4567", PASSWORD)), "nothing typed is shown again"


def test_a_new_pin_unlocks_and_is_on_record_without_being_there(signed: Site) -> None:
    with signed.session() as session:
        rep = signed.bank.staff(session, "rep")
        rep.pin_locked_at, rep.pin_failures, rep.pin_hash = signed.bank.time(), 5, "an old one"
        session.commit()
    assert "is locked since" in signed("rep").get("/account").text
    assert choose(signed)[0] == 302
    rep = person(signed, "rep")
    assert (rep.pin_locked_at, rep.pin_failures) == (None, 0)
    assert pins.is_theirs(rep, GOOD)
    assert ("rep", "choose PIN") in audit(signed)
    with signed.session() as session:
        assert not any(GOOD in one.detail for one in session.scalars(select(AuditEntry)))
    assert "locked" not in signed("rep").get("/account").text


def test_the_password_of_a_pin_is_not_guessed(signed: Site) -> None:
    statuses = [choose(signed, password=f"guess number {n}")[0] for n in range(7)]
    assert statuses[:5] == [422] * 5
    assert statuses[5:] == [429] * 2
    assert audit(signed).count(("rep", "refuse password")) == 5


def test_an_administrator_unlocks(site: Site) -> None:
    with site.session() as session:
        rep = site.bank.staff(session, "rep")
        rep.pin_locked_at, rep.pin_failures, rep.pin_hash = site.bank.time(), 5, "$argon2"
        session.commit()
    address = f"/directory/staff/{site.bank.ids['rep']}"
    assert "PIN locked" in site("admin").get("/directory/staff").text
    page = site("admin").get(address).text
    assert "Unlock PIN" in page
    assert "$argon2" not in page
    assert site("officer").post(f"{address}/unlock").status_code == 403
    assert site("admin").post(f"{address}/unlock").status_code == 302
    assert person(site, "rep").pin_locked_at is None
    assert audit(site)[-1] == ("admin", "unlock PIN")


def test_the_languages_are_those_that_the_line_speaks() -> None:
    assert set(own_line.LANGUAGES) == set(prompts.TABLES)


def test_language(site: Site) -> None:
    assert site("rep").post("/account/language", {"language": "de"}).status_code == 302
    assert person(site, "rep").language == "de"
    assert site("rep").post("/account/language", {"language": "tlh"}).status_code == 422
    address = f"/directory/staff/{site.bank.ids['rep']}/language"
    assert site("admin").post(address, {"language": "fr"}).status_code == 302
    assert site("officer").post(address, {"language": "en"}).status_code == 403
    assert person(site, "rep").language == "fr"


def test_how_one_is_told(site: Site) -> None:
    has_phone(site, "officer", "+12025550188")
    assert site("officer").post("/account/ways", {"ways": ["voice", "email"]}).status_code == 302
    assert person(site, "officer").channels == ["email", "voice"]
    assert audit(site)[-1] == ("officer", "set channels")
    assert site("officer").post("/account/ways", {"ways": ["fax"]}).status_code == 422
    has_phone(site, "officer", None)
    assert site("officer").post("/account/ways", {"ways": ["voice"]}).status_code == 422


# --- absence ----------------------------------------------------------------------------------------------


def test_away_and_back(site: Site) -> None:
    ids = site.bank.ids
    answer = site("officer").post("/account/away", {"until": "2026-11-25T09:00", "cover": str(ids["other"])})
    assert answer.status_code == 302
    officer = person(site, "officer")
    assert (officer.away_until, officer.cover_id) == (datetime(2026, 11, 25, 9, tzinfo=UTC), ids["other"])
    assert "covered by Other" in site("admin").get("/directory/staff").text
    assert 'value="2026-11-25T09:00"' in site("officer").get("/account").text
    form = {"until": "2026-11-25T09:00", "cover": str(ids["other"]), "here": "yes"}
    assert site("officer").post("/account/away", form).status_code == 302
    assert person(site, "officer").away_until is None
    assert audit(site).count(("officer", "set absence")) == 2


@pytest.mark.parametrize(
    ("until", "cover", "field"),
    [
        ("2026-11-19T09:00", "other", "until"),
        ("2029-11-19T09:00", "other", "until"),
        ("soon", "other", "until"),
        ("2026-11-25T09:00", "officer", "cover"),
        ("2026-11-25T09:00", "rep", "cover"),
        ("2026-11-25T09:00", "999", "cover"),
        ("2026-11-25T09:00", "x", "cover"),
        ("2026-11-25T09:00", "colleague", "cover"),  # who is away, and covered by the officer
    ],
)
def test_an_absence_that_will_not_do(site: Site, until: str, cover: str, field: str) -> None:
    ids = site.bank.ids
    with site.session() as session:
        colleague = site.bank.staff(session, "colleague")
        colleague.away_until, colleague.cover_id = site.bank.time() + timedelta(days=30), ids["officer"]
        session.commit()
    answer = site("officer").post("/account/away", {"until": until, "cover": str(ids.get(cover, cover))})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert person(site, "officer").away_until is None


def test_administrators_say_it_for_others_and_nobody_else_does(site: Site) -> None:
    ids = site.bank.ids
    form = {"until": "2026-11-25T09:00", "cover": str(ids["other"])}
    address = f"/directory/staff/{ids['officer']}/away"
    assert site("other").post(address, form).status_code == 403
    assert site("admin").post(address, form).status_code == 302
    assert person(site, "officer").cover_id == ids["other"]
    assert site("admin").post(address, {**form, "until": "x"}).status_code == 422


@pytest.mark.parametrize(
    ("away", "inactive", "found"),
    [
        ({}, (), "officer"),
        ({"officer": "other"}, (), "other"),
        ({"officer": "other", "other": "colleague"}, (), "colleague"),
        ({"officer": "other"}, ("other",), "officer"),
        ({"officer": "other", "other": "colleague"}, ("other",), "colleague"),
        ({"officer": "other", "other": "officer"}, (), "officer"),
        ({"officer": "other", "other": "colleague", "colleague": "officer"}, (), "officer"),
        ({"officer": None}, (), "officer"),
    ],
)
def test_standing_in(site: Site, away: dict[str, str | None], inactive: tuple[str, ...], found: str) -> None:
    bank = site.bank
    with site.session() as session:
        for name, cover in away.items():
            one = bank.staff(session, name)
            one.away_until, one.cover_id = bank.time() + timedelta(days=1), bank.ids[cover] if cover else None
        for name in inactive:
            bank.staff(session, name).active = False
        session.flush()
        assert covers.standing_in(session, bank.runtime, bank.staff(session, "officer")).id == bank.ids[found]


# --- the roster -------------------------------------------------------------------------------------------


def roster(site: Site) -> list[tuple[datetime, datetime]]:
    with site.session() as session:
        return [(one.begins_at, one.ends_at) for one in session.scalars(select(Duty).order_by(Duty.begins_at))]


def add(site: Site, begins: str, ends: str, weeks: str = "1", who: str = "officer", as_: str = "admin") -> int:
    form = {"staff": str(site.bank.ids[who]), "begins": begins, "ends": ends, "weeks": weeks}
    return site(as_).post("/directory/duty", form).status_code


def test_times_on_duty_are_added_shown_and_removed(site: Site) -> None:
    assert add(site, "2026-11-20T08:00", "2026-11-20T16:00", "3") == 302
    assert [begin.day for begin, _ in roster(site)] == [20, 27, 4]
    page = site("officer").get("/directory/duty").text
    assert "08:00–16:00" in page
    assert "on duty" in page
    assert "Remove" not in page
    assert "08:00–16:00" in site("admin").get("/directory/duty?week=2026-12-01").text
    assert "08:00–16:00" not in site("admin").get("/directory/duty?week=2026-12-08").text
    with site.session() as session:
        first = session.scalars(select(Duty.id).order_by(Duty.begins_at)).first()
    assert site("officer").post(f"/directory/duty/{first}/remove").status_code == 403
    assert site("admin").post(f"/directory/duty/{first}/remove").status_code == 302
    assert len(roster(site)) == 2
    assert site("admin").post(f"/directory/duty/{first}/remove").status_code == 404
    assert [action for _, action in audit(site)] == ["add duty", "remove duty"]


def test_a_night_is_on_both_days(site: Site) -> None:
    assert add(site, "2026-11-20T22:00", "2026-11-21T06:00") == 302
    page = site("admin").get("/directory/duty").text
    assert "22:00–…" in page
    assert "…–06:00" in page
    assert page.count("Remove<") == 1


@pytest.mark.parametrize(
    ("begins", "ends", "weeks", "who", "field"),
    [
        ("2026-11-20T16:00", "2026-11-20T08:00", "1", "officer", "ends"),
        ("2026-11-18T08:00", "2026-11-18T16:00", "1", "officer", "ends"),
        ("2026-11-20T08:00", "2026-11-30T16:00", "1", "officer", "ends"),
        ("2028-11-20T08:00", "2028-11-20T16:00", "1", "officer", "begins"),
        ("", "2026-11-20T16:00", "1", "officer", "begins"),
        ("2026-11-20T08:00", "2026-11-20T16:00", "0", "officer", "weeks"),
        ("2026-11-20T08:00", "2026-11-20T16:00", "99999999", "officer", "weeks"),
        ("2026-11-20T08:00", "2026-11-20T16:00", "1", "rep", "staff"),
    ],
)
def test_times_that_will_not_do(site: Site, begins: str, ends: str, weeks: str, who: str, field: str) -> None:
    form = {"staff": str(site.bank.ids[who]), "begins": begins, "ends": ends, "weeks": weeks}
    answer = site("admin").post("/directory/duty", form)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert roster(site) == []


def test_only_administrators_change_it(site: Site) -> None:
    assert add(site, "2026-11-20T08:00", "2026-11-20T16:00", as_="officer") == 403
    assert roster(site) == []


def test_times_that_touch_are_one(site: Site) -> None:
    assert add(site, "2026-11-20T08:00", "2026-11-20T12:00") == 302
    assert add(site, "2026-11-20T16:00", "2026-11-20T20:00") == 302
    assert len(roster(site)) == 2
    assert add(site, "2026-11-20T12:00", "2026-11-20T17:00") == 302
    assert roster(site) == [(datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 20, 20, tzinfo=UTC))]
    assert add(site, "2026-11-20T09:00", "2026-11-20T10:00", who="other") == 302
    assert len(roster(site)) == 2, "another officer's is their own"


def test_every_week_means_the_same_hours_by_the_clock() -> None:
    zone = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 10, 19, 9, tzinfo=zone).astimezone(UTC)  # clocks go back on 25 October
    times = moments.weekly(begin, begin + timedelta(hours=8), 2, zone)
    assert [one.astimezone(zone).hour for pair in times for one in pair] == [9, 17, 9, 17]
    assert times[1][0] - times[0][0] == timedelta(days=7, hours=1)


def test_who_is_no_officer_any_more_is_not_on_duty(site: Site) -> None:
    add(site, "2026-11-20T08:00", "2026-11-20T16:00")
    with site.session() as session:
        bank = site.bank
        message = bank.submitted(session)
        assert [one.id for one in duty.on_duty(session, bank.runtime, message)] == [bank.ids["officer"]]
        accounts.set_roles(session, bank.runtime, bank.staff(session, "admin"), bank.ids["officer"], ["rep"])
        session.flush()
        names = {one.id for one in duty.on_duty(session, bank.runtime, message)}
        assert names == {bank.ids["other"], bank.ids["colleague"]}


def test_a_pin_from_a_file_does_not_take_the_place_of_ones_own(site: Site) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    from dispatcher.services.imports import import_staff

    bank = site.bank
    head = b"email,name,roles,phone,pin,channels,language\n"
    row = b"rep@bank.example,Rep,rep,+12025550199,%s,email,%s\n"
    with site.session() as session:
        rep = bank.staff(session, "rep")
        rep.pin_hash, rep.pin_chosen_at = cheap.hash(GOOD), bank.time()
        session.flush()
        for pin, language, changed, warned in (
            (b"550123", b"de", 1, 1), (b"550123", b"de", 0, 1), (b"", b"", 0, 0), (GOOD.encode(), b"de", 0, 1),
        ):  # fmt: skip
            result = import_staff(session, bank.runtime, head + row % (pin, language), dry_run=False, actor="system")
            assert (result.changed, len(result.warnings)) == (changed, warned), (pin, language)
            # The same whether it is right or not: a file is no place to guess PINs at.
            assert all(
                (one.column, one.text) == ("pin", "its owner has chosen one; left out") for one in result.warnings
            )
            assert pins.is_theirs(rep, GOOD)
            assert rep.language == "de"
        rep.pin_chosen_at = None
        rep.pin_locked_at = bank.time()
        old = head.replace(b",language", b"") + (row % (b"550123", b"")).replace(b",\n", b"\n")
        assert import_staff(session, bank.runtime, old, dry_run=False, actor="system").changed == 1
        assert pins.is_theirs(rep, "550123")
        locked: object = rep.pin_locked_at
        assert (locked, rep.language) == (None, "de")
        assert import_staff(session, bank.runtime, old, dry_run=False, actor="system").changed == 0
        result = import_staff(session, bank.runtime, head + row % (b"550123", b"tlh"), dry_run=False, actor="system")
        assert [one.column for one in result.warnings] == ["language"]


def test_the_page_of_an_alert_says_how_long_it_waits_and_who_was_told(site: Site) -> None:
    bank = site.bank
    with site.session() as session:
        officer = bank.staff(session, "officer")
        officer.phone, officer.channels, officer.pin_hash = "+12025550111", ["voice"], "$argon2"
        number = bank.submitted(session).id
        session.commit()
    page = site("other").get(f"/approvals/{number}").text
    assert "More people are told at" in page
    assert "Rung" not in page
    bank.time.pass_by(1800)
    for level in (1, 2):
        with site.session() as session:
            assert escalation.escalate(session, bank.runtime, number) == level
            for ring in session.scalars(select(Letter).where(Letter.channel == "voice")):
                ring.tries = 1
            session.commit()
        page = site("other").get(f"/approvals/{number}").text
        assert "all on duty were told again" in page
        assert ("Then all officers and the administrators" in page) == (level == 2)
        assert "Rung: Officer" in page
        assert "escalated" in site("other").get("/approvals").text
        bank.time.pass_by(1800)
    assert "More people are told at" not in page
    with site.session() as session:
        submission.withdraw(session, bank.runtime, bank.staff(session, "analyst"), number)
        session.commit()
    assert "Waits since" not in site("other").get(f"/approvals/{number}").text
