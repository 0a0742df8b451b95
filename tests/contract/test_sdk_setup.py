"""The official SDK sets up pipes, agents, voices and keys through the template's own routes, and reads what it made."""

import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from unpod import AsyncClient, Endpoint, Playbook, Prompt, Runner
from unpod.management._auth import Auth, BearerAuth, JWTAuth, TokenAuth

from ringline.routing.records import Number
from ringline.routing.store import RoutingStore
from tests.contract.test_sdk_sessions import ACCOUNT, Api, anyio_backend, behind

__all__ = ["anyio_backend", "behind"]

pytestmark = pytest.mark.anyio

AUTHS = (BearerAuth("sk_test"), TokenAuth("sk_test", "acme"), JWTAuth("sk_test", "acme"))


@pytest.fixture(autouse=True)
def the_sdk_says_itself_that_its_pipes_are_deprecated() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@asynccontextmanager
async def sdk(api: Api, auth: Auth = AUTHS[0]) -> AsyncIterator[AsyncClient]:
    runner = web.ServerRunner(web.Server(api.answer))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        async with AsyncClient(auth=auth, base_url=f"http://{host}:{port}/platform") as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_a_pipe_is_made_read_changed_and_deleted(behind: Api, auth: Auth) -> None:
    async with sdk(behind, auth) as client:
        made = await client.pipes.create(
            "Outbound", "local-en", agent_id="my-agent", background_sound="office", background_sound_volume=0.2
        )
        assert (made.name, made.voice_profile_id, made.agent_id) == ("Outbound", "local-en", "my-agent")
        assert (made.background_sound, made.status, made.created is not None) == ("office", "active", True)
        changed = await client.pipes.update(made.pipe_id, voice_profile="en-male-deepgram", max_call_duration_s=60)
        assert (changed.voice_profile_id, changed.max_call_duration_s) == ("en-male-deepgram", 60)
        assert await client.pipes.get(made.pipe_id) == changed
        assert await client.pipes.list() == [changed]
        await client.pipes.delete(made.pipe_id)
        assert await client.pipes.list() == []


@pytest.mark.parametrize(
    ("brain", "type_"),
    [
        ({"agent_id": "my-agent"}, "runner"),
        ({"agent_endpoint": "https://brain.example.com/turn"}, "endpoint"),
        ({"prompt": "Be brief."}, "prompt"),
    ],
)
async def test_a_voice_agent_is_made_of_one_brain(behind: Api, brain: dict[str, Any], type_: str) -> None:
    async with sdk(behind) as client:
        made = await client.agent.voice.create("Outbound", "local-en", **brain)
        assert made.agent_endpoint == brain.get("agent_endpoint")
        assert (made.model_extra or {})["brain"]["type"] == type_


async def test_a_playbook_is_refused_with_its_reason(behind: Api) -> None:
    async with sdk(behind) as client:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await client.agent.voice.create("Outbound", playbook="name: x")
        assert refused.value.response.status_code == 422
        assert "playbooks are not served" in refused.value.response.text
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await client.agents.create("a", brain=Playbook("PB_1"))
        assert refused.value.response.status_code == 422


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_an_agent_and_its_voices(behind: Api, auth: Auth) -> None:
    async with sdk(behind, auth) as client:
        made = await client.agents.voice.create("desk", brain=Runner(), voice_profile="local-en", greeting="Hi")
        assert (made.voice_profile_id, made.voice_profile_name, made.is_default) == ("local-en", "Joe", True)
        added = await client.agents.voice.add("desk", voice_profile="en-male-deepgram")
        assert not added.is_default
        moved = await client.agents.voice.update("desk", "en-male-deepgram", greeting="Hello", make_default=True)
        assert moved.is_default
        await client.agents.voice.remove("desk", "local-en")
        agent = await client.agents.get("desk")
        assert [each.voice_profile_id for each in agent.voices] == ["en-male-deepgram"]
        assert await client.agents.list() == [agent]
        await client.agents.delete("desk")
        assert await client.agents.list() == []


async def test_every_field_of_an_agents_change_is_taken(behind: Api) -> None:
    async with sdk(behind) as client:
        await client.agents.create("desk", brain=Prompt("Be brief."), max_concurrent=7)
        changed = await client.agents.update(
            "desk",
            name="Desk",
            greeting="Hello",
            brain_execution="bridge",
            domain="",
            background_sound="city",
            background_sound_enabled=False,
            background_sound_volume=0.5,
            noise_cancellation="none",
            cache_mode="off",
            first_speaker="agent",
            recording=True,
            max_call_duration_s=90,
            max_concurrent=3,
            llm_model="openai/gpt-4.1-mini",
            mute_until_first_bot_complete=False,
            tools={},
        )
        more = changed.model_extra or {}
        assert (changed.name, changed.background_sound, changed.noise_cancellation) == ("Desk", "city", "none")
        assert (more["recording"], more["max_concurrent"], more["llm_model"]) == (True, 3, "openai/gpt-4.1-mini")
        assert changed.brain == {"type": "prompt", "ref": "Be brief.", "cfg": {"model": "openai/gpt-4.1-mini"}}


async def test_an_endpoints_key_comes_back_to_nobody(behind: Api) -> None:
    brain = Endpoint("https://brain.example.com/v1", model="m", api_key="sk-of-the-brain")
    async with sdk(behind) as client:
        made = await client.agents.create("desk", brain=brain)
        read = await client.agents.get("desk")
        for shown in (made, read):
            assert shown.brain["cfg"] == {"model": "m", "kind": "chat", "has_api_key": True}
            assert "sk-of-the-brain" not in shown.model_dump_json()


async def test_what_is_used_is_not_deleted(behind: Api) -> None:
    async with sdk(behind) as client:
        pipe = await client.pipes.create("Outbound", agent_id="my-agent")
        rows = RoutingStore(behind.local.dynamodb, behind.local.table_name)
        rows.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id=pipe.pipe_id))
        for delete in (client.pipes.delete(pipe.pipe_id), client.agents.delete("my-agent")):
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await delete
            assert (refused.value.response.status_code, refused.value.response.json()["code"]) == (409, "in_use")


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_a_number_moves_to_another_agent_whoever_asks(behind: Api, auth: Auth) -> None:
    """With Bearer the SDK changes the number, with the others it asks for a move."""
    rows = RoutingStore(behind.local.dynamodb, behind.local.table_name)
    async with sdk(behind, auth) as client:
        pipe = await client.pipes.create("Desk", agent_id="my-agent")
        await client.agents.create("sales", brain=Prompt("Be brief."))
        rows.put_number(ACCOUNT, Number(number="+15550100000", number_id="num_1", pipe_id=pipe.pipe_id))
        await client.numbers.agent.change("+15550100000", "sales")
        moved = rows.number(ACCOUNT, "+15550100000")
        assert moved is not None
        assert (moved.agent_id, moved.pipe_id) == ("sales", pipe.pipe_id)


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
async def test_voices_are_found_by_language(behind: Api, auth: Auth) -> None:
    async with sdk(behind, auth) as client:
        everything, hindi = await client.voice_profiles.list(), await client.voice_profiles.list("hi")
        assert [each.profile_id for each in hindi] == ["hi-female-sarvam", "multilingual-openai"]
        assert "local-en" in {each.profile_id for each in everything}
        assert await client.voice_profiles.get("hi-female-sarvam") == hindi[0]


async def test_a_key_is_made_once_and_shown_once(behind: Api) -> None:
    async with sdk(behind) as client:
        key = await client.api_keys.create("laptop", ACCOUNT)
        assert (key.org_id, key.project_id, key.status) == (ACCOUNT, ACCOUNT, "active")
        assert (key.raw_key or "").startswith("sk_")
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await client.api_keys.create("laptop", "somebody-else")
        assert refused.value.response.status_code == 422


async def test_what_is_out_of_scope_is_501_and_never_404(behind: Api) -> None:
    async with sdk(behind) as client:
        asked: list[Any] = [
            client.tools.list(),
            client.tools.list_custom(),
            client.tools.attach("t", "a"),
            client.domain_dictionaries.list(),
            client.domain_dictionaries.upsert("banking"),
            client.analytics.list(),
            client.analytics.templates(),
            client.analytics.results_table("b"),
            client.analytics.detach("b", "a"),
            client.sessions.merge("s1", ["s2"]),
        ]
        for each in asked:
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await each
            problem = refused.value.response.json()
            assert (refused.value.response.status_code, problem["code"]) == (501, "not_served")
            assert problem["help"] == "docs/sdk.md#out-of-scope"
