"""`python -m proxy.demo.course --port N --data DIR`: the sample course by itself; journal in DIR/journal.jsonl."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from proxy.demo.course import FfmpegMissing, build_assets, start_course


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proxy.demo.course", description="Serve the sample course")
    parser.add_argument("--port", type=int, default=8200, help="0: any free one (default %(default)s)")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, default=Path("build/course"), help="where made files are kept")
    parser.add_argument("--public-url", help="the portal's own address; default: from each request's Host")
    parser.add_argument("--players-base", help="stand-in for the hosts of embedded players")
    return parser.parse_args()


async def _serve(options: argparse.Namespace) -> None:
    course = await start_course(
        data_dir=options.data,
        host=options.host,
        port=options.port,
        players_base=options.players_base,
        public_url=options.public_url,
        journal=options.data / "journal.jsonl",
    )
    print(f"sample course: {course.base_url}/course/view.php?id=2", flush=True)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    await course.close()


def main() -> int:
    """Run until interrupted; 1 when the course's files can't be made."""
    options = _arguments()
    try:
        build_assets(options.data, progress=lambda line: print(line, file=sys.stderr, flush=True))
        asyncio.run(_serve(options))
    except (FfmpegMissing, OSError) as error:
        print(f"sample course: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
