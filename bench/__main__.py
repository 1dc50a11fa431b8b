"""`python -m bench [suite …] [--quick] [--json]`: all suites, or those that are named. JSON goes to bench/out/."""

from __future__ import annotations

import argparse
import importlib
import json
import sys

from bench.suite import Report, as_json, as_text, keep

# Name -> what it measures; each is `bench.NAME` with `run(quick) -> Report`.
SUITES = {
    "throughput": "requests per second, added latency, CPU per request, beside a bare relay, squid and mitmdump",
    "memory": "growth of memory for large bodies, slow readers and idle connections",
    "pages": "bytes, first paint and load time of the sample course over a thin, far link",
    "cache": "what visits cost a school's link; memory, start and recovery of 100,000 stored answers",
    "decide": "microseconds for a decision with few and many regions",
    "html": "megabytes per CPU second of the page rewriter",
    "media": "bytes, pace and first picture of films, sound and slides made smaller",
    "lecture": "slides found in labelled lectures, bytes and processor time of their slidecasts",
    "full_lecture": "megabytes of a slidecast of 45 minutes with very full slides",
    "documents": "bytes of light copies of PDFs and office documents, and processor time",
    "media_memory": "memory of Tropa while 50 learners read a film that is being made, and one that is",
    "media_waits": "pages beside an encoder and without; the first of a film that is cold and of one that is made",
    "own_store": "bytes of two visits with a learner's own store, and what opens without a link",
    "uploads": "bytes of twelve photographs sent directly and through Tropa, CPU for a megabyte in pieces",
    "media_queue": "fairness and throughput of the media queue with 50 learners",
}
IMAGES = "images"


def main() -> int:
    """0; 1 when a suite broke."""
    options = _arguments()
    wanted = options.suites or [*SUITES, IMAGES]
    broken = 0
    reports = []
    for name in wanted:
        if name == IMAGES:
            broken += _images(quick=options.quick)
            continue
        try:
            report: Report = importlib.import_module(f"bench.{name}").run(quick=options.quick)
        except Exception as error:  # one suite that breaks leaves the others standing
            print(f"== {name}\n\nbroke: {error!r}", file=sys.stderr, flush=True)
            broken += 1
            continue
        keep(report)
        reports.append(as_json(report))
        if not options.json:
            print(as_text(report) + "\n", flush=True)
    if options.json:
        print(json.dumps(reports, indent=1, ensure_ascii=False))
    return 1 if broken else 0


def _images(*, quick: bool) -> int:
    from bench import images

    sys.argv = ["bench.images", *(["--no-course"] if quick else [])]
    images.main()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Tropa beside its peers")
    parser.add_argument("suites", nargs="*", metavar="suite", choices=[*SUITES, IMAGES, []], help=_help())
    parser.add_argument("--quick", action="store_true", help="one short round of each, for a look")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args()


def _help() -> str:
    return "; ".join(f"{name}: {what}" for name, what in {**SUITES, IMAGES: "still images against ziproxy"}.items())


if __name__ == "__main__":
    sys.exit(main())
