"""Let a class vote: ``make vote``, or ``python -m lecture_utils.listening_test.vote [FOLDER]``.

Starts a small server on this machine. Without --open only this machine reaches it; with --open
everyone on the room's network does. Ctrl-C ends it; the votes stay in the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from pathlib import Path

from lecture_utils.listening_test.vote import address
from lecture_utils.listening_test.vote.folder import read_test
from lecture_utils.listening_test.vote.handler import Room
from lecture_utils.listening_test.vote.server import serve
from lecture_utils.listening_test.vote.votes import FOLDER, begin

#: Where the server is found, unless another port is wanted.
PORT = 8800


def main(arguments: list[str] | None = None) -> int:
    """Run the vote from the command line; return the exit status."""
    options = _options(arguments)
    try:
        sockets = address.sockets(options.port, options.open)
        test = read_test(options.folder or _course_test())
        votes = begin(options.folder or FOLDER, test, options.new)
    except (OSError, ValueError) as error:
        reason = (
            error
            if not getattr(error, "errno", None)
            else (
                f"{error.filename}: {error.strerror}; free some space, or use a folder of your own."
            )
        )
        print(f"No vote: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    port = sockets[0].getsockname()[1]
    hosts = ([options.address] if options.address else []) + address.in_the_room()
    host = hosts[0] if options.open and hosts else address.LOOPBACK
    room = Room(test, votes, f"http://{host}:{port}/", options.open)
    room.names |= {options.address.lower()} if options.address else set()
    _announce(room, [f"http://{other}:{port}/" for other in hosts[1:]], port)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(room, sockets))
    print(f"\nThe vote has stopped. Its votes are in {votes.path}.")
    votes.close()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lecture_utils.listening_test.vote", description=__doc__
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, help="of vote.write_test; else the course's"
    )
    parser.add_argument("--open", action="store_true", help="to the room's network, for phones")
    parser.add_argument("--new", action="store_true", help="begin a new file of votes: a new class")
    parser.add_argument("--port", type=_port, default=PORT, help=f"{PORT} by default; 0: any")
    parser.add_argument("--address", help="name or number by which phones reach this machine")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not 0 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: give a number from 0 to 65535")
    return int(text)


def _course_test() -> Path:
    from lecture_utils.listening_test.vote.course_test import course_test

    return course_test(FOLDER)


def _announce(room: Room, others: list[str], port: int) -> None:
    votes, counts = room.votes, room.votes.counts()
    print(f"Stage, for the projector: http://{address.LOOPBACK}:{port}/stage?key={votes.key}")
    print(f"Phones open: {room.url}")
    if not room.is_open:
        print("Only this machine can open it. To let phones in: make vote OPEN=1")
    elif others:
        print(f"If phones can't reach it: {', '.join(others)} (choose with --address).")
    elif room.url.startswith(f"http://{address.LOOPBACK}"):
        print("This machine is in no network: connect it to the phones' one, and start again.")
    if counts["votes"]:
        begun = time.strftime("%d %B, %H:%M", time.localtime(votes.begun))
        print(
            f"It goes on with {counts['votes']} votes of {counts['listeners']} listeners since "
            f"{begun}. For a new class: make vote NEW=1"
        )
    print("Stop it with Ctrl-C.", flush=True)


async def _run(room: Room, sockets: list) -> None:
    """Answer until Ctrl-C or a request to end."""
    server, stopped, loop = serve(room, sockets), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: KeyboardInterrupt ends it
            loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        server.stop()
        await server.close_all_connections()


if __name__ == "__main__":
    sys.exit(main())
