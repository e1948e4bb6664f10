"""Recordings at the carrier by the real adapter over HTTP: fetched, written down, deleted."""

import asyncio
import json
from pathlib import Path

import pytest

from channels.twilio_line import TwilioLine, TwilioTranscripts
from channels.twilio_webhooks import TwilioWebhooks
from dispatcher.model.ports import File, WebRequest
from dispatcher.model.telephone import Hangup, Record, Say
from dispatcher.services import recordings
from dispatcher.settings import Settings

PATH = "/2010-04-01/Accounts/{AccountSid}"
SOUND = File("x.wav", "audio/wav", b"")


def settings(carrier, product, **more: str) -> Settings:
    return Settings(
        _env_file=None,
        var_dir=Path("/nowhere"),
        secret_key="k" * 40,
        public_url=product.url,
        twilio_account_sid=carrier.sid,
        twilio_auth_token=carrier.token,
        twilio_api_url=carrier.url,
        **more,
    )


def run(made, *works):
    """What comes of each, on one adapter and in one loop."""

    async def all_of():
        try:
            return [await work(made) for work in works]
        finally:
            await made.aclose()

    return asyncio.run(all_of())


@pytest.fixture
def recorded(carrier, product, number, wait):
    """A call in which somebody speaks for so many seconds: the news posted about it."""

    def call(seconds: float, *, transcription: str = "", **record: object):
        to = number()
        line = TwilioLine(settings(carrier, product, transcription=transcription))
        verbs = (
            Say("Speak."),
            Record(f"{product.url}/over/{to[1:]}", f"{product.url}/done/{to[1:]}", 120, **record),
        )
        product.answers[f"/answer/{to[1:]}"] = line.render(verbs)[0].encode()
        product.answers[f"/over/{to[1:]}"] = line.render((Hangup(),))[0].encode()
        carrier.behave("voice", to, "human", script=[{"speak_seconds": seconds}, {"press": "#"}])
        carrier.twilio().calls.create(to=to, from_=carrier.voice_from, url=f"{product.url}/answer/{to[1:]}")

        def news(count: int):
            posts = product.wait(f"/done/{to[1:]}", count)
            source = TwilioWebhooks(settings(carrier, product))
            said = []
            for post in posts:
                headers = {name.lower(): value for name, value in post.headers.items()}
                request = WebRequest("POST", post.path, headers, post.body)
                assert carrier.signed(f"{product.url}/done/{to[1:]}", post)
                said.append(line.read_recording(request))
            assert (
                len({source.dedupe("recording-status", WebRequest("POST", "", {}, one.body)) for one in posts}) == count
            )
            return said

        return news

    return call


def test_fetched_weighed_and_deleted(carrier, product, recorded):
    (news,) = recorded(4)(1)
    assert (news.available, news.seconds, news.transcript) == (True, 4, None)

    def fetch(line):
        return line.fetch_recording(news.recording_ref)

    def erase(line):
        return line.erase_recording(news.recording_ref, transcripts=True)

    line = TwilioLine(settings(carrier, product))
    file, _, gone, _ = run(line, fetch, erase, fetch, erase)  # deleted twice: the second finds none
    found = recordings.weigh(file)
    assert (found.state, found.media_type, found.seconds) == ("kept", "audio/wav", pytest.approx(4, abs=0.1))
    assert gone is None


def test_written_down_told_and_deleted_with_it(carrier, product, recorded, conforms):
    first, second = sorted(recorded(4, transcription="twilio")(2), key=lambda one: one.transcript is not None)
    assert (first.available, second.transcript) == (True, "4 seconds of speech that nobody here understands.")
    ref = first.recording_ref
    assert run(TwilioTranscripts(settings(carrier, product)), lambda one: one.transcribe(ref, SOUND, "en-US")) == [
        second.transcript
    ]
    client = carrier.twilio()
    base = f"{carrier.url}/2010-04-01/Accounts/{carrier.sid}"
    page = json.loads(client.request("GET", f"{base}/Recordings/{ref}/Transcriptions.json").text)
    path = f"{PATH}/Recordings/{{RecordingSid}}/Transcriptions.json"
    conforms("twilio_api_v2010", path, "get", 200, page)
    (row,) = page["transcriptions"]
    one = json.loads(client.request("GET", f"{base}/Transcriptions/{row['sid']}.json").text)
    conforms("twilio_api_v2010", PATH + "/Transcriptions/{Sid}.json", "get", 200, one)
    run(TwilioLine(settings(carrier, product)), lambda line: line.erase_recording(ref, transcripts=True))
    assert client.request("GET", f"{base}/Transcriptions/{row['sid']}.json").status_code == 404
    assert client.request("GET", f"{base}/Recordings/{ref}.json").status_code == 404


def test_what_is_too_short_for_the_machine(carrier, product, recorded):
    news = recorded(1, transcription="twilio")(2)
    assert {one.transcript for one in news} == {None, ""}


def test_german_is_not_sent_to_a_machine_that_knows_english(recorded, wait):
    news = recorded(4, transcription="twilio", language="de")
    assert [one.transcript for one in news(1)] == [None]
