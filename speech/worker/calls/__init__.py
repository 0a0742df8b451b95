"""One call, in a process of its own: `job` is its dispatch, `call` binds its parts together, `leg` is the telephone,
`voice` and `listening` the two directions between session and conversation, `quiet` what follows from silence."""
