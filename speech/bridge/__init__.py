"""The bridge between a call and a customer's `AgentRunner` (the `unpod` SDK 0.5.0): text both ways, one call a bridge.

Who is who: a *runner* is the customer's process, which dials in and holds the conversation. A *voice* hears and speaks:
the sandbox's telephones, or a job of livekit-agents. Between the two stands this package. It knows neither LiveKit nor
AWS, so both voices use the same code.

    control plane            hub + line          conversation                   voice
        |                        |                    |                            |
        |<------ AskForBrain("join") -----------------|                            |  POST /v1/calls/{id}/brain
        |-- job.assign --> runner|                    |                            |
        |------- Assigned(job, dial_within_s) ------->|                            |
        |                runner dials                 |                            |  GET /bridge/{id}.{n}?token=
        |                        |-- RunnerDialled -->|                            |
        |              hello --->|-- RunnerFrame ---->|                            |
        |          hello.ack <---|<-- SendFrame ------|                            |  both within 10 s of hello,
        |       call.started <---|<-- SendFrame ------|                            |  and before the phone rings
        |<------ Report(ready) -----------------------|                            |
        |          agent.say --->|-- RunnerFrame ---->| (held)                     |
        |                        |                    |<--------- Answered --------|  both sides can hear
        |                        |                    |---- Say ------------------>|
        |          user.text <---|<-- SendFrame ------|<--------- UserSaid --------|
        |   agent.text.delta --->|-- RunnerFrame ---->|---- Speak ---------------->|
        |     agent.text.end --->|-- RunnerFrame ---->|---- EndOfReply ----------->|
        |                        |                    |<--------- SpeechPlayed ----|  the last word was heard
        |     agent.end_call --->|-- RunnerFrame ---->|---- HangUp --------------->|  after all words were heard
        |<------ Report(hang_up) ---------------------|                            |
        |<------ Report(transcript) ------------------|<--------- OtherSideLeft ---|
        |                        |                    |<--------- CallOver --------|  why is told
        |  state, end_reason <---|<-- SendFrame ------|                            |
        |         close 1000 <---|<-- CloseBridge ----|                            |

Where to look: `model.frames` is the wire, `rules.conversation` what follows from what, `hub` and `line` the sockets,
`attach` the same line for a voice in another process, `brain` the control plane as a call needs it, `control` as its
worker does, `local_brain` a brain that is no runner. `driver` binds a conversation to all of them and to a `voice`.
"""
