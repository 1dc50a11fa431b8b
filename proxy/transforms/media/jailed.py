"""The launcher inside the jail: it gives up what the process must not have, then becomes the tool.

    python -I -S jailed.py [option=value …] -- PROGRAM ARGUMENT …
    python -I    jailed.py [option=value …] python=MODULE -- ARGUMENT …
    python -I -S jailed.py report

Laws of this file: nothing but the standard library, and of it only what is light (`signal`, `typing` and `collections`
would cost half as much again), for it starts before every tool; what it takes away it takes for good (no_new_privs,
Landlock, seccomp, hard limits); what the kernel doesn't offer is left out, and `report` says what it offers. The
parent's end is its end.

Sources: landlock(7), seccomp(2), prctl(2), setrlimit(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import stat
import struct
import sys

_LIBC = ctypes.CDLL(None, use_errno=True)
_Long = ctypes.c_long
_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25  # signal(7): the same on every architecture that Tropa runs on

# -- files: Landlock -------------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _REFER, _TRUNCATE = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 13, 1 << 14
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_WRITING = (
    _READ_FILE | _READ_DIR | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
)
_OF_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many bits a version knows; 16 from the fifth on
_ALL_TCP = 3  # bind and connect, from version 4 on
_SCOPES = 3  # abstract Unix sockets and signals stay inside, from version 6 on

# What a dynamically linked program needs beside its own file, as far as it exists here.
SYSTEM_READS = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives", "/dev/urandom", "/dev/zero",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu",
)  # fmt: skip
SYSTEM_WRITES = ("/dev/null",)


def landlock_version() -> int:
    """0 where the kernel has no Landlock, or has it switched off."""
    return max(0, int(_LIBC.syscall(_Long(_CREATE_RULESET), None, _Long(0), _Long(_VERSION_FLAG))))


def restrict_files(reads: list[str], writes: list[str]) -> bool:
    """From now on only `reads` can be read (and run) and `writes` written; no TCP either where the kernel knows it."""
    version = landlock_version()
    if not version:
        return False
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    told = struct.pack("=QQQ", rights, _ALL_TCP, _SCOPES)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _LIBC.syscall(_Long(_CREATE_RULESET), told, _Long(len(told)), _Long(0))
    if ruleset < 0:
        return False
    for paths, wanted in ((reads, _READING), (writes, _WRITING)):
        for path in paths:
            _allow(ruleset, path, wanted & rights)
    return int(_LIBC.syscall(_Long(_RESTRICT_SELF), _Long(ruleset), _Long(0))) == 0


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what isn't there need not be allowed
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= _OF_A_FILE
    rule = struct.pack("=Qi", rights, descriptor)
    _LIBC.syscall(_Long(_ADD_RULE), _Long(ruleset), _Long(_RULE_PATH_BENEATH), rule, _Long(0))
    os.close(descriptor)


# -- system calls: seccomp -------------------------------------------------------------------------------------

# socket, ptrace, mount, unshare, setns, process_vm_readv, process_vm_writev, bpf, userfaultfd, perf_event_open,
# add_key, request_key, keyctl, io_uring_setup: none of them is any business of a decoder.
_FORBIDDEN = {
    "x86_64": (0xC000003E, (41, 101, 165, 272, 308, 310, 311, 321, 323, 298, 248, 249, 250, 425)),
    "aarch64": (0xC00000B7, (198, 117, 40, 97, 268, 270, 271, 280, 282, 241, 217, 218, 219, 425)),
}
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _DENY = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_X32 = 0x40000000  # the second table of numbers on x86_64


def restrict_calls() -> bool:
    """No sockets and nothing else that _FORBIDDEN names. False: this machine has no such filter."""
    known = _FORBIDDEN.get(os.uname().machine)
    if known is None or struct.calcsize("P") != 8:
        return False
    architecture, numbers = known
    steps = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    steps.append((_JUMP_AT_LEAST, len(numbers) + 1, 0, _X32))
    steps += [(_JUMP_EQUAL, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _DENY)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    told = struct.pack("@HP", len(steps), ctypes.addressof(program))
    return int(_LIBC.prctl(_PR_SET_SECCOMP, _Long(2), told, _Long(0), _Long(0))) == 0


_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def leave_network() -> bool:
    """A network of its own with nothing in it, for machines without the filter of system calls."""
    return any(int(_LIBC.unshare(what)) == 0 for what in (_CLONE_NEWUSER | _CLONE_NEWNET, _CLONE_NEWNET))


# -- limits ----------------------------------------------------------------------------------------------------

_LIMITS = {
    "memory": resource.RLIMIT_AS,
    "cpu": resource.RLIMIT_CPU,
    "file": resource.RLIMIT_FSIZE,
    "files": resource.RLIMIT_NOFILE,
}


def _limit(told: dict[str, str]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, which in _LIMITS.items():
        if name not in told:
            continue
        most, hard = int(told[name]), resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))
    # Python ignores these two, and what it ignores would stay ignored in the tool.
    for number in (_SIGPIPE, _SIGXFSZ):
        _LIBC.signal(number, None)  # None: SIG_DFL


_CAPABILITIES_VERSION = 0x20080522
_DAC_OVERRIDE = 1 << 1  # who runs as root reads the files it was given, whoever owns them; the walls above still hold


def _drop_capabilities() -> None:
    """What root has beyond its own files goes; no_new_privs keeps it from coming back with the tool."""
    head = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    if _LIBC.capget(head, held) == 0:
        effective, permitted = struct.unpack_from("=II", held.raw)
        _LIBC.capset(head, struct.pack("=6I", effective & _DAC_OVERRIDE, permitted & _DAC_OVERRIDE, 0, 0, 0, 0))


def _die_with(parent: int) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, _Long(_SIGKILL), _Long(0), _Long(0), _Long(0))
    if parent and os.getppid() != parent:  # it ended before we asked
        os._exit(1)


# -- becoming the tool -----------------------------------------------------------------------------------------


def _lock(told: dict[str, str], reads: list[str], writes: list[str]) -> dict[str, int]:
    """Give everything up, in an order in which each step is still possible."""
    _die_with(int(told.get("parent", 0)))
    os.nice(int(told.get("nice", 0)))
    os.umask(0o077)
    _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, _Long(1), _Long(0), _Long(0), _Long(0))
    filtered = os.uname().machine in _FORBIDDEN
    apart = not filtered and leave_network()
    files = restrict_files([*SYSTEM_READS, *reads], [*SYSTEM_WRITES, *writes])
    calls = restrict_calls()
    _drop_capabilities()
    _limit(told)
    return {"landlock": landlock_version() if files else 0, "seccomp": int(calls), "namespace": int(apart)}


def _parsed(words: list[str]) -> tuple[dict[str, str], list[str], list[str]]:
    told: dict[str, str] = {}
    reads: list[str] = []
    writes: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        {"read": reads, "write": writes}.get(name, []).append(value)
        told[name] = value
    return told, reads, writes


def _python(module: str, arguments: list[str], told: dict[str, str], reads: list[str], writes: list[str]) -> None:
    """Run a module in this very process: nothing has to be started from inside the jail."""
    import runpy

    sys.path.insert(0, __file__.rsplit(os.sep, 4)[0])
    import policies
    import proxy  # both are found now: afterwards the folder that holds them can't be listed any more

    homes = [*proxy.__path__, *policies.__path__]
    _lock(told, [*reads, sys.prefix, sys.base_prefix, *homes], writes)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    words = sys.argv[1:]
    if words == ["report"]:
        held = _lock({}, [], [])
        sys.stdout.write(" ".join(f"{name}={value}" for name, value in held.items()) + "\n")
        return
    cut = words.index("--")
    told, reads, writes = _parsed(words[:cut])
    command = words[cut + 1 :]
    if "python" in told:
        _python(told["python"], command, told, reads, writes)
        return
    _lock(told, [*reads, command[0]], writes)
    os.execv(command[0], command)  # noqa: S606 - this is what the launcher is for


if __name__ == "__main__":
    main()
