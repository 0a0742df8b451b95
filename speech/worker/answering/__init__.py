"""What answered a call that was dialled: a person, or a voicemail. `voicemail` and `tones` are pure; `answering` has
them hear the call."""
