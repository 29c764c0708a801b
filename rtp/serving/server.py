"""Runs the API in this one process until SIGTERM or Ctrl-C."""

import asyncio
import logging
import signal
import socket

from granian.constants import Interfaces
from granian.server.embed import Server

from rtp.errors import Fatal
from rtp.garbage import collect_seldom
from rtp.serving.app import create_app
from rtp.serving.assemble import open_ports
from rtp.settings import Settings


async def serve(settings: Settings) -> None:
    """Serves until told to stop; requests under way are answered first. Raises Fatal if the port is taken."""
    _refuse_taken_port(settings)
    async with open_ports(settings) as ports:
        server = Server(
            create_app(ports),
            address=settings.host,
            port=settings.api_port,
            interface=Interfaces.ASGI,
            backlog=1024,
            websockets=False,
            log_enabled=False,
        )
        collect_seldom()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        logging.getLogger("rtp.api").info("listening on %s", settings.api_url)
        await server.serve()


def _refuse_taken_port(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.api_port))
        except OSError as error:
            raise Fatal(
                f"{settings.host}:{settings.api_port} cannot be listened on: {error.strerror}.",
                hint="Stop what listens there, or set RTP_API_PORT to another port.",
            ) from error
