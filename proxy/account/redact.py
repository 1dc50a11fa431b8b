"""What of a URL may stand in the log: everything but what opens a session, a file or an account.

Law of this file: the parameter's name stays, so that IT staff see what it was; its value never does.
"""

from __future__ import annotations

import re

HIDDEN = "***"

# sesskey, token, wstoken, privatetoken, authtoken, logintoken, sessionToken, id_token …; password, passwd, pwd;
# secret, signature, X-Amz-Signature, sig, checksum (BigBlueButton), oauth_*, code and state (OAuth), ticket (CAS),
# SAMLResponse, hdnts (CDN tokens), jwt, policy (CloudFront), username and email (who it was)
_PARAMETER = re.compile(
    r"((?:^|[&;])(?:[^=&;#]*(?:token|sess(?:key|id|ion)|pass|pwd|secret|signature|oauth|credential|api_?key|saml|jwt)"
    r"[^=&;#]*|auth|sig|sign|checksum|hash|code|state|ticket|hdnts|policy|key|user|username|login|e-?mail|phone)=)"
    r"[^&;#]+",
    re.IGNORECASE,
)
_PATH_TOKEN = re.compile(r"(/tokenpluginfile\.php/)[^/?#]+", re.IGNORECASE)  # Moodle's app: the token is a folder
_OWN_TOKEN = re.compile(r"(/\.tropa/(?:[a-z-]+/)+)[^/?#]{24,}")
_SESSION_IN_PATH = re.compile(r"(;(?:jsessionid|phpsessid)=)[^/?#;]+", re.IGNORECASE)
_USER_INFO = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/?#@]*@", re.IGNORECASE)


def redacted(url: str) -> str:
    """The URL with secrets' values hidden."""
    if "?" in url:
        path, _, query = url.partition("?")
        hidden = _PARAMETER.sub(rf"\1{HIDDEN}", query)
        return f"{_path_redacted(path)}?{hidden}"
    return _path_redacted(url)


def _path_redacted(url: str) -> str:
    if "tokenpluginfile" in url.lower():
        url = _PATH_TOKEN.sub(rf"\1{HIDDEN}", url)
    if "/.tropa/" in url:
        url = _OWN_TOKEN.sub(rf"\1{HIDDEN}", url)
    if ";" in url:
        url = _SESSION_IN_PATH.sub(rf"\1{HIDDEN}", url)
    return _USER_INFO.sub(rf"\1{HIDDEN}@", url) if "@" in url else url
