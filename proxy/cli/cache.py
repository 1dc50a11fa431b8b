"""`tropa cache`: what is stored of origins' answers: look, drop, fetch ahead, carry to a place without a link."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from policies.values import Text
from proxy.app_addresses import kept_url
from proxy.cli.command import FAILED, OK, Argument, Call, Command, Failure, Mistake, state_option
from proxy.cli.table import table

if TYPE_CHECKING:
    from policies.model import Catalogue
    from proxy.cache.object_store import ObjectStore
    from proxy.cache.stored import StoredResponse
    from proxy.media.store import MediaStore

_Result = TypeVar("_Result")
_ACTIONS = ("inspect", "purge", "warm", "export", "import")
_MB = 1_000_000


def _run(call: Call) -> int:
    actions = {"inspect": _inspect, "purge": _purge, "warm": _warm, "export": _export, "import": _import}
    return actions[call.args.action](call)


def _with_store(call: Call, work: Callable[[ObjectStore], Awaitable[_Result]]) -> _Result:
    """Beside a running Tropa: it notices what was changed within a second or two."""
    import asyncio

    from proxy.cache.object_store import ObjectStore

    folder: Path = call.args.state / "cache"
    if not folder.is_dir():
        raise Failure(f"{folder}: no such folder; has tropa serve run with --state {call.args.state}?")
    limits = _catalogue(call).settings.limits

    async def working() -> _Result:
        store = ObjectStore(folder, max_bytes=limits.cache_bytes, clock=call.clock)
        await store.open(clear=False)
        if store.stats().faults:
            raise Failure(f"{folder}: its index can't be opened; is the disk full, or the folder another user's?")
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(working())


@asynccontextmanager
async def _media(call: Call) -> AsyncIterator[MediaStore]:
    """The store of made media, beside a running Tropa."""
    from proxy.media.store import MediaStore

    limits = _catalogue(call).settings.limits
    store = MediaStore(call.args.state / "media" / "made", max_bytes=limits.media_store_bytes, clock=call.clock)
    try:
        await store.open(clear=False)
    except OSError as error:
        raise Failure(f"{call.args.state}: {error.strerror or error}") from error
    try:
        yield store
    finally:
        await store.close()


def _catalogue(call: Call) -> Catalogue:
    from proxy.cli.places import running_catalogue

    return running_catalogue(call.args.state, call.clock.now())


# -- looking -----------------------------------------------------------------------------------------------------


def _inspect(call: Call) -> int:

    async def look(store: ObjectStore) -> tuple[list[tuple[str, str, int, int]], list[StoredResponse]]:
        return await store.sums(), await store.listing(call.args.limit)

    sums, latest = _with_store(call, look)
    if not sums:
        call.say(call.words("Пока ничего не сохранено.", "Nothing is stored yet."))
        return OK
    head = call.words("источник чьё ответов МБ", "origin whose answers MB").split()
    kinds = {
        "shared": call.words("общее", "shared"),
        "confirmed": call.words("с-подтверждением", "confirmed"),
        "own": call.words("личное", "own"),
    }
    rows = [[origin, kinds.get(whose, whose), str(count), _mb(size)] for origin, whose, count, size in sums]
    for line in table([head, *rows], right=frozenset({2, 3})):
        call.say(line)
    call.say()
    now = call.clock.now().timestamp()
    call.say(call.words("Недавно использованное (личное не показано):", "Used lately (learners' own isn't shown):"))
    for line in table([_shown(one, now) for one in latest], right=frozenset({0, 1}), indent="  "):
        call.say(line)
    return OK


def _shown(one: StoredResponse, now: float) -> list[str]:
    size = one.there.total_bytes
    hours = max(0.0, now - one.head.came_s) / 3600
    part = "" if one.extents is None else f" ({size * 100 // max(1, one.row.length or 1)} %)"
    return [f"{size / 1000:.1f} kB", f"{hours:.1f} h", one.row.url + part]


def _mb(nbytes: int) -> str:
    return f"{nbytes / _MB:.1f}"


# -- dropping ----------------------------------------------------------------------------------------------------


def _purge(call: Call) -> int:
    origin, pattern = call.args.origin, call.args.what
    if origin is None and pattern is None and not call.args.everything:
        raise Mistake("say what: an address or a pattern, --origin ORIGIN, or --everything")
    if pattern is not None and "://" not in pattern:
        raise Mistake(f'an address begins with http:// or https://: try "*://{pattern.lstrip("/")}*"')

    async def drop(store: ObjectStore) -> int:
        return await store.purge(origin=origin, pattern=kept_url(pattern) if pattern is not None else None)

    count = _with_store(call, drop)
    call.say(call.words(f"Удалено ответов: {count}.", f"{count} answers dropped."))
    return OK


# -- fetching ahead ----------------------------------------------------------------------------------------------


def _warm(call: Call) -> int:
    from proxy.cache.warming import warm

    urls = _urls(call)
    catalogue = _catalogue(call)

    async def fetch(store: ObjectStore) -> list[tuple[str, str, int]]:
        return await warm(store, catalogue, urls, call.clock)

    done = _with_store(call, fetch)
    for url, outcome, nbytes in done:
        call.say(f"{outcome:<12} {nbytes / 1000:>10.1f} kB  {url}")
    stored = sum(outcome in ("stored", "fresh") for _, outcome, _ in done)
    call.say(call.words(f"Сохранено {stored} из {len(done)}.", f"{stored} of {len(done)} are stored."))
    return OK if stored == len(done) else FAILED


def _urls(call: Call) -> list[str]:
    """From a file, one a line, or one address."""
    what = call.args.what
    if what is None:
        raise Mistake("say what: an address, or a file with one address a line")
    if what.startswith(("http://", "https://")):
        return [what]
    try:
        lines = Path(what).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Mistake(f"{what}: neither an address nor a readable file: {error}") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


# -- carrying ----------------------------------------------------------------------------------------------------


def _export(call: Call) -> int:
    from proxy.cache.carry import Carried, carry_out
    from proxy.carrying import Uncarried
    from proxy.media.carry import CarriedMedia, carry_media_out

    folder, volatile = _folder(call), _volatile(_catalogue(call))

    async def out(store: ObjectStore) -> tuple[Carried, CarriedMedia]:
        try:
            async with _media(call) as made:
                media, also = await carry_media_out(made, folder, pattern=call.args.pattern)
            return await carry_out(store, folder, volatile, pattern=call.args.pattern, also=also), media
        except Uncarried as error:
            raise Failure(str(error)) from error

    done, media = _with_store(call, out)
    call.say(
        call.words(
            f"{folder}: ответов {done.responses}, {_mb(done.length_bytes)} МБ, из них было {done.already}.",
            f"{folder}: {done.responses} answers, {_mb(done.length_bytes)} MB; {done.already} were there.",
        )
    )
    call.say(
        call.words(
            f"Лекций, фильмов, звука: {media.media}, {_mb(media.length_bytes)} МБ, из них было {media.already}.",
            f"Lectures, films, sound: {media.media}, {_mb(media.length_bytes)} MB; {media.already} were there.",
        )
    )
    call.say(f"tropa cache import DIR --digest {done.digest}")
    return OK


def _import(call: Call) -> int:
    from proxy.cache.carry import Carried, carry_in, list_in
    from proxy.carrying import Uncarried
    from proxy.media.carry import CarriedMedia, carry_media_in

    folder, volatile = _folder(call), _volatile(_catalogue(call))

    async def taken(store: ObjectStore) -> tuple[Carried, CarriedMedia]:
        try:
            told, _ = list_in(folder, call.args.digest)
            done = await carry_in(store, folder, volatile, digest=call.args.digest)
            async with _media(call) as made:
                return done, await carry_media_in(made, folder, told)
        except Uncarried as error:
            raise Failure(str(error)) from error

    done, media = _with_store(call, taken)
    count, size = done.responses, _mb(done.length_bytes)
    call.say(
        call.words(
            f"Взято ответов {count}, {size} МБ; было {done.already}, повреждено {done.bad}.",
            f"{count} answers taken, {size} MB; {done.already} were here, {done.bad} damaged.",
        )
    )
    count, size = media.media, _mb(media.length_bytes)
    call.say(
        call.words(
            f"Лекций, фильмов, звука: {count}, {size} МБ; было {media.already}, повреждено {media.bad}.",
            f"Lectures, films, sound: {count}, {size} MB; {media.already} were here, {media.bad} damaged.",
        )
    )
    return OK if not (done.bad or media.bad) else FAILED


def _folder(call: Call) -> Path:
    if call.args.what is None:
        raise Mistake(f"say which folder: tropa cache {call.args.action} DIR")
    return Path(call.args.what)


def _volatile(catalogue: Catalogue) -> Callable[[str], frozenset[str]]:
    from urllib.parse import urlsplit

    from policies.place import OriginIndex

    origins = OriginIndex(catalogue)

    def volatile(url: str) -> frozenset[str]:
        origin = origins.by_host(urlsplit(url).hostname or "")
        return origin.preset.volatile_query if origin is not None else frozenset()

    return volatile


COMMAND = Command(
    name="cache",
    summary=Text(
        ru="что сохранено из ответов сайтов: посмотреть, удалить, перенести",
        en="what is stored of sites' answers: look, drop, fetch ahead, carry",
    ),
    details=Text(
        ru=(
            "Работает и при запущенной Tropa; она замечает изменения за секунду-другую. "
            "export и import переносят общее, с лекциями и фильмами, на диске или флешке в школу без связи."
        ),
        en=(
            "It may run beside a serving Tropa, which notices within a second or two. "
            "export and import carry what is everybody's, lectures and films too, "
            "on a disk or stick to a school without a link."
        ),
    ),
    arguments=(
        Argument(names=("ACTION",), choices=_ACTIONS, help=Text(ru=", ".join(_ACTIONS), en=", ".join(_ACTIONS))),
        Argument(
            names=("WHAT",),
            many="?",
            help=Text(
                ru="purge: адрес или образец; warm: адрес или файл со списком; export, import: папка",
                en="purge: an address or a pattern; warm: an address or a file of them; export, import: a folder",
            ),
        ),
        Argument(
            names=("--origin",),
            metavar="ORIGIN",
            help=Text(ru="purge: только этот источник", en="purge: only this origin"),
        ),
        Argument(
            names=("--everything",), flag=True, help=Text(ru="purge: всё сохранённое", en="purge: all that is stored")
        ),
        Argument(
            names=("--pattern",),
            metavar="PATTERN",
            help=Text(
                ru='export: только адреса вида "https://lms/*"', en='export: only addresses like "https://lms/*"'
            ),
        ),
        Argument(
            names=("--digest",),
            metavar="SHA256",
            help=Text(
                ru="import: сверить список с тем, что назвал export",
                en="import: compare the list with what export told",
            ),
        ),
        Argument(
            names=("--limit",),
            metavar="N",
            parse=int,
            default=20,
            help=Text(ru="inspect: сколько показать", en="inspect: how many"),
        ),
        state_option(),
    ),
    examples=(
        "tropa cache inspect",
        'tropa cache purge "https://lms.example.org/pluginfile.php/5/*"',
        "tropa cache export /media/stick/course",
        "tropa cache import /media/stick/course",
    ),
    run=_run,
)
