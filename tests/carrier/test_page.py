"""The carrier's page in a real browser: ring, be rung, press keys, speak, hear, two telephones side by side."""

import io
import re
import time

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe

from tests.carrier.conftest import ROOT, Running
from tests.conftest import find_chromium

pytestmark = pytest.mark.browser

SAMPLES = ROOT / "dispatcher" / "samples"
ANALYST = "+13125550135"
PIN = "Bitte geben Sie jetzt Ihre PIN ein, und beenden Sie die Eingabe mit der Rautetaste."
JOIN = "Press star to be joined to your representative, or stay on the line to hear it all again."
WHISPER = "A customer of yours is on the line, about the alert of this morning. You will be joined now."
ALERT = "An alert that is long enough to be seen on the page while it is being said."
FIRST = f"""<Response><Gather numDigits="12" finishOnKey="#" timeout="20" action="/page/pin" actionOnEmptyResult="true">
<Say language="de-DE" voice="Polly.Vicki">{PIN}</Say></Gather></Response>""".encode()
SECOND = b"""<Response><Say>Speak after the tone.</Say>
<Record action="/page/kept" timeout="4" maxLength="60" finishOnKey="#"/></Response>"""
THIRD = f"""<Response><Play>/page.wav</Play><Gather numDigits="1" finishOnKey="" timeout="30" action="/page/join">
<Say>{JOIN}</Say></Gather></Response>""".encode()


def wav(seconds: float) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.full(int(8000 * seconds), 3000, dtype=np.int16), 8000, format="WAV")
    return out.getvalue()


@pytest.fixture(scope="module")
def peopled(tmp_path_factory, product):
    """A carrier that knows the sample directory, and goes slowly enough to be looked at."""
    files = (SAMPLES / "customers.csv", SAMPLES / "staff.csv")
    running = Running(tmp_path_factory.mktemp("peopled"), product.url, speed=2, directory=files)
    rep = "+12025559876"
    product.files["/page.wav"] = ("audio/wav", wav(2))
    product.answers["/page/pin"] = SECOND
    product.answers["/page/kept"] = THIRD
    product.answers["/page/join"] = (
        f'<Response><Dial action="/page/done"><Number url="/page/whisper">{rep}</Number></Dial></Response>'.encode()
    )
    product.answers["/page/whisper"] = f"<Response><Say>{WHISPER}</Say></Response>".encode()
    product.answers["/page/done"] = b"<Response><Say>Goodbye.</Say></Response>"
    yield running
    running.stop()


@pytest.fixture
def bank(peopled, product):
    product.answers["/webhooks/twilio/voice"] = FIRST
    yield peopled
    product.answers.pop("/webhooks/twilio/voice", None)
    for call in peopled.get("/carrier/api/calls?live=1")["calls"]:
        peopled.call("POST", f"/carrier/api/calls/{call['sid']}/hangup")


@pytest.fixture
def page(chromium_page):
    """Fails on anything that the browser complains about."""
    complaints: list[str] = []
    chromium_page.on("console", lambda note: complaints.append(note.text) if note.type == "error" else None)
    yield chromium_page
    assert complaints == []


def faults_of(page):
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def only_as_wide_as(page, width):
    size = page.viewport_size
    page.set_viewport_size({"width": width, "height": 740})
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    page.set_viewport_size(size)
    return wide <= 0


def test_a_person_is_chosen_and_rings_keys_speaks_and_is_joined(bank, page, product):
    page.goto(bank.url)
    page.get_by_label("Show").select_option("analyst")
    staff = page.get_by_role("region", name="Staff telephones")
    staff.get_by_role("link", name=re.compile("Anthony Nicholson.*analyst")).wait_for()
    page.get_by_role("region", name="Customers' telephones").wait_for(state="hidden")
    assert faults_of(page) == []
    staff.get_by_role("link", name=re.compile("Anthony Nicholson")).click()
    page.get_by_text("PIN of Anthony Nicholson in the directory's file: 979276").wait_for()
    page.get_by_role("button", name="Ring the staff line").press("Enter")
    call = page.get_by_role("article", name=re.compile("to the staff line"))
    call.get_by_role("status").get_by_text(PIN).wait_for()
    assert call.get_by_role("status").locator("q").get_attribute("lang") == "de-DE"
    assert faults_of(page) == []
    assert only_as_wide_as(page, 360)

    page.get_by_role("heading", level=1).focus()
    page.keyboard.type("979276")
    call.get_by_label("Several keys").focus()
    page.keyboard.type("11")
    call.get_by_role("button", name="and #").press("Enter")
    call.get_by_text("The line records: speak now").wait_for()
    assert product.to("/page/pin", Digits="97927611")
    call.get_by_label("Speak an audio file").set_input_files(str(SAMPLES / "alert-2.wav"))
    recorded = call.get_by_role("listitem").filter(has_text=re.compile(r"left a recording, [1-5]?\d s"))
    recorded.wait_for(timeout=60_000)
    call.locator("audio[autoplay]").wait_for()
    call.get_by_role("status").get_by_text(JOIN).wait_for()
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("*")

    rep = page.get_by_role("region", name="Telephone +12025559876")
    rep.get_by_role("button", name="Answer").click()
    rep.get_by_role("status").get_by_text(WHISPER).wait_for()
    rep.get_by_text("Put through, talking with").wait_for()
    call.get_by_text("Put through, talking with +12025559876.").wait_for()
    assert faults_of(page) == []
    assert only_as_wide_as(page, 360)
    rep.get_by_role("button", name="Hang up").click()
    call.get_by_role("listitem").filter(has_text="put through to +12025559876: completed").wait_for()
    call.get_by_role("listitem").filter(has_text="Goodbye.").wait_for()
    call.get_by_text("completed", exact=True).wait_for()
    assert call.get_by_role("button", name="Hang up").is_hidden()


def test_a_telephone_on_the_page_rings_until_it_is_answered_or_refused(bank, page, product, wait):
    product.answers["/page/alert"] = f"<Response><Say>{ALERT}</Say><Pause length='600'/></Response>".encode()
    page.goto(f"{bank.url}/phone/{ANALYST}")
    page.get_by_role("button", name="Ring the staff line").wait_for()
    time.sleep(0.3)

    def place():
        return bank.twilio().calls.create(to=ANALYST, from_=bank.voice_from, url=f"{product.url}/page/alert")

    made = place()
    page.get_by_role("button", name="Answer").wait_for()
    wait(lambda: "It rings" in page.title())
    page.get_by_role("button", name="Hang up").click()
    wait(lambda: bank.get(f"/carrier/api/calls/{made.sid}")["status"] == "busy")
    page.get_by_role("button", name="Answer").wait_for(state="hidden")
    place()
    page.get_by_role("button", name="Answer").press("Enter")
    page.get_by_text(ALERT).first.wait_for()
    page.get_by_role("button", name="Hang up").press("Enter")
    page.get_by_role("button", name="Hang up").wait_for(state="hidden")


def test_without_a_microphone_the_page_says_what_to_do(bank, page):
    page.goto(f"{bank.url}/phone/{ANALYST}")
    page.get_by_role("button", name="Ring the staff line").click()
    page.get_by_role("button", name="Speak by microphone").click()
    page.get_by_text(re.compile("Speak an audio file instead|or speak an audio file")).wait_for()


def test_the_browsers_microphone_is_heard(bank, product, wait, chromium):
    """Chromium's pretended microphone beeps once a second."""
    flags = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = chromium.browser_type.launch(executable_path=find_chromium(), args=flags)
    try:
        page = browser.new_page()
        product.answers["/webhooks/twilio/voice"] = SECOND
        page.goto(f"{bank.url}/phone/{ANALYST}")
        page.get_by_role("button", name="Ring the staff line").click()
        page.get_by_text("The line records: speak now").wait_for()
        page.get_by_role("button", name="Speak by microphone").click()
        microphone = page.get_by_role("button", name="Microphone off")
        microphone.wait_for()
        wait(lambda: page.get_by_role("meter").evaluate("it => it.value") > 0.02)  # a beep, no mere noise
        time.sleep(2.5)
        microphone.press("Enter")
        [post] = product.wait("/page/kept", From=ANALYST)
        kept = post.form["RecordingSid"]
        wait(lambda: bank.twilio().recordings(kept).fetch().status == "completed")
        sound = bank.call("GET", f"/carrier/audio/{kept}.wav")[2]
        frames, rate = soundfile.read(io.BytesIO(sound))
        assert len(frames) / rate >= 1.5
        assert float(np.abs(frames).max()) > 0.05
    finally:
        browser.close()


def test_a_mailbox_writes_where_its_newest_mail_is_answered_with_html_and_files(bank, page, product, wait):
    page.goto(f"{bank.url}/mailbox/page.writer@customer.example")
    to = page.get_by_label("To", exact=True)
    wait(lambda: to.input_value() == "alerts@in.bank.example")
    page.get_by_label("Text", exact=True).fill("Sell.")
    page.get_by_label("HTML, if it is to have any").fill("<p>Sell <b>500</b>.</p>")
    page.get_by_label("Files").set_input_files({"name": "list.csv", "mimeType": "text/csv", "buffer": b"LTMY;500"})
    assert faults_of(page) == []
    assert only_as_wide_as(page, 390)
    page.get_by_role("button", name="Send").click()
    page.get_by_text("Sent.").wait_for()
    [post] = wait(lambda: [one for one in product.to("/webhooks/sendgrid/inbound") if b"page.writer" in one.body])
    assert b'filename="list.csv"' in post.body
    assert b"LTMY;500" in post.body
    assert b"<b>500</b>" in post.body
    wait(lambda: to.input_value() == "alerts@in.bank.example")


def test_the_faults_have_words_and_are_ordered(bank, page, wait):
    page.goto(f"{bank.url}/faults")
    share = page.get_by_label("Share of our answers that are lost")
    share.fill("0.25")
    page.get_by_role("button", name="Order these faults").click()
    wait(lambda: bank.get("/carrier/api/faults")["voice_lost_share"] == 0.25)
    wait(lambda: page.get_by_label("Share of our answers that are lost").input_value() == "0.25")
    assert faults_of(page) == []
    assert only_as_wide_as(page, 360)
    page.get_by_role("button", name="A good day again").click()
    wait(lambda: page.get_by_label("Share of our answers that are lost").input_value() == "0")
    assert page.get_by_role("group", name="Other").count() == 0, "a fault without words"
