"""This file asks a language model behind any OpenAI-compatible endpoint what a call was about.

One structured answer; a long call goes in parts, each to notes, and the notes to the answer. The library behind it is
optional and imported only here, when somebody asks.
"""

import ipaddress
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import urlsplit

from aftercall.errors import (
    AppError,
    LlmAnswerUnusable,
    LlmBroken,
    LlmBusy,
    LlmCallCap,
    LlmCallTooLong,
    LlmContextFull,
    LlmModelUnknown,
    LlmNotInstalled,
    LlmRequestRefused,
    LlmSignInRefused,
    LlmTimeout,
    LlmUnreachable,
)
from aftercall.insight import llm_evidence, llm_prompt
from aftercall.insight.llm_prompt import Line
from aftercall.insight.llm_schema import Answer
from aftercall.model import Generated, LlmMode

if TYPE_CHECKING:
    from pydantic_ai import RunUsage
    from pydantic_ai.models.openai import OpenAIChatModel

#: In the order in which the test tries them.
MODES: tuple[LlmMode, ...] = get_args(LlmMode)
LOCAL_TIMEOUT_S, REMOTE_TIMEOUT_S = 120.0, 60.0

#: What the test sends: nothing of any customer.
SAMPLE = (
    Line(position=0, start_s=1, who="agent", text="Good morning, heating service, how can I help?"),
    Line(position=1, start_s=5, who="customer", text="My boiler has been cold since Tuesday."),
    Line(position=2, start_s=9, who="agent", text="I will send an engineer tomorrow morning."),
    Line(position=3, start_s=13, who="customer", text="That is great, thank you."),
)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a language model is, and how it is asked."""

    #: The base address, `/v1` included where the server has it.
    url: str
    model: str
    key: str = field(default="", repr=False)
    mode: LlmMode = "native"
    timeout_s: float = LOCAL_TIMEOUT_S
    #: What the model can read and write at once.
    context_tokens: int = 8192
    #: Tokens one call may use, both ways.
    call_cap: int = 20_000

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc.rpartition("@")[2] or self.url


@dataclass(kw_only=True)
class Spent:
    """What a call has used so far; filled in also when it ends with an error."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, kw_only=True)
class Tested:
    """What a test of an endpoint found."""

    #: The first mode that works, None if none does.
    mode: LlmMode | None
    #: The modes that did not work, with what came instead.
    failures: tuple[tuple[LlmMode, AppError], ...]
    #: What the model made of the sample.
    made: Generated | None
    took_s: float


def is_local(url: str) -> bool:
    """Whether an address is of this machine or its own network, as far as its name tells."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal", ".localhost", ".home.arpa"))
    return address.is_private or address.is_loopback


async def generate(endpoint: Endpoint, said: Sequence[Line], *, language: str, spent: Spent) -> Generated:
    """What the call was about, as far as the lines bear it.

    Args:
        said: the masked lines of the transcript, see `llm_prompt.lines`.
        language: BCP 47, of the transcript.
        spent: is filled in.
    Raises:
        LlmError: there is no usable answer, and why.
    """
    pieces = llm_prompt.parts(said, endpoint.context_tokens)
    if len(pieces) > (most := llm_prompt.most_parts(endpoint.context_tokens)):
        raise LlmCallTooLong(parts=len(pieces), most=most, context_tokens=endpoint.context_tokens)
    needed = llm_prompt.estimate(said, endpoint.context_tokens)
    if needed > endpoint.call_cap:
        raise LlmCallCap(needed=needed, cap=endpoint.call_cap)
    async with _asking(endpoint, spent, needed) as ask:
        text = llm_prompt.as_text(said)
        if len(pieces) > 1:
            text = "\n".join([await ask.notes(llm_prompt.as_text(piece)) for piece in pieces])
        answer = await ask.answer(text)
    checked = llm_evidence.check(answer, said, language=language)
    return Generated(
        **{name: getattr(checked, name) for name in checked.__dataclass_fields__},
        language=answer.language[:20] or language,
        model=endpoint.model,
        mode=endpoint.mode,
        prompt_version=llm_prompt.VERSION,
        parts=len(pieces),
        requests=spent.requests,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
    )


async def test(endpoint: Endpoint) -> Tested:
    """Try the modes one after the other on an invented call, until one works; nothing of a customer is sent."""
    failures: list[tuple[LlmMode, AppError]] = []
    began = time.monotonic()
    for mode in MODES:
        try:
            made = await generate(replace(endpoint, mode=mode), SAMPLE, language="en", spent=Spent())
        except (LlmRequestRefused, LlmAnswerUnusable) as error:
            failures.append((mode, error))
        except AppError as error:
            # Not the mode's fault: the next one would meet the same.
            failures.append((mode, error))
            break
        else:
            return Tested(mode=mode, failures=tuple(failures), made=made, took_s=time.monotonic() - began)
    return Tested(mode=None, failures=tuple(failures), made=None, took_s=time.monotonic() - began)


class _Ask:
    """A way to the model that keeps count."""

    def __init__(self, endpoint: Endpoint, model: "OpenAIChatModel", usage: "RunUsage") -> None:
        self._endpoint = endpoint
        self._model = model
        self._usage = usage

    async def notes(self, text: str) -> str:
        from pydantic_ai import Agent

        agent = Agent(self._model, output_type=str, retries=1, instructions=llm_prompt.NOTES_RULES)
        made: str = await self._run(agent, text, llm_prompt.NOTES_TOKENS)
        return made

    async def answer(self, text: str) -> Answer:
        from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput

        kinds: dict[LlmMode, Any] = {"native": NativeOutput, "prompted": PromptedOutput, "tools": ToolOutput}
        wanted = kinds[self._endpoint.mode](Answer)
        agent = Agent(self._model, output_type=wanted, retries=1, instructions=llm_prompt.RULES)
        made: Answer = await self._run(agent, text, llm_prompt.ANSWER_TOKENS)
        return made

    async def _run(self, agent: Any, text: str, max_tokens: int) -> Any:
        from pydantic_ai import UsageLimits

        if self._usage.total_tokens > self._endpoint.call_cap:
            raise LlmCallCap(needed=f"over {self._usage.total_tokens}", cap=self._endpoint.call_cap)
        ended = await agent.run(
            llm_prompt.tagged(text, secrets.token_hex(8)),
            model_settings={"temperature": 0, "max_tokens": max_tokens, "extra_body": self._old_name(max_tokens)},
            usage=self._usage,
            usage_limits=UsageLimits(request_limit=llm_prompt.MOST_REQUESTS),
        )
        return ended.output

    def _old_name(self, max_tokens: int) -> dict[str, int]:
        """The limit by the name it once had: some local servers know no other, and OpenAI refuses that one."""
        return {"max_tokens": max_tokens} if is_local(self._endpoint.url) else {}


@asynccontextmanager
async def _asking(endpoint: Endpoint, spent: Spent, needed: int) -> AsyncIterator[_Ask]:
    """A client for one call, closed at its end; the library's exceptions leave as ours.

    Args:
        needed: tokens by our own estimate, for servers that do not count.
    """
    try:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        from pydantic_ai import RunUsage
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider
    except ImportError as exc:
        raise LlmNotInstalled(module=exc.name or "pydantic_ai") from exc
    usage = RunUsage()
    client = AsyncOpenAI(
        base_url=endpoint.url,
        api_key=endpoint.key or "none",
        timeout=endpoint.timeout_s,
        max_retries=1,
        # A redirect could send what was said to somebody else.
        http_client=DefaultAsyncHttpxClient(follow_redirects=False, timeout=endpoint.timeout_s),
    )
    try:
        yield _Ask(endpoint, OpenAIChatModel(endpoint.model, provider=OpenAIProvider(openai_client=client)), usage)
    except RuntimeError as exc:
        raise _translated(endpoint, exc) from exc
    finally:
        is_counted = usage.total_tokens > 0 or not usage.requests
        spent.requests, spent.output_tokens = usage.requests, usage.output_tokens
        spent.input_tokens = usage.input_tokens if is_counted else needed
        await client.close()


def _translated(endpoint: Endpoint, exc: RuntimeError) -> Exception:  # noqa: PLR0911 - a table, one line a case
    """Our error for one of the library's; what is not of the library comes back as it is."""
    from pydantic_ai import exceptions as theirs

    host, detail = endpoint.host, " ".join(str(exc).split())[:300]
    match exc:
        case theirs.ModelTimeoutError():
            return LlmTimeout(host=host, timeout_s=endpoint.timeout_s)
        case theirs.ModelConnectionError():
            return LlmUnreachable(host=host, detail=detail)
        case theirs.ModelContextWindowExceededError():
            return LlmContextFull(model=endpoint.model, context_tokens=endpoint.context_tokens)
        case theirs.ModelHTTPError(status_code=status_code):
            return _refused(endpoint, status_code, detail)
        case theirs.UnexpectedModelBehavior() | theirs.UsageLimitExceeded():
            return LlmAnswerUnusable(model=endpoint.model, detail=detail)
        case theirs.UserError():
            return LlmRequestRefused(host=host, mode=endpoint.mode, status_code=0, detail=detail)
        case theirs.AgentRunError():
            return LlmBroken(host=host, detail=detail)
    return exc


def _refused(endpoint: Endpoint, status_code: int, detail: str) -> AppError:
    host = endpoint.host
    match status_code:
        case 401 | 403:
            return LlmSignInRefused(host=host, status_code=status_code)
        case 404:
            return LlmModelUnknown(host=host, model=endpoint.model)
        case 408 | 504:
            return LlmTimeout(host=host, timeout_s=endpoint.timeout_s)
        case 429:
            return LlmBusy(host=host)
        case _ if 400 <= status_code < 500:
            return LlmRequestRefused(host=host, mode=endpoint.mode, status_code=status_code, detail=detail)
    return LlmBroken(host=host, detail=f"HTTP {status_code}")
