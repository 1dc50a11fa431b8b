"""The configuration: its tests, its warnings, and whether it is what runs."""

from __future__ import annotations

from collections.abc import Iterator

from policies.load import read_catalogue_with_warnings
from proxy.catalogues import operator_files
from proxy.cli.check import failed_tests
from proxy.cli.checks.finding import Finding, Subject, broken, doubtful, fine
from proxy.operate.history import current_dir


def policy(subject: Subject) -> Iterator[Finding]:
    path = subject.regions_file
    _, warnings = read_catalogue_with_warnings(path)
    failed = failed_tests(subject.catalogue, path)
    if failed:
        yield broken(
            "policy",
            (f"{path}: не пройдено проверок: {len(failed)}", f"{path}: {len(failed)} of its own tests fail"),
            (f"tropa check {path}", f"tropa check {path}"),
        )
    if warnings:
        yield doubtful(
            "policy",
            (f"{path}: предупреждений: {len(warnings)}", f"{path}: {len(warnings)} warnings"),
            (f"tropa check {path}", f"tropa check {path}"),
        )
    if not failed and not warnings:
        tests = len(subject.catalogue.tests)
        yield fine("policy", f"{path}: ошибок нет, проверок: {tests}", f"{path}: no faults, {tests} tests pass")
    folder = current_dir(subject.state_dir)
    if folder is not None and any(
        not (folder / name).is_file() or (folder / name).read_bytes() != content
        for name, content in operator_files(path).items()
    ):
        yield doubtful(
            "policy",
            (f"{path} отличается от того, что действует", f"{path} differs from what runs"),
            (f"tropa publish {path}", f"tropa publish {path}"),
        )
