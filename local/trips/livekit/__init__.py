"""The whole product on a real LiveKit: its server, its SIP bridge, telephones by SIP, the speech worker, a runner."""
