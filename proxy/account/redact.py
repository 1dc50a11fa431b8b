"""What of a URL may stand in the log: everything but what opens a session, a file or an account.

Laws of this file: the parameter's name stays, so that IT staff see what it was; its value never does; however hostile
an address is, reading it takes time in proportion to its length.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

HIDDEN = "***"

_PAIR = re.compile(r"((?:^|[&;])([^=&;#]*)=)[^&;#]+")
# sesskey, token, wstoken, privatetoken, authtoken, logintoken, sessionToken, id_token …; password, passwd, pwd;
# secret, signature, X-Amz-Signature, oauth_*, jwt
_TELLING = re.compile(r"token|sess(?:key|id|ion)|pass|pwd|secret|signature|oauth|credential|api_?key|saml|jwt")
# Those that are only themselves: sig, checksum (BigBlueButton), code and state (OAuth), ticket (CAS), hdnts (CDN
# tokens), policy (CloudFront); user, email, phone: who it was.
_NAMES = frozenset({"auth", "sig", "sign", "checksum", "hash", "code", "state", "ticket", "hdnts", "policy", "key"}) | {
    "user",
    "username",
    "login",
    "email",
    "e-mail",
    "phone",
}
_LONGEST_NAME_CHARS = 128  # no honest parameter has such a name, and it may hold anything
_PATH_TOKEN = re.compile(r"(/tokenpluginfile\.php/)[^/?#]+", re.IGNORECASE)  # Moodle's app: the token is a folder
_OWN_TOKEN = re.compile(r"(/\.tropa/(?:[a-z-]+/)+)[^/?#]{24,}")
_SESSION_IN_PATH = re.compile(r"(;(?:jsessionid|phpsessid)=)[^/?#;]+", re.IGNORECASE)
_USER_INFO = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#@]*@", re.IGNORECASE)


def redacted(url: str) -> str:
    """The URL with secrets' values hidden."""
    if "?" in url:
        path, _, query = url.partition("?")
        return f"{_path_redacted(path)}?{_PAIR.sub(_pair_redacted, query)}"
    return _path_redacted(url)


def _pair_redacted(pair: re.Match[str]) -> str:
    return f"{pair[1]}{HIDDEN}" if len(pair[2]) > _LONGEST_NAME_CHARS or _is_telling(pair[2]) else pair[0]


@lru_cache(maxsize=1024)
def _is_telling(name: str) -> bool:
    plain = unquote(name).lower()
    return plain in _NAMES or _TELLING.search(plain) is not None


def _path_redacted(url: str) -> str:
    if "tokenpluginfile" in url.lower():
        url = _PATH_TOKEN.sub(rf"\1{HIDDEN}", url)
    if "/.tropa/" in url:
        url = _OWN_TOKEN.sub(rf"\1{HIDDEN}", url)
    if ";" in url:
        url = _SESSION_IN_PATH.sub(rf"\1{HIDDEN}", url)
    return _USER_INFO.sub(rf"\1{HIDDEN}@", url) if "@" in url else url
