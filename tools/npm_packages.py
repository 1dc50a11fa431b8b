"""Players and sample media for tests: the packages of tests/js, of which only the named files are kept.

    python tools/npm_packages.py [NAME ...]      fetch what is missing (all packages without a name)

Laws: what is fetched is what tests/js/package-lock.json pins, proved by its SHA-512 before anything is unpacked; it
comes from the registry that npm is set up for on this machine, by npm where there is one, else by a plain request, and
no script of a package is ever run; a package that is here already is not asked for again. Where the registry is out of
reach, that is said in one line: a failure in CI (CI=true), elsewhere the tests that need players are left out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "tests" / "js" / "package-lock.json"
INTO = ROOT / "tests" / "js" / "node_modules"
_PACK_TIMEOUT_S = 300
_MAX_ABOUT_BYTES, _MAX_ARCHIVE_BYTES = 8 << 20, 256 << 20
_PUBLIC_REGISTRY = "https://registry.npmjs.org"
_STAMP = ".integrity"

# What is kept of each package; the whole of them is 190 MB.
WANTED: dict[str, tuple[str, ...]] = {
    "dashjs": ("package.json", "LICENSE*", "dist/modern/umd/dash.all.min.js"),
    "hls.js": ("package.json", "LICENSE*", "dist/hls.min.js", "dist/hls.worker.js"),
    "mediaelement": ("package.json", "LICENSE*", "build/*.min.js", "build/*.min.css", "build/*.svg", "build/*.vtt"),
    "mediaelement-media": ("package.json", "LICENSE*", "media/*"),
    "mux.js": ("package.json", "LICENSE*", "dist/mux.min.js", "test/segments/*"),
    "video.js": ("package.json", "LICENSE*", "dist/video.min.js", "dist/video-js.min.css"),
}


class PackageTrouble(Exception):
    """A package can't be had, or isn't what the lock file pins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """name: its folder here; spec: what npm calls it ("mediaelement@2.18.2"); integrity: "sha512-…"."""

    name: str
    spec: str
    integrity: str


def pinned(lock: Path = LOCK) -> dict[str, Pinned]:
    """The packages that tests name themselves, by folder. Raises PackageTrouble for one without a SHA-512."""
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    found = {}
    for name in packages[""]["dependencies"]:
        entry = packages[f"node_modules/{name}"]
        integrity = entry.get("integrity", "")
        if not integrity.startswith("sha512-"):
            raise PackageTrouble(f"{name}: no sha512 in {lock.name}")
        spec = f"{entry.get('name', name)}@{entry['version']}"
        found[name] = Pinned(name=name, spec=spec, integrity=integrity)
    return found


def is_here(package: Pinned, into: Path = INTO) -> bool:
    """Whether this very version was unpacked, by these very patterns."""
    stamp = into / package.name / _STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == _stamp(package)


def fetch(package: Pinned, into: Path = INTO) -> None:
    """Fetch, prove, unpack. Raises PackageTrouble; what was there before stays then."""
    with tempfile.TemporaryDirectory() as told:
        folder = Path(told)
        archive = _packed(package, folder)
        check(archive, package.integrity)
        ready = folder / "ready"
        unpack(archive, ready, WANTED[package.name])
        (ready / _STAMP).write_text(_stamp(package), "utf-8")
        target = into / package.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.move(ready, target)


def check(archive: Path, integrity: str) -> None:
    """Raises PackageTrouble where the archive isn't the pinned one. integrity: "sha512-BASE64"."""
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if "sha512-" + base64.b64encode(digest).decode() != integrity:
        raise PackageTrouble(f"{archive.name} is not the pinned package")


def unpack(archive: Path, target: Path, patterns: tuple[str, ...]) -> None:
    """The regular files whose names in the package match. Raises PackageTrouble where one would leave the folder."""
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            if not member.isfile() or not any(fnmatch(str(path), pattern) for pattern in patterns):
                continue
            if ".." in path.parts or path.is_absolute():
                raise PackageTrouble(f"{member.name} in {archive.name} leaves its folder")
            source = tar.extractfile(member)
            assert source is not None
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_bytes(source.read())


def _stamp(package: Pinned) -> str:
    return "\n".join((package.integrity, *WANTED[package.name])) + "\n"


def _packed(package: Pinned, folder: Path) -> Path:
    npm = shutil.which("npm")
    return _downloaded(package, folder) if npm is None else _by_npm(npm, package, folder)


def _by_npm(npm: str, package: Pinned, folder: Path) -> Path:
    argv = [npm, "pack", package.spec, "--ignore-scripts", "--silent", "--pack-destination", str(folder)]
    try:
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=_PACK_TIMEOUT_S)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise PackageTrouble(f"{package.spec}: npm takes too long") from error
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise PackageTrouble(f"{package.spec}: npm says: {said}")
    return archives[0]


def _downloaded(package: Pinned, folder: Path) -> Path:
    """By two plain requests: where the archive is, and the archive."""
    name, _, version = package.spec.rpartition("@")
    try:
        about = json.loads(_got(f"{registry()}/{name}/{version}", _MAX_ABOUT_BYTES))
        body = _got(about["dist"]["tarball"], _MAX_ARCHIVE_BYTES)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PackageTrouble(f"{package.spec}: {error}") from error
    archive = folder / "package.tgz"
    archive.write_bytes(body)
    return archive


def registry(home: Path | None = None) -> str:
    """The registry that npm would ask: by the environment, else by ~/.npmrc, else the public one."""
    told = os.environ.get("NPM_CONFIG_REGISTRY")
    settings = (home or Path.home()) / ".npmrc"
    if not told and settings.is_file():
        lines = (line.partition("=") for line in settings.read_text("utf-8").splitlines())
        told = next((value.strip() for name, _, value in lines if name.strip() == "registry"), "")
    return (told or _PUBLIC_REGISTRY).rstrip("/")


def _got(url: str, max_bytes: int) -> bytes:
    if not url.startswith("https://"):
        raise ValueError(f"not an https address: {url}")
    with urllib.request.urlopen(url, timeout=_PACK_TIMEOUT_S) as answer:  # noqa: S310
        body: bytes = answer.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise ValueError(f"too large: {url}")
    return body


def main(names: list[str], into: Path = INTO) -> int:
    try:
        packages = pinned()
        unknown = [name for name in names if name not in packages]
        if unknown:
            print(f"not in tests/js/package.json: {', '.join(unknown)}", file=sys.stderr)
            return 2
        for name in names or packages:
            if not is_here(packages[name], into):
                print(f"Fetching {packages[name].spec} …", flush=True)
                fetch(packages[name], into)
    except PackageTrouble as trouble:
        print(f"Players for tests are missing: {trouble}. The tests that need them are left out.", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
