"""The whole carrier as one web application."""

import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from channels.carrier.console import Console
from channels.carrier.control import Control
from channels.carrier.control_calls import ControlCalls
from channels.carrier.core import Carrier
from channels.carrier.fax_life import FaxLife
from channels.carrier.fax_page import FaxPage
from channels.carrier.inbound_mail import InboundParse
from channels.carrier.mail_life import MailLife
from channels.carrier.page_api import Page
from channels.carrier.sendgrid_api import MailSend, SendGridFront
from channels.carrier.sendgrid_lookup import Lookup
from channels.carrier.sms_life import SmsLife
from channels.carrier.switchboard import Switchboard
from channels.carrier.telnyx_api import Faxes
from channels.carrier.transcriptions import Transcriptions
from channels.carrier.twilio_account import VERSION, TwilioFront
from channels.carrier.twilio_calls import Calls
from channels.carrier.twilio_messages import Messages

_PR_SET_PDEATHSIG = 1


def build(carrier: Carrier) -> web.Application:
    """All routes; the lives start with the application."""
    front, grid = TwilioFront(carrier), SendGridFront(carrier)
    sms, mail, inbound, fax = SmsLife(carrier), MailLife(carrier), InboundParse(carrier), FaxLife(carrier)
    # A little over what SendGrid takes, so that its own 413 answers and not the server's.
    app = web.Application(client_max_size=34 * 1024 * 1024)
    app.add_routes(front.routes())
    app.add_routes(Messages(carrier, front, sms).routes())
    board = Switchboard(carrier)
    app.add_routes(Calls(carrier, front, board).routes())
    app.add_routes(Transcriptions(carrier, front).routes())
    calls = ControlCalls(carrier, board)
    app.add_routes(calls.routes())
    app.add_routes(Page(carrier, calls).routes())
    app.add_routes(Faxes(carrier, fax).routes())
    app.add_routes(FaxPage(carrier, fax).routes())
    app.add_routes(MailSend(carrier, grid, mail).routes())
    app.add_routes(Lookup(carrier, grid).routes())
    app.add_routes(Control(carrier, sms, mail, inbound).routes())
    app.router.add_route("*", f"/{VERSION}/{{tail:.*}}", front.unknown)
    app.router.add_route("*", "/v3/{tail:.*}", grid.unknown)

    async def begin(_: web.Application) -> None:
        await carrier.start()
        sms.resume()
        fax.resume()
        board.resume()
        mail.start()
        inbound.start()

    app.on_startup.append(begin)
    return app


def die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            sys.exit(0)


async def run(console: Console, state: Path, speed: float) -> None:
    """Serve until SIGTERM or SIGINT; OSError when the port is taken."""
    # Taken first: a second carrier on the same state must fail before it touches anything.
    door = socket.create_server((console.bind, console.port), backlog=1024)
    # The ledger only grows; scanning it for garbage every few hundred objects halves the rate.
    gc.set_threshold(100_000, 50, 100)
    carrier = Carrier(console, state, speed)
    runner = web.AppRunner(build(carrier), access_log=None, handle_signals=False, shutdown_timeout=0)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await runner.setup()
    await web.SockSite(runner, door).start()
    print(f"Simulated carrier at {console.api_url}/", file=sys.stderr, flush=True)
    await stop.wait()
    carrier.stop()
    # An orderly end would cancel the calls under way, and they would be noted as hung up.
    os._exit(0)
