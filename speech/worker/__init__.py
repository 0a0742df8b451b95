"""The speech worker: it hears and speaks in the calls whose agent is text (docs/speech-worker.md).

One container is one main process and a job process for each call. The main process registers with LiveKit, starts the
jobs, and holds the hub that runners dial. A job joins the room, turns speech into text and text into speech, and lets
`speech.bridge` decide what follows from what.

    LiveKit --job--> main process --fork--> job: room, AgentSession, voice, driver
    runner --wss--> hub (main process) <--loopback-- line of the job

Where to look: `settings` is what can be set, `main` the process and its end, `calls` one call from its dispatch to its
end, `voices` whose ears and mouths there are, `brains` the brains that are no runner.
"""
