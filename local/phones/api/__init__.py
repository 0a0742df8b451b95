"""The network's HTTP interfaces: one module for each of LiveKit's Twirp services, the door in front of them, and
`/phones`, by which tests and the demo steer the network."""
