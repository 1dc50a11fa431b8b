"""What a tool in the jail can't do. Each is tried by a Python program in place of the tool, for it can try anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from proxy.transforms.media import jail
from proxy.transforms.media.jail import Limits

LAUNCHER = Path(jail.__file__).with_name("jailed.py")
ROOT = Path(jail.__file__).parents[3]
needs_landlock = pytest.mark.skipif(not jail.holds().files, reason="this kernel has no Landlock")
needs_no_network = pytest.mark.skipif(not jail.holds().network, reason="this kernel can't take the network away")


def tried(code: str, folder: Path, *, reads: list[Path] | None = None, limits: Limits | None = None) -> str:
    """What this code says in the jail: its output, or the last line of its complaint."""
    limits = limits or Limits()
    home = [Path(sys.base_prefix), Path(sys.prefix)]
    command = jail.tool_command(
        Path(sys.executable),
        ["-I", "-S", "-c", code],
        reads=[*home, *(reads or [])],
        folder=folder,
        limits=limits,
        cpu_s=5,
    )
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, cwd=folder, env=dict(jail.environment(folder))
    )
    return done.stdout.strip() or (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


@needs_landlock
def test_it_reads_what_it_was_given_and_nothing_beside(tmp_path: Path) -> None:
    folder, given, other = tmp_path / "bench", tmp_path / "given", tmp_path / "other"
    folder.mkdir()
    given.write_text("for you")
    other.write_text("not for you")
    assert tried(f"print(open({str(given)!r}).read())", folder, reads=[given]) == "for you"
    for path in (other, Path("/etc/passwd"), ROOT / "regions.yaml", Path("/proc/1/environ")):
        assert "Permission denied" in tried(f"open({str(path)!r}).read()", folder, reads=[given]), path


@needs_landlock
def test_it_writes_into_its_folder_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    given = tmp_path / "given"
    given.write_text("mine")
    assert tried("open('made', 'w').write('x'); print('written')", folder) == "written"
    for path in (given, tmp_path / "new", Path("/tmp/tropa-jail-test")):
        assert "Permission denied" in tried(f"open({str(path)!r}, 'w')", folder, reads=[given])
    assert given.read_text() == "mine"


@needs_landlock
def test_it_makes_no_links_and_no_devices(tmp_path: Path) -> None:
    assert "Permission denied" in tried("import os; os.symlink('/etc/passwd', 'link')", tmp_path)
    assert "Permission denied" in tried("import os; os.mkfifo('pipe')", tmp_path)


@needs_no_network
@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"])
def test_it_has_no_network(tmp_path: Path, family: str) -> None:
    code = (
        f"import socket\ns = socket.socket(socket.{family}, socket.SOCK_DGRAM)\n"
        "s.connect(('127.0.0.1', 9) if s.family == socket.AF_INET else '/dev/log')\nprint('connected')"
    )
    assert tried(code, tmp_path, reads=[Path(sys.base_prefix)]) != "connected"


def test_without_the_filter_of_calls_a_network_of_its_own_is_empty(tmp_path: Path) -> None:
    code = (
        "import sys, socket; sys.path.insert(0, sys.argv[1]); import jailed\n"
        "if not jailed.leave_network(): print('no namespaces here'); sys.exit()\n"
        "s = socket.socket()\ntry: s.connect(('127.0.0.1', int(sys.argv[2])))\nexcept OSError as e: print(e)"
    )
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-c", code, str(LAUNCHER.parent), str(server.getsockname()[1])]
        said = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    assert "unreachable" in said or "no namespaces" in said


def test_it_gets_no_memory_beyond_its_limit(tmp_path: Path) -> None:
    small = replace(Limits(), memory_bytes=200 << 20)
    assert "MemoryError" in tried("bytearray(400 << 20)", tmp_path, limits=small)
    assert tried("bytearray(400 << 20); print('had it')", tmp_path) == "had it"


def test_a_file_beyond_its_limit_ends_it(tmp_path: Path) -> None:
    small = replace(Limits(), file_bytes=100_000)
    code = "import signal; print(signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN)"
    command = ["/bin/sh", "-c", "head -c 200000 /dev/zero > big; echo went on"]
    words = jail.tool_command(Path(command[0]), command[1:], reads=[], folder=tmp_path, limits=small, cpu_s=5)
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=tmp_path)
    assert (tmp_path / "big").stat().st_size <= 100_000
    assert tried(code, tmp_path) == "True"  # Python's own doing; the shell's child above was not protected by it
    assert "went on" in done.stdout


def test_its_processor_time_has_an_end(tmp_path: Path) -> None:
    words = jail.tool_command(
        Path(sys.executable),
        ["-I", "-S", "-c", "while True: pass"],
        reads=[Path(sys.base_prefix), Path(sys.prefix)],
        folder=tmp_path,
        limits=Limits(),
        cpu_s=0,
    )
    assert subprocess.run(words, timeout=30).returncode in (-signal.SIGKILL, -signal.SIGXCPU)


def test_it_sees_nothing_of_the_environment(tmp_path: Path) -> None:
    assert not {"PATH", "LANG", "HOME", "TMPDIR"}.symmetric_difference(
        name for name in jail.environment(tmp_path) if not name.endswith("_THREADS")
    )


def test_it_can_gain_no_rights(tmp_path: Path) -> None:
    told = tried("print(open('/proc/self/status').read())", tmp_path)
    lines = dict(line.split(":\t", 1) for line in told.splitlines() if ":\t" in line)
    assert lines["NoNewPrivs"] == "1"
    assert int(lines["CapEff"], 16) & ~0b10 == 0  # at most: root reads the files it was given, whoever owns them


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, os\n"
        "from pathlib import Path\n"
        "from proxy.transforms.media import jail\n"
        "words = jail.tool_command(Path('/bin/sleep'), ['60'], reads=[], folder=Path(sys.argv[1]),"
        " limits=jail.Limits(), cpu_s=5)\n"
        "child = subprocess.Popen(words)\nprint(child.pid, flush=True)\nimport time; time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        tool = int(parent.stdout.readline())
        time.sleep(0.3)
        assert psutil.pid_exists(tool)
        parent.kill()
    for _ in range(100):
        if not psutil.pid_exists(tool) or psutil.Process(tool).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    os.kill(tool, signal.SIGKILL)
    pytest.fail("the tool outlived its parent")


@needs_landlock
def test_a_python_module_runs_in_it_too(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    folder = tmp_path / "bench"
    folder.mkdir()
    words = jail.python_command("json.tool", [str(secret)], reads=[], folder=folder, limits=Limits(), cpu_s=5)
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=folder)
    assert "Permission denied" in done.stderr
    words = jail.python_command("json.tool", [str(secret)], reads=[secret], folder=folder, limits=Limits(), cpu_s=5)
    assert subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=folder).stdout.strip() == "{}"


@pytest.mark.parametrize("pace", [None, jail.WATCHING, jail.LISTENING])
@pytest.mark.parametrize("media_s", [None, 0.0, 10.0, 2700.0, 12 * 3600.0, float("inf")])
def test_no_length_that_a_file_tells_of_buys_more_than_the_longest(pace: jail.Pace | None, media_s: float) -> None:
    limits = Limits(max_s=1800.0)
    assert 60.0 <= limits.deadline_s(media_s, pace) <= limits.max_s


def test_what_looks_or_listens_has_less_time_than_what_encodes() -> None:
    limits = Limits()
    times = [limits.deadline_s(2700.0, pace) for pace in (None, jail.WATCHING, jail.LISTENING)]
    assert times == [5460.0, 2820.0, 1410.0]
    assert limits.deadline_s(None, jail.WATCHING) == 3720.0  # of a film that tells no length
