"""Whom an origin's certificate must prove, and which authorities are believed."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.errors import ExchangeError
from tests.fetching import Fetch
from tests.origins import raw_origin
from tests.wire import origin_of


class TestTls:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def served(self, authority: trustme.CA, name: str = "lms.test", **options: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name, **options).configure_cert(context)  # type: ignore[arg-type]
        return context

    @pytest.fixture
    def bundle(self, authority: trustme.CA, tmp_path: Path) -> str:
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        return str(tmp_path / "ca.pem")

    @pytest.mark.parametrize("where", ["installation", "origin"])
    async def test_an_origin_under_an_extra_authority_is_verified(
        self, authority: trustme.CA, bundle: str, where: str
    ) -> None:
        async with raw_origin(tls=self.served(authority)) as origin:
            changes = {"ca_file": bundle} if where == "origin" else {}
            settings = {} if where == "origin" else {"ca_file": bundle}
            fetch = Fetch(origin_of(origin.url, **changes), **settings)
            assert await fetch.body(scheme="https", port=443) == b"ok"
            await fetch.upstream.close()

    @pytest.mark.parametrize("fault", ["unknown-authority", "wrong-name", "expired"])
    async def test_a_certificate_that_proves_nothing_is_refused(
        self, authority: trustme.CA, bundle: str, fault: str, make_expired: Callable[[trustme.CA], ssl.SSLContext]
    ) -> None:
        tls = {
            "unknown-authority": lambda: self.served(trustme.CA()),
            "wrong-name": lambda: self.served(authority, "other.test"),
            "expired": lambda: make_expired(authority),
        }[fault]()
        async with raw_origin(tls=tls) as origin:
            fetch = Fetch(origin_of(origin.url), ca_file=bundle)
            with pytest.raises(ExchangeError) as caught:
                await fetch.body(scheme="https", port=443)
            assert (caught.value.code, caught.value.status) == ("upstream-certificate", 502)
            assert origin.received == b""
            await fetch.upstream.close()

    @pytest.fixture
    def make_expired(self) -> Callable[[trustme.CA], ssl.SSLContext]:
        from datetime import UTC, datetime, timedelta

        def make(authority: trustme.CA) -> ssl.SSLContext:
            return self.served(authority, not_after=datetime.now(UTC) - timedelta(days=1))

        return make

    async def test_a_renewed_bundle_counts_from_the_next_request_and_a_missing_one_says_so(
        self, authority: trustme.CA, bundle: str
    ) -> None:
        renewed = trustme.CA()
        async with raw_origin(tls=self.served(renewed)) as origin:
            fetch = Fetch(origin_of(origin.url), ca_file=bundle)
            with pytest.raises(ExchangeError, match="upstream-certificate"):
                await fetch.body(scheme="https", port=443)
            renewed.cert_pem.write_to_path(bundle)
            os.utime(bundle, ns=(1, 1))
            assert await fetch.body(scheme="https", port=443) == b"ok"
            Path(bundle).unlink()
            with pytest.raises(ExchangeError, match=r"ca\.pem"):
                await fetch.body(scheme="https", port=443)
            await fetch.upstream.close()

    async def test_the_operator_may_switch_verification_off_for_an_origin(self, authority: trustme.CA) -> None:
        async with raw_origin(tls=self.served(authority)) as origin:
            fetch = Fetch(origin_of(origin.url, verify_tls=False))
            assert await fetch.body(scheme="https", port=443) == b"ok"
            await fetch.upstream.close()
