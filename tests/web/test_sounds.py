"""Sounds on the pages and for telephones: what cannot be played is transcoded, once."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from sqlalchemy import func, select

from dispatcher.model import AuditEntry, Media, Reply, Transcoding
from dispatcher.services import media
from dispatcher.web import sounds
from tests.web.conftest import Site


def sound(subtype: str, rate: int = 8000, kind: str = "WAV") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, 0.3 * np.sin(np.arange(2 * rate) / 9), rate, format=kind, subtype=subtype)
    return out.getvalue()


def kept(site: Site, content: bytes, media_type: str = "audio/wav") -> str:
    """The telephones' address of a sound."""
    with site.session() as session:
        row = media.store(session, content, media_type, 2.0)
        session.commit()
        return f"/audio/{site.bank.runtime.token('media', row.id)}.wav"


def made(site: Site) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(Transcoding)) or 0


def test_a_sound_is_made_for_telephones_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    address = kept(site, sound("VORBIS", 44100, "OGG"), "audio/ogg")
    first = site("nobody").get(address)
    info = soundfile.info(io.BytesIO(first.data))
    assert (first.mimetype, info.samplerate, info.channels, info.subtype) == ("audio/wav", 8000, 1, "PCM_16")
    assert made(site) == 1
    monkeypatch.setattr(media, "telephone_wav", None)  # nobody transcodes again
    for _ in range(2):
        sounds.HELD.clear()  # another process asks
        assert site("nobody").get(address).data == first.data


def test_what_telephones_play_is_not_copied(site: Site) -> None:
    content = sound("PCM_16")
    assert site("nobody").get(kept(site, content)).data == content
    assert made(site) == 0


def test_bytes_that_are_no_sound(site: Site) -> None:
    assert site("nobody").get(kept(site, b"no sound")).status_code == 404


@pytest.mark.parametrize(("subtype", "as_it_is"), [("PCM_16", True), ("ULAW", True), ("IMA_ADPCM", False)])
def test_a_browser_gets_what_it_plays_and_every_play_is_on_record(site: Site, subtype: str, as_it_is: bool) -> None:
    content = sound(subtype)
    kept(site, content)
    with site.session() as session:
        reply = Reply(
            dedupe="r", channel="voice", sender="+12025550102", kind="voice", state="unmatched",
            recording=session.scalars(select(Media)).one(), received_at=site.bank.runtime.now(),
        )  # fmt: skip
        session.add(reply)
        session.commit()
    answer = site("admin").get("/inbox/replies/1/recording")
    assert answer.mimetype == "audio/wav"
    assert (answer.data == content) is as_it_is
    assert soundfile.info(io.BytesIO(answer.data)).duration == pytest.approx(2, abs=0.1)
    with site.session() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "play recording")).all()) == 1
