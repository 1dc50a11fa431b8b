"""`tropa pac`: the proxy configuration that browsers of a region get."""

from __future__ import annotations

from policies.values import Text
from proxy.cli.command import OK, Argument, Call, Command, Mistake, place_options, regions_option
from proxy.cli.places import territory_of


def _run(call: Call) -> int:
    from policies.load import read_catalogue
    from proxy.modes.pac import pac_file, proxy_address_of

    args = call.args
    catalogue = read_catalogue(args.regions)
    place = territory_of(catalogue, args.region, args.site)
    address, secure = args.proxy, False
    if address is None:
        known = proxy_address_of(catalogue, place)
        if known is None:
            raise Mistake("the proxy's address isn't known; give --proxy HOST:PORT, or set tropa.pac.proxy_address")
        address, secure = known
    try:
        call.out.write(pac_file(catalogue, place, address, secure=secure))
    except ValueError as error:
        raise Mistake(f"{error}; write the host, a colon and the port") from None
    return OK


COMMAND = Command(
    name="pac",
    summary=Text(ru="файл автонастройки прокси (PAC) для региона", en="the proxy configuration (PAC) of a region"),
    details=Text(
        ru="То же отдаёт слушатель forward по адресу /proxy.pac.",
        en="A forward listener serves the same at /proxy.pac.",
    ),
    arguments=(
        *place_options(),
        Argument(
            names=("--proxy",),
            metavar="HOST:PORT",
            help=Text(
                ru="адрес прокси для браузеров (иначе из настроек)",
                en="the proxy as browsers reach it (else as configured)",
            ),
        ),
        regions_option(),
    ),
    examples=("tropa pac --region koryak --proxy tropa.koryak.example:3128 > proxy.pac",),
    run=_run,
)
