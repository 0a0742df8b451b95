"""Whether it is a voicemail that answered, by what it says and how it goes on."""

import pytest

from speech.worker.answering.voicemail import LISTENS_S, LONG_GREETING_S, GreetingWatch

ANSWERED = 100.0


def a_watch() -> GreetingWatch:
    return GreetingWatch(ANSWERED)


SURE = [
    "You have reached Ann. Please leave a message after the tone.",
    "Hi, this is Ann. I can't come to the phone right now, so please leave a message and I'll get back to you.",
    "Hi, you’ve reached Bob. Please leave your name and number and I’ll call you back as soon as I can.",
    "hi you've reached ann i can't take your call right now please leave a message and i'll return your call",
    "I'll be out of the office until Monday, so please leave a message after the tone.",
    "Leave your message after the tone.",
    "Leave a message at the beep and we'll get back to you as soon as we can.",
    "If you want to leave a message, do so after the beep.",
    "Your call has been forwarded to an automated voice messaging system.",
    "At the tone, please record your message.",
    "Please record your message at the beep.",
    "This is the mailbox of Bob.",
    "The mailbox is full and cannot accept any messages.",
    "You have reached the voicemail of Ann.",
    "Please leave us a short message.",
    "Bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
    "Por favor deje su mensaje después de la señal.",
    "Laissez un message après le bip.",
]
"""What only a machine says."""
EITHER = [
    "I can't come to the phone right now.",
    "I am unable to take your call.",
    "We cannot answer your call at the moment.",
    "This is Ann, leave a message.",
    "Leave me your name and number.",
    "Leave a message and I'll call you back when I can.",
]
"""What a person says as well, who takes less than three seconds for it."""
PERSON = [
    "Hello?",
    "Ann speaking, who is there?",
    "I'll leave a message for him.",
    "I’ll leave a message for him.",
    "She can't come to the phone right now.",
    "He's unable to take your call, he is in a meeting.",
    "I can leave a message for her, if that helps.",
    "I'm going to leave a message for him.",
    "I would leave a message for him.",
    "Let me see, you may leave a message with me.",
    "Leave a message with me and I'll pass it on.",
    "Please leave a message with me, I'll tell him.",
    "She is not in, would you like to leave a message?",
    "Would you like to leave one after the tone?",
    "Could you please leave a message with my colleague?",
    "Do you want to leave your name and number?",
    "Shall I put you through to the mailbox of Bob?",
    "My voicemail is full, what is it?",
    "Can I call you back? I am at the door.",
    "You left me a message yesterday.",
]


def speaking(watch: GreetingWatch, from_s: float, to_s: float) -> None:
    watch.speaks(ANSWERED + from_s)
    watch.pauses(ANSWERED + to_s)


@pytest.mark.parametrize("greeting", SURE)
def test_a_machine_says_what_it_is(greeting: str) -> None:
    assert (a_watch().said(greeting, ANSWERED + 6) or "").startswith("a greeting said: ")


@pytest.mark.parametrize("line", EITHER)
def test_what_a_person_says_as_well_is_a_greeting_by_a_second_sign(line: str) -> None:
    short = a_watch()
    speaking(short, 1, 1.9)
    speaking(short, 2.5, 4)
    assert short.said(line, ANSWERED + 4.5) is None
    assert short.tone(1000, ANSWERED + 5) == "a tone of 1000 Hz after a greeting"
    unbroken = a_watch()
    speaking(unbroken, 1, 4)
    assert (unbroken.said(line, ANSWERED + 4.5) or "").startswith("a greeting said: ")
    still_speaking = a_watch()
    still_speaking.speaks(ANSWERED + 1)
    assert (still_speaking.said(line, ANSWERED + 4) or "").startswith("a greeting said: ")


def test_a_tone_is_a_second_sign_however_short_the_words_were_and_if_they_are_read_after_it() -> None:
    for tone_first in (False, True):
        watch = a_watch()
        speaking(watch, 1, 2.5)
        told = [watch.tone(1000, ANSWERED + 2.6)] if tone_first else []
        told.append(watch.said("I can't come to the phone.", ANSWERED + 3))
        told += [] if tone_first else [watch.tone(1000, ANSWERED + 3.5)]
        assert told == [None, "a tone of 1000 Hz after a greeting"]


def test_a_phone_that_beeps_as_it_is_picked_up_is_no_second_sign() -> None:
    watch = a_watch()
    assert watch.tone(1000, ANSWERED + 0.2) is None
    speaking(watch, 1, 2.5)
    assert watch.said("I can't take your call.", ANSWERED + 3) is None


@pytest.mark.parametrize("line", PERSON)
def test_a_person_is_none(line: str) -> None:
    watch = a_watch()
    speaking(watch, 1, 4)
    assert (watch.said(line, ANSWERED + 4.5), watch.look(ANSWERED + 20)) == (None, None)


@pytest.mark.parametrize("line", ["Yes, I was unable to take your call earlier.", *EITHER, *PERSON])
def test_who_is_answered_after_a_hello_is_a_person(line: str) -> None:
    watch = a_watch()
    speaking(watch, 1, 1.5)
    assert watch.said("Hello?", ANSWERED + 2) is None
    speaking(watch, 4, 8)
    assert watch.said(line, ANSWERED + 8.5) is None
    assert not watch.listens(ANSWERED + 9)


@pytest.mark.parametrize("greeting", SURE)
def test_a_greeting_that_was_taken_for_two_turns_is_known_by_its_tone(greeting: str) -> None:
    watch = a_watch()
    speaking(watch, 1, 1.5)
    assert watch.said("Hi, this is Ann.", ANSWERED + 2) is None
    speaking(watch, 4, 7)
    assert watch.said(greeting, ANSWERED + 7.5) is None
    assert watch.listens(ANSWERED + 8)
    assert watch.tone(1000, ANSWERED + 8) == "a tone of 1000 Hz after a greeting"


def test_who_speaks_on_from_the_answer_without_a_pause_is_a_greeting() -> None:
    watch = a_watch()
    watch.speaks(ANSWERED + 1)
    assert watch.look(ANSWERED + LONG_GREETING_S) is None
    assert watch.look(ANSWERED + 1 + LONG_GREETING_S) == "a greeting went on for 8 s without a pause"
    assert watch.look(ANSWERED + 15) is None, "it is told once"
    assert watch.said("Leave a message.", ANSWERED + 20) is None


def test_who_pauses_or_has_said_something_may_speak_on() -> None:
    pausing = a_watch()
    for second in range(0, 30, 5):
        pausing.speaks(ANSWERED + second)
        pausing.pauses(ANSWERED + second + 4)
        assert pausing.look(ANSWERED + second + 4.5) is None
    talking = a_watch()
    talking.said("Hello?", ANSWERED + 1)
    talking.speaks(ANSWERED + 4)
    assert talking.look(ANSWERED + 25) is None


def test_a_tone_ends_a_greeting_and_is_nothing_by_itself() -> None:
    assert a_watch().tone(1000, ANSWERED + 1) is None, "a phone that is picked up may beep"
    watch = a_watch()
    watch.speaks(ANSWERED + 0.5)
    watch.pauses(ANSWERED + 4.5)
    assert watch.tone(1000, ANSWERED + 5) == "a tone of 1000 Hz after a greeting"


def test_nobody_listens_for_it_later_in_the_call() -> None:
    watch = a_watch()
    watch.speaks(ANSWERED)
    watch.pauses(ANSWERED + 5)
    assert watch.tone(1000, ANSWERED + LISTENS_S) is None
    assert watch.said("After the tone.", ANSWERED + LISTENS_S) is None
    talked = a_watch()
    assert talked.listens(ANSWERED + 3)
    for line in ("Hello?", "Yes, that is me."):
        talked.said(line, ANSWERED + 3)
    assert not talked.listens(ANSWERED + 4)
    assert talked.said("Please leave a message after the tone.", ANSWERED + 6) is None
