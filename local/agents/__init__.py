"""Who thinks for calls and who speaks in them, outside: runners and speech workers, as facts and pure rules. Time and
chance come from whoever plays them: the simulation, the crash tests. The sandbox runs the real ones."""
