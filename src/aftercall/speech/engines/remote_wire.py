"""This file carries a request to a transcription service and back: how long to wait, what to try again, which error."""

import asyncio
import json
import math
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from aftercall.errors import (
    AppError,
    RemoteAnswerMalformed,
    RemoteRefused,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
    RemoteUntrusted,
)
from aftercall.speech.engine import RemoteService

ATTEMPTS = 3
#: Before the second and the third attempt, unless the service asks for another wait.
WAITS_S = (1.0, 5.0)
#: A service that asks for more is left alone: the call is taken up again later.
LONGEST_WAIT_S = 60.0
CONNECT_S = 10.0
#: The words of ten minutes with all their figures are about 1 MB.
LARGEST_ANSWER = 32_000_000


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Sound as it is sent."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def message(self) -> str:
        """What the service says itself, short."""
        text = self.body.decode(errors="replace")
        try:
            said = json.loads(text)
        except ValueError:
            said = text
        if isinstance(said, Mapping):
            said = said.get("error", said.get("detail", said))
        if isinstance(said, Mapping):
            said = said.get("message", "")
        return " ".join(str(said).split())[:200]

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later; an empty account will not fill by itself."""
        return (self.status == 429 and not self.is_about_credit) or self.status >= 500

    @property
    def is_about_credit(self) -> bool:
        return self.status == 402 or (self.status == 429 and b"insufficient_quota" in self.body)

    @property
    def is_about_form(self) -> bool:
        """Whether it refuses how the answer was wanted, and not the sound."""
        wanted = (b"response_format", b"timestamp_granularities", b"verbose_json", b"include", b"logprobs")
        return self.status in {400, 422} and any(each in self.body for each in wanted)


def host_of(service: RemoteService) -> str:
    """Name and port, for people."""
    return urlsplit(service.url).netloc or service.url


def ask(
    service: RemoteService,
    fields: Mapping[str, Any],
    sound: Packed,
    *,
    attempts: int = ATTEMPTS,
    sleep: Callable[[float], None],
) -> Reply:
    """Send a sound as often as makes sense.

    Returns:
        Any answer that does not get better by waiting.
    Raises:
        RemoteUnreachable: it never answered, or was overloaded each time.
        RemoteUntrusted: its certificate is not one this machine trusts.
        RemoteAnswerMalformed: it answers without end.
    """
    said = ""
    for attempt in range(attempts):
        wait_s = WAITS_S[min(attempt, len(WAITS_S) - 1)]
        try:
            reply = asyncio.run(_exchange(service, fields, sound))
        except httpx2.ConnectTimeout:
            said = f"no connection within {min(CONNECT_S, service.timeout_s):g} s"
        except (TimeoutError, httpx2.TimeoutException):
            said = f"no answer within {service.timeout_s:g} s"
        except (httpx2.TransportError, httpx2.InvalidURL) as exc:
            if untrusted := next(
                (each for each in _causes(exc) if isinstance(each, ssl.SSLCertVerificationError)), None
            ):
                raise RemoteUntrusted(host=host_of(service), detail=untrusted.verify_message) from exc
            said = str(exc) or type(exc).__name__
        else:
            if not reply.is_passing:
                return reply
            said = f"{reply.status} {reply.message}".strip()
            asked_s = _retry_after_s(reply.headers)
            if asked_s is not None and asked_s > LONGEST_WAIT_S:
                said += f" (it asks to wait {asked_s:.0f} s)"
                break
            wait_s = wait_s if asked_s is None else asked_s
        if attempt + 1 < attempts:
            sleep(wait_s)
    raise RemoteUnreachable(host=host_of(service), detail=said)


def decoded(reply: Reply, service: RemoteService, *, sent_bytes: int) -> Any:
    """The JSON of an answer, if the service did what was asked.

    Raises:
        RemoteRefused, RemoteTooLarge, RemoteRejected, RemoteAnswerMalformed: it did not.
    """
    host = host_of(service)
    if reply.status in {401, 403} or reply.is_about_credit:
        raise RemoteRefused(host=host, answer=f"{reply.status} {reply.message}".strip())
    if reply.status == 413:
        raise RemoteTooLarge(host=host, size_mb=f"{sent_bytes / 1e6:.1f}")
    if reply.status >= 300:
        raise RemoteRejected(host=host, answer=f"{reply.status} {reply.message}".strip())
    try:
        return json.loads(reply.body)
    except ValueError as exc:
        raise RemoteAnswerMalformed(host=host, detail="the answer is not JSON") from exc


async def _exchange(service: RemoteService, fields: Mapping[str, Any], sound: Packed) -> Reply:
    """One request, over within the service's time, however slowly the answer drips.

    Raises:
        TimeoutError, httpx2.TransportError: no answer came.
        RemoteAnswerMalformed: too much of one.
    """
    patience = httpx2.Timeout(service.timeout_s, connect=min(CONNECT_S, service.timeout_s))
    async with (
        asyncio.timeout(service.timeout_s),
        httpx2.AsyncClient(timeout=patience, verify=_trusted(), trust_env=False) as http,
        http.stream(
            "POST",
            f"{service.url.rstrip('/')}/audio/transcriptions",
            headers={"Authorization": f"Bearer {service.key}"} if service.key else {},
            data=dict(fields),
            files={"file": (sound.name, sound.content, sound.content_type)},
        ) as answer,
    ):
        body = bytearray()
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > LARGEST_ANSWER:
                raise _too_much(service)
        return Reply(status=answer.status_code, headers=answer.headers, body=bytes(body))


def _too_much(service: RemoteService) -> AppError:
    return RemoteAnswerMalformed(
        host=host_of(service), detail=f"the answer is larger than {LARGEST_ANSWER // 1_000_000} MB"
    )


@cache
def _trusted() -> ssl.SSLContext:
    """This machine's authorities, or those that SSL_CERT_FILE names; reading them takes a while."""
    return httpx2.create_ssl_context()


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, or until a date."""
    told = headers.get("retry-after", "").strip()
    try:
        seconds = float(told)
    except ValueError:
        try:
            until = parsedate_to_datetime(told)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
