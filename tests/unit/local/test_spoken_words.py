"""Speech in words: what an agent's mouth lets be heard, and what the person at the phone makes of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import replace
from dataclasses import dataclass, field

import pytest

from local.phones.kernel.ledger import PhoneCall
from local.phones.kernel.pace import Pace
from local.phones.kernel.tasks import Tasks
from local.phones.numbers.person_script import A_TALKER, PersonScript
from local.phones.rooms.participant import Phone
from local.phones.speech.mouth import Mouth
from local.phones.speech.person import Person

QUICK = Pace(0.01)
SAYS_NOTHING = replace(A_TALKER, lines=())


@dataclass(slots=True)
class Scene:
    """An agent's mouth, a person, and what the agent hears of them."""

    mouth: Mouth
    call: PhoneCall
    person: Person
    heard: list[str] = field(default_factory=list)
    played: list[int] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    answers: Callable[[str], None] = lambda _text: None

    def user_begins(self) -> None:
        self.heard.append("begins")

    def user_interrupts(self, heard: str) -> None:
        self.heard.append(f"interrupts after: {heard}")

    def user_said(self, text: str) -> None:
        self.heard.append(text)
        self.answers(text)

    @property
    def words(self) -> list[tuple[str, str, bool]]:
        return [(each["who"], each["text"], each["cut_off"]) for each in self.call.words]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.001)


@asynccontextmanager
async def a_scene(script: PersonScript = SAYS_NOTHING) -> AsyncIterator[Scene]:
    call, tasks = PhoneCall(1, "outbound", "+15550100000", "+15550100240"), Tasks()
    played: list[int] = []
    mouth = Mouth(QUICK, call, played.append)
    scene = Scene(mouth, call, None, played=played)  # type: ignore[arg-type]
    phone = Phone(script, call, scene.hung_up.set)
    scene.person = Person(QUICK, tasks, phone, mouth, scene)
    tasks.start(mouth.play())
    tasks.start(scene.person.live())
    try:
        yield scene
    finally:
        await tasks.stop()


type SceneTest = Callable[[Scene], Awaitable[None]]


def in_a_scene(script: PersonScript = SAYS_NOTHING) -> Callable[[SceneTest], Callable[[], None]]:
    """Runs an async test, whose argument is a scene with such a person, in an event loop of its own."""

    def decorate(test: SceneTest) -> Callable[[], None]:
        async def in_the_scene() -> None:
            async with a_scene(script) as scene:
                await test(scene)

        def run() -> None:
            asyncio.run(in_the_scene())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@in_a_scene()
async def test_a_turn_was_played_when_its_last_word_was_heard(scene: Scene) -> None:
    for piece in ("Hel", "lo the", "re,", " how are you?"):
        scene.mouth.add(1, piece)
    scene.mouth.end(1)
    await scene.until(lambda: scene.played == [1])
    assert scene.words == [("agent", "Hello there, how are you?", False)]
    assert not scene.mouth.speaks


@in_a_scene()
async def test_a_word_that_may_still_grow_is_not_said(scene: Scene) -> None:
    scene.mouth.add(1, "Good mor")
    await scene.until(lambda: scene.mouth.stop() == "Good" if scene.mouth._utterances[0].words else False)
    assert (scene.words, scene.played) == ([("agent", "Good", True)], [])


@in_a_scene()
async def test_utterances_follow_each_other_and_an_empty_reply_is_none(scene: Scene) -> None:
    scene.mouth.add(3, "")
    scene.mouth.end(3)
    assert not scene.mouth.speaks
    for turn, text in ((1, "One."), (2, "Two.")):
        scene.mouth.add(turn, text)
        scene.mouth.end(turn)
    await scene.until(lambda: scene.played == [1, 2])
    assert [text for _, text, _ in scene.words] == ["One.", "Two."]


@in_a_scene()
async def test_what_is_forgotten_was_not_played(scene: Scene) -> None:
    scene.mouth.add(1, "Never to be heard.")
    assert scene.mouth.stop() == ""
    scene.mouth.add(2, "This.")
    scene.mouth.end(2)
    await scene.until(lambda: bool(scene.played))
    assert (scene.played, scene.words) == ([2], [("agent", "This.", False)])


@in_a_scene(replace(A_TALKER, lines=("One?", "Two?"), hangs_up=True))
async def test_a_person_says_each_line_when_the_agent_has_answered_and_hangs_up_after_the_last(scene: Scene) -> None:
    def answer(text: str) -> None:
        scene.mouth.add(len(scene.heard), f"{text} I do not know.")
        scene.mouth.end(len(scene.heard))

    scene.answers = answer
    await scene.until(scene.hung_up.is_set)
    assert [text for _, text, _ in scene.words] == ["One?", "One? I do not know.", "Two?", "Two? I do not know."]
    assert scene.heard == ["begins", "One?", "begins", "Two?"]


@in_a_scene(replace(A_TALKER, lines=("Hello?",)))
async def test_a_person_lets_an_agent_finish_that_speaks_first(scene: Scene) -> None:
    scene.mouth.add(1, "Hello, this is somebody.")
    scene.mouth.end(1)
    await scene.until(lambda: "Hello?" in scene.heard)
    assert [who for who, _, _ in scene.words] == ["agent", "user"]


@in_a_scene(replace(SAYS_NOTHING, interrupts_after_words=2, interrupts_with="No, no, stop."))
async def test_an_interruption_silences_the_agent_and_tells_what_was_heard(scene: Scene) -> None:
    text = "This is a long story, which nobody wants to hear to its end."
    scene.mouth.add(1, text)
    scene.mouth.end(1)
    await scene.until(lambda: "No, no, stop." in scene.heard)
    begins, interrupts, said = scene.heard
    assert (begins, said) == ("begins", "No, no, stop.")
    heard = interrupts.removeprefix("interrupts after: ")
    assert text.startswith(heard) and 3 <= len(heard.split()) < len(text.split())
    assert (scene.words[0], scene.played) == (("agent", heard, True), [])


@in_a_scene(replace(SAYS_NOTHING, interrupts_after_words=1, interrupts_with="Stop it now."))
async def test_somebody_interrupts_once_and_listens_then(scene: Scene) -> None:
    scene.mouth.add(1, "The first of two stories.")
    await scene.until(lambda: "Stop it now." in scene.heard)
    scene.mouth.add(2, "The second of two stories.")
    scene.mouth.end(2)
    await scene.until(lambda: not scene.mouth.speaks)
    assert (scene.played, scene.heard.count("begins")) == ([2], 1)


@in_a_scene(replace(SAYS_NOTHING, hangs_up_after_words=2))
async def test_somebody_hangs_up_while_the_agent_speaks(scene: Scene) -> None:
    scene.mouth.add(1, "This is a long story, which nobody wants to hear to its end.")
    await scene.until(scene.hung_up.is_set)
    assert scene.mouth.speaks


@in_a_scene()
async def test_somebody_says_and_does_what_they_are_told(scene: Scene) -> None:
    scene.mouth.add(1, "A story of some words.")
    scene.mouth.end(1)
    scene.person.say("I see.", waits=True)
    scene.person.hang_up(waits=True)
    await scene.until(lambda: "I see." in scene.heard)
    assert scene.played == [1]
    scene.mouth.add(2, "The end.")
    scene.mouth.end(2)
    await scene.until(scene.hung_up.is_set)
    assert scene.played == [1, 2]


def test_a_script_is_read_from_json() -> None:
    assert PersonScript.from_json({"lines": ["Hi"], "hangs_up": True}) == replace(
        A_TALKER, lines=("Hi",), hangs_up=True
    )
    assert PersonScript.from_json({}) == A_TALKER
    with pytest.raises(TypeError, match="sings"):
        PersonScript.from_json({"sings": True})
