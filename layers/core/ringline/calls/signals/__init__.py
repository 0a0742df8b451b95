"""What LiveKit, carriers and agents tell of a call, and how a call that rings in begins."""
